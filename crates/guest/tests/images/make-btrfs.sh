#!/bin/sh
# Makes two guests on btrfs, with subvolumes as Fedora and as openSUSE have them: btrfs-progs 6.2,
# zstd 1.5; needs root and a kernel with btrfs. Then mounts each by its own fstab, and prints what
# tests/assembled.rs expects. Usage: make-btrfs.sh OUTPUT-FOLDER
set -eu
out=$(realpath "$1"); here=$(realpath "$(dirname "$0")"); work=$(mktemp -d); cd "$work"; mkdir top mnt
uuid=01234567-89ab-4cde-8f01-23456789abc

make() { # NAME UUID
    truncate -s 16M "$1"
    mkfs.btrfs -q --mixed --nodesize 4096 -U "$2" "$1" > /dev/null
    mount -o loop "$1" top
}
system() { # FOLDER ID
    mkdir -p "$1/etc" "$1/usr/lib" "$1/boot/grub2" "$1/home" "$1/srv" "$1/var"
    printf 'ID=%s\n' "$2" > "$1/usr/lib/os-release"
    ln -s ../usr/lib/os-release "$1/etc/os-release"
    zstd -q -d "$here/vmlinuz.zst" -o "$1/boot/vmlinuz"
    : > "$1/boot/initrd"
    for folder in home srv var; do echo hidden > "$1/$folder/hidden"; done
}
entry() { # PATH ARGUMENTS
    printf 'menuentry x {\n linux %s/vmlinuz %s\n initrd %s/initrd\n}\n' "$1" "$2" "$1"
}
look() { # IMAGE OPTIONS, then pairs of point and options
    mount -o "loop,$2" "$1" mnt; image=$1; shift 2
    while [ $# -gt 0 ]; do mount -o "loop,$2" "$image" "mnt$1"; shift 2; done
    (cd mnt; find . -type f ! -path '*/boot/*' -exec sh -c 'echo "$1: $(cat "$1")"' - {} ';' 2> /dev/null | sort)
    umount -R mnt
}

# Fedora: the top level is the default, and here has a system of its own that nobody mounts.
fedora=${uuid}4; make fedora.img $fedora
for name in root home data; do btrfs -q subvolume create top/$name; done
system top/root fedora; system top wrong; rm -r top/boot top/home/hidden top/srv top/var
echo 'home of fedora' > top/home/user; echo 'data of fedora' > top/data/file
data=$(btrfs subvolume show top/data | sed -n 's/.*Subvolume ID:[[:space:]]*//p')
cat > top/root/etc/fstab <<FSTAB
UUID=$fedora / btrfs subvol=root,compress=zstd:1 0 0
UUID=$fedora /home btrfs subvol=home,compress=zstd:1 0 0
UUID=$fedora /srv btrfs subvolid=$data 0 0
FSTAB
entry /root/boot "root=UUID=$fedora ro rootflags=subvol=root" > top/root/boot/grub2/grub.cfg
umount top; echo "== fedora, /srv is $data"
look fedora.img subvol=root /home subvol=home /srv "subvolid=$data"

# openSUSE: the default is a snapshot, and an older one is beside it.
suse=${uuid}5; make suse.img $suse
for name in @ @/.snapshots @/home @/var; do btrfs -q subvolume create "top/$name"; done
mkdir top/@/.snapshots/1 top/@/.snapshots/2
btrfs -q subvolume create top/@/.snapshots/1/snapshot
now=top/@/.snapshots/1/snapshot; system $now older
btrfs -q subvolume snapshot -r $now top/@/.snapshots/2/snapshot
printf 'ID=opensuse-leap\n' > $now/usr/lib/os-release; mkdir $now/.snapshots
echo 'home of suse' > top/@/home/user; echo 'var of suse' > top/@/var/file
cat > $now/etc/fstab <<FSTAB
UUID=$suse / btrfs defaults 0 0
UUID=$suse /var btrfs subvol=/@/var 0 0
UUID=$suse /home btrfs subvol=/@/home 0 0
UUID=$suse /.snapshots btrfs subvol=/@/.snapshots 0 0
FSTAB
entry /boot "root=UUID=$suse quiet" > $now/boot/grub2/grub.cfg
btrfs subvolume set-default $now
umount top; echo "== suse"
look suse.img defaults /var subvol=/@/var /home subvol=/@/home /.snapshots subvol=/@/.snapshots

for image in fedora suse; do zstd -q -19 -f $image.img -o "$out/btrfs-$image.img.zst"; done
rm -rf "$work"

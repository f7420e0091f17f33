#!/bin/sh
# Makes the btrfs samples of this folder: btrfs-progs 6.2, zstd 1.5, xfsprogs 6.1 (for xfs_io);
# needs root and a kernel with btrfs. Usage: make-btrfs.sh OUTPUT-FOLDER
set -eu
out=$(realpath "$1"); work=$(mktemp -d); cd "$work"; mkdir mnt
uuid=01234567-89ab-4cde-8f01-23456789abc

make() { # NAME SIZE OPTION...
    name=$1 size=$2; shift 2
    truncate -s "$size" "$name"
    mkfs.btrfs -q --nodesize 4096 -L tiny "$@" "$name" > /dev/null
}

fill() {
    mkdir -p boot etc usr/lib many
    printf 'ID=fedora\n' > usr/lib/os-release
    ln -s ../usr/lib/os-release etc/os-release
    ln -s /usr/lib lib; ln -s loop-b loop-a; ln -s loop-a loop-b
    seq -f '%07.0f' 0 2499 > boot/vmlinuz
    printf head > boot/sparse; truncate -s 300K boot/sparse; printf tail >> boot/sparse
    for i in $(seq 60); do : > many/a-file-with-a-rather-long-name-$i; done
}

# Subvolumes as Fedora and openSUSE have them, each compression, reserved space, a shared extent.
make btrfs.img 16M --mixed -U ${uuid}1
mount -o loop btrfs.img mnt
for name in @ @home; do btrfs -q subvolume create mnt/$name; done
(cd mnt/@; fill; fallocate -l 20000 reserved; btrfs -q subvolume create usr/nested; seq 9 > usr/nested/inside
 for kind in zlib lzo zstd; do
     mkdir packed-$kind; btrfs property set packed-$kind compression $kind
     seq 40000 > packed-$kind/numbers; seq 300 > packed-$kind/inline
 done
 cp --reflink=always boot/vmlinuz shared; printf new | dd of=shared bs=4096 seek=2 conv=notrunc status=none)
seq 5 > mnt/@home/user
sync
btrfs -q subvolume snapshot -r mnt/@ mnt/@home/before
btrfs subvolume set-default mnt/@
umount mnt

# Synced files that are only in the log: one new, one that grew, a renamed and a deleted one.
make btrfs-log.img 16M --mixed -U ${uuid}2
mount -o loop,commit=300 btrfs-log.img mnt
(cd mnt; fill; seq 100 > grown; seq 50 > old-name; seq 60 > deleted; sync
 seq 70 > fresh; seq 101 200 >> grown; mv old-name new-name; rm deleted; mkdir folder; seq 8 > folder/inside
 for file in fresh grown new-name folder/inside; do xfs_io -c fsync $file; done; xfs_io -c fsync .
 printf lost > never-synced)
cp btrfs-log.img copy; umount mnt; mv copy btrfs-log.img

# A copy on each of two devices.
truncate -s 96M btrfs-raid1-a.img btrfs-raid1-b.img
mkfs.btrfs -q --nodesize 4096 --mixed -m raid1 -d raid1 -U ${uuid}3 btrfs-raid1-a.img btrfs-raid1-b.img > /dev/null
first=$(losetup -f --show btrfs-raid1-a.img); second=$(losetup -f --show btrfs-raid1-b.img)
btrfs -q device scan "$first" "$second"
mount "$first" mnt; (cd mnt; fill); umount mnt
losetup -d "$first" "$second"

mkdir tree; (cd tree; fill)
for sum in xxhash sha256 blake2; do
    make btrfs-$sum.img 16M --mixed --csum $sum --rootdir tree
done
for image in *.img; do zstd -q -19 -f "$image" -o "$out/$image.zst"; done
rm -rf "$work"

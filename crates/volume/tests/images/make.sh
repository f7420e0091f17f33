#!/bin/sh
# Makes the sample images of this folder: e2fsprogs 1.47, dosfstools 4.2, mtools 4.0, zstd 1.5.
# Usage: make.sh OUTPUT-FOLDER
set -eu
out=$(realpath "$1"); work=$(mktemp -d); cd "$work"
export E2FSPROGS_FAKE_TIME=1700000000 SOURCE_DATE_EPOCH=1700000000 TZ=UTC

mkdir -p tree/etc tree/boot/grub tree/usr/lib/modules/6.1/kernel tree/many
printf 'ID=debian\n' > tree/usr/lib/os-release
ln -s ../usr/lib/os-release tree/etc/os-release
ln -s /usr/lib tree/lib
ln -s loop-b tree/loop-a; ln -s loop-a tree/loop-b
ln -s "/usr/lib/$(printf './%.0s' $(seq 60))os-release" tree/long-link
printf 'set default=0\n' > tree/boot/grub/grub.cfg
for i in $(seq 1 60); do : > tree/many/a-file-with-a-rather-long-name-$i; done
seq -f '%07.0f' 0 2499 > tree/boot/vmlinuz
printf head > tree/boot/sparse; truncate -s 300K tree/boot/sparse; printf tail >> tree/boot/sparse
find tree -exec touch -h -d @1700000000 {} +

ext() { # NAME SIZE OPTION...
    name=$1 size=$2; shift 2
    truncate -s "$size" "$name"
    mke2fs -q -F -m0 -N 112 -b 1024 -U 01234567-89ab-4cde-8f01-23456789abcd -L tiny \
        -E root_owner=0:0,hash_seed=11111111-2222-3333-4444-555555555555 -d tree "$@" "$name"
}
ext ext4-csum.img 1M -t ext4 -O metadata_csum,64bit,^has_journal,^resize_inode
ext ext4-plain.img 1M -t ext4 -O ^metadata_csum,^64bit,^has_journal,^resize_inode
ext ext2.img 1M -t ext2 -O ^resize_inode

# A journal that was not written back: grub.cfg's block in two versions, vmlinuz's first block
# with the journal's magic number (escaped), os-release's block written and then revoked.
ext ext4-journal.img 3M -t ext4 -O metadata_csum,64bit,^resize_inode -J size=1
block() { debugfs -R "blocks $1" ext4-journal.img 2>/dev/null | awk '{print $1}'; }
pad() { truncate -s 1024 "$1"; }
printf 'set default=1\n' > old; pad old
printf 'set default=2\n' > new; pad new
printf '\300\073\071\230 escaped\n' > magic; pad magic
printf 'ID=revoked\n' > gone; pad gone
cfg=$(block /boot/grub/grub.cfg) kernel=$(block /boot/vmlinuz) release=$(block /usr/lib/os-release)
cp ext4-journal.img ext4-journal-v3.img
for pair in ext4-journal: ext4-journal-v3:-c; do
    debugfs -w "${pair%%:*}.img" <<EOF
jo ${pair#*:}
jw -b $cfg old
jw -b $release gone
jw -b $cfg new
jw -b $kernel magic
jw -r $release
jc
EOF
done

fat() { # NAME SIZE BITS
    truncate -s "$2" "$1"
    mkfs.fat -F "$3" -s 1 -i ABCD1234 -n TINY "$1"
    mmd -i "$1" ::/boot ::/EFI ::/EFI/BOOT
    printf 'timeout 3\n' > loader.conf
    mcopy -m -i "$1" loader.conf ::/boot/loader.conf
    mcopy -m -i "$1" tree/boot/vmlinuz "::/EFI/BOOT/A long file name, with blanks.efi"
    mcopy -m -i "$1" loader.conf ::/EFI/BOOT/BOOTX64.EFI
    : > empty; mcopy -i "$1" empty ::/empty
}
fat fat12.img 128K 12; fat fat16.img 4M 16; fat fat32.img 34M 32
for image in *.img; do zstd -q -19 -f "$image" -o "$out/$image.zst"; done
rm -rf "$work"

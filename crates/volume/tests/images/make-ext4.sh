#!/bin/sh
# Makes the sample of an indexed directory, as root: the kernel grows it. With mke2fs 1.47.0 and
# Linux 6.18. All names are links to one file. `many` has two levels of index; in `few` the index is so
# short that its block, a leaf once, still ends as one.
set -eu
out=$(realpath "$1"); work=$(mktemp -d); cd "$work"; mkdir mnt
trap 'umount mnt 2>/dev/null || true; rm -rf "$work"' EXIT
truncate --size 1M ext4-index.img
mke2fs -q -F -t ext4 -b 1024 -N 16 -O ^has_journal,^resize_inode,metadata_csum,dir_index \
    -U 6d2b7a1e-3f54-4c0e-9d0a-0d5f1a6e30ee -E hash_seed=11111111-2222-3333-4444-555555555555 ext4-index.img
mount -o loop ext4-index.img mnt
echo one file >mnt/file
mkdir mnt/few mnt/many
n=0; while [ $n -lt 100 ]; do ln mnt/file "mnt/few/a-name-of-some-length-$n"; n=$((n + 1)); done
n=0; while [ $n -lt 3000 ]; do ln mnt/file "mnt/many/a-name-of-some-length-$n"; n=$((n + 1)); done
umount mnt
e2fsck -fn ext4-index.img >/dev/null
debugfs -R 'htree many' ext4-index.img 2>/dev/null | grep 'Indirect levels: 1'
debugfs -R 'htree few' ext4-index.img 2>/dev/null | grep 'Indirect levels: 0'
zstd -q -19 --no-progress -f ext4-index.img -o "$out/ext4-index.img.zst"

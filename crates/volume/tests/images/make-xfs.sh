#!/bin/sh
# Makes the XFS samples of this folder: xfsprogs 6.1, zstd 1.5, Linux 6.18. Needs root for all but
# `xfs-v4` (mkfs fills that one; Linux no longer mounts it).
# Usage: make-xfs.sh OUTPUT-FOLDER
set -eu
out=$(realpath "$1"); here=$(dirname "$(realpath "$0")"); work=$(mktemp -d); cd "$work"
mkdir mnt
# Without these three mkfs makes nothing below 300 MiB.
export TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1
id=01234567-89ab-4cde-8f01-23456789abcd

make() { # NAME OPTION...
    name=$1; shift
    truncate -s 16m "$name.img"
    mkfs.xfs -q -f -L tiny -m uuid=$id "$@" "$name.img"
}
populated() { # NAME OPTION...
    make "$@"
    mount -o loop "$1.img" mnt
    sh "$here/../differential/xfs-populate.sh" mnt small
    umount mnt
}
populated xfs-v5 -d agcount=1
populated xfs-1k -b size=1024 -i nrext64=1

# In use to the end: what stands in the log alone, and what was in place before.
make xfs-dirty
mount -o loop xfs-dirty.img mnt
printf 'before\n' > mnt/old; mkdir mnt/dir; touch mnt/dir/gone mnt/dir/kept; sync
printf 'after, and longer\n' > mnt/new; rm mnt/dir/gone; mv mnt/old mnt/dir/moved
seq -f 'mnt/dir/name-%03.0f' 100 | xargs touch; ln -s dir/moved mnt/link
sync mnt/new; xfs_io -x -c 'shutdown -f' mnt; umount mnt

printf 'ID=debian\n' > os-release; seq 3000 > numbers
{ echo nothing; echo 0 0; echo d--755 0 0
  echo "etc d--755 0 0"; echo "os-release ---644 0 0 $work/os-release"; echo '$'
  echo "numbers ---600 0 0 $work/numbers"; echo "link l--777 0 0 etc/os-release"
  echo "many d--755 0 0"; : > empty
  seq -f "name-%04.0f ---644 0 0 $work/empty" 500; echo '$'; echo '$'; echo '$'; } > proto
make xfs-v4 -m crc=0 -i size=256 -p proto
for image in xfs-*.img; do zstd -q -19 -f "$image" -o "$out/${image%.img}.img.zst"; done
rm -rf "$work"

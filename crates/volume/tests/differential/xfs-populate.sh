#!/bin/sh
# Fills the mounted XFS at $1 with every form of directory, file and link. Needs xfsprogs' xfs_io.
# $2: `small` for samples that are committed. Not deterministic in layout, only in content.
set -eu
cd "$1"
size=${2:-large}
case $size in small) counts="3 40 300"; extents=60; alike=4 ;;
              *) counts="3 20 100 700 5000 40000"; extents=20000; alike=11 ;; esac

# Directories: in the inode, one block, one leaf, nodes; some names removed again.
for count in $counts; do
    mkdir "names-$count"
    (cd "names-$count"
     seq -f "name-%07.0f" "$count" | xargs touch
     seq -f "name-%07.0f" 5 7 "$count" | xargs -r rm
     printf 'one of %s\n' "$count" > name-0000001)
done

# Names of one hash: bit 4 of one group's last letter and bit 0 of the next one's cancel out.
mkdir alike
awk -v k="$alike" 'BEGIN { for (n = 0; n < 2 ^ k; n++) { s = ""; was = 0
    for (i = 0; i <= k; i++) { bit = i < k ? int(n / 2 ^ i) % 2 : 0
        c = substr("abqr", 1 + bit * 2 + was, 1)
        s = s (i == 0 ? "xxx" : "yyy") (bit ? (was ? "p" : "q") : (was ? "`" : "a")); was = bit }
    print "alike/" s } }' | xargs -d '\n' touch

# Two directories and a file that grow in turns: their blocks are far apart, their forks trees.
mkdir turn-a turn-b
round=0
while [ "$round" -lt 60 ] && [ "$size" = large ]; do
    for side in a b; do
        seq -f "turn-$side/a-long-name-so-that-blocks-fill-quickly-%06.0f" \
            $((round * 200)) $((round * 200 + 199)) | xargs touch
    done
    dd if=/dev/urandom of=filler bs=4096 count=3 seek=$((round * 3)) conv=notrunc,fsync status=none
    sync turn-a turn-b
    round=$((round + 1))
done

# A file of many extents, holes between them; one that is allocated but mostly unwritten; a tail.
awk -v n="$extents" 'BEGIN { for (i = 0; i < n; i++) printf "pwrite -q -S %d %d 4096\n", i % 251, i * 8192 }' |
    xfs_io -f holes > /dev/null
xfs_io -f -c 'falloc 0 300k' -c 'pwrite -q -S 7 100k 5000' unwritten
xfs_io -f -c 'truncate 5g' -c 'pwrite -q -S 9 3g 10' sparse
xfs_io -f -c 'pwrite -q 0 10' -c 'truncate 12345' short
seq 100000 > numbers
: > empty
if cp --reflink=always numbers shared 2> /dev/null; then
    xfs_io -c 'pwrite -q -S 1 8192 4096' shared
    cp --reflink=always holes shared-holes
    xfs_io -c 'pwrite -q -S 2 16384 4096' shared-holes
fi

# Links: in the inode, in blocks.
for len in 1 30 200 400 700 1023; do
    ln -s "$(head -c "$len" /dev/zero | tr '\0' x)" "link-$len"
done
ln -s names-3/name-0000001 good-link
ln numbers hard-link
mkfifo pipe
mkdir "$(head -c 255 /dev/zero | tr '\0' n)"
printf 'ä\n' > 'näme mit Leerzeichen'
chmod 4751 short
mkdir -p a/b/c/d/e/f; printf deep > a/b/c/d/e/f/file
touch -d '1950-01-01 UTC' a/b; touch -d '2100-01-01 UTC' a/b/c 2> /dev/null || true
if command -v setfattr > /dev/null; then setfattr -n user.note -v "$(seq 100)" numbers; fi

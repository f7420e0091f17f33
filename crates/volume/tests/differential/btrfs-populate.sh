#!/bin/sh
# Fills a mounted btrfs with whatever its format has a way of its own for.
# Usage: btrfs-populate.sh MOUNT [LITTLE]
set -eu
mnt=$1 most=${2:-}
btrfs -q subvolume create "$mnt/@"
btrfs -q subvolume create "$mnt/@home"
mkdir -p "$mnt/@/deep/er"
btrfs -q subvolume create "$mnt/@/deep/er/nested"
cd "$mnt/@"

# Inline, one sector, several extents, holes, reserved space, cut short, the end in a sector.
: > empty
for len in 1 100 2000 2048 4095 4096 4097 65536; do head -c $len /dev/urandom > random-$len; done
seq 400000 > numbers
head -c 3000 /dev/zero | tr '\0' z > letters
printf head > sparse; truncate -s 900M sparse; printf tail >> sparse
fallocate -l 3M reserved; printf middle | dd of=reserved bs=1 seek=1500000 conv=notrunc status=none
seq 200000 > punched; fallocate -p -o 65536 -l 131072 punched; truncate -s 700001 punched
for i in $(seq 0 60); do printf "piece $i" | dd of=pieces bs=1 seek=$((i * 12345)) conv=notrunc status=none; done

# One extent that several files share, a part of one, one that was partly overwritten.
cp --reflink=always numbers shared
dd if=/dev/urandom of=shared bs=4096 seek=20 count=7 conv=notrunc status=none
cp --reflink=always numbers cut; truncate -s 1000000 cut

# Each compression: text, what does not shrink, zeros, inline.
for kind in zlib lzo zstd; do
    mkdir packed-$kind; btrfs property set packed-$kind compression $kind
    seq 600000 > packed-$kind/numbers
    printf 'short, but it repeats itself: %.0s' $(seq 40) > packed-$kind/inline
    head -c 300000 /dev/urandom > packed-$kind/random
    (seq 9000; head -c 700000 /dev/zero; seq 9000) > packed-$kind/zeros
    (seq 1000; head -c 5000 /dev/urandom; seq 70000; head -c 3000 /dev/urandom) > packed-$kind/mixed
    sync; printf overwritten | dd of=packed-$kind/numbers bs=1 seek=1000000 conv=notrunc status=none
    cp --reflink=always packed-$kind/mixed packed-$kind/clone; truncate -s 200000 packed-$kind/clone
done

# Names: many, long, with the same hash in no way that can be arranged cheaply; links of all kinds.
mkdir many hard; (cd many; seq -f 'name-%07.0f' ${most:-20000} | xargs touch)
(cd many; seq -f 'name-%07.0f' 3 3 ${most:-20000} | xargs rm)
long=$(head -c 250 /dev/zero | tr '\0' n); printf long > "$long"
ln -s ../random-100 deep/link; ln -s /numbers absolute
ln -s "$(head -c 3000 /dev/zero | tr '\0' y)" link-3000
for i in $(seq 300); do ln numbers "hard/$(printf "%0200d" "$i")" 2> /dev/null || break; done
mkfifo pipe; mknod null c 1 3
printf 'grüße' > 'Ünïcode näme'; printf odd > "with blank "
chmod 4755 random-100; touch -d 1969-12-01 letters; touch -d 2200-01-01 random-1

seq 5000 > deep/er/nested/inside
seq 6000 > "$mnt/@home/user"
sync
# Snapshots: the nested subvolume is an empty directory in them.
btrfs -q subvolume snapshot -r "$mnt/@" "$mnt/@home/before"
btrfs -q subvolume snapshot "$mnt/@" "$mnt/writable"
printf changed > "$mnt/writable/numbers"; rm "$mnt/writable/cut"
btrfs -q subvolume create "$mnt/gone"; seq 100 > "$mnt/gone/file"
btrfs -q subvolume delete "$mnt/gone"

#!/bin/sh
# Every file of populated btrfs images, as the kernel reads them from a loop mount and as
# `examples/hash_tree.rs` does: names, lengths, times, link targets, SHA-256, and the list of
# subvolumes. Needs root, btrfs-progs and a kernel with btrfs.
# Usage: btrfs.sh HASH_TREE WORK-FOLDER [VARIANT]...
set -eu
hash_tree=$(realpath "$1"); here=$(dirname "$(realpath "$0")")
work=$(realpath "$2"); shift 2
mnt="$work/mnt"; mkdir -p "$mnt"
all="plain single node4k node64k mixed old xxhash sha256 blake2 raid1 raid1c3 raid0 raid10 degraded default log"
[ $# -gt 0 ] || set -- $all

options() {
    case $1 in
    plain | default | log) echo -m dup -d single ;;
    single) echo -m single -d single ;;
    node4k) echo --nodesize 4096 -m dup -d dup ;;
    node64k) echo --nodesize 65536 ;;
    mixed) echo --mixed ;;
    old) echo -R ^free-space-tree -O ^no-holes,^extref,^skinny-metadata ;;
    xxhash | sha256 | blake2) echo --csum "$1" ;;
    degraded) echo -m raid1 -d raid1 ;;
    raid*) echo -m "$1" -d "$1" ;;
    esac
}

devices() {
    case $1 in
    raid1 | raid0 | degraded) echo 2 ;;
    raid1c3) echo 3 ;;
    raid10) echo 4 ;;
    *) echo 1 ;;
    esac
}

# What `hash_tree --all` prints, by the kernel.
kernel() {
    (cd "$1"
     find . -mindepth 1 -type d -printf 'd %m %Ts %P\n'
     find . -type l -printf 'l %P %l\n'
     find . -type f -printf 'f %m %s %Ts %P\n'
     find . ! -type d ! -type l ! -type f -printf 's %m %Ts %P\n'
     find . -type f -printf '%P\0' | xargs -0 -r sha256sum) | sed 's/\.[0-9]* / /' | LC_ALL=C sort
}

# What `hash_tree --list` prints, by btrfs-progs.
subvolumes() {
    btrfs subvolume list "$1" | awk '{ print $2, $7, $9 }' | while read -r id top path; do
        set -- "$1" $(btrfs subvolume show -r "$id" "$1" | awk '/^\t?UUID:/ { print $2 } /Flags:/ { print $2 }')
        echo "$id $top $2 $([ "${3:--}" = readonly ] && echo ro || echo rw) $path"
    done | LC_ALL=C sort
}

failed=
# The place of a subvolume that a snapshot has not has the time at which it was looked at.
compare() {
    sed -i -E 's,^d 755 [0-9]+ (.*(before|writable)/deep/er/nested)$,d \1,' "$work/expect" "$work/found"
    LC_ALL=C sort -o "$work/expect" "$work/expect"; LC_ALL=C sort -o "$work/found" "$work/found"
    if cmp -s "$work/expect" "$work/found"; then
        echo "same: $1: $(wc -l < "$work/expect") lines"
    else
        echo "DIFFERENT: $1"; diff "$work/expect" "$work/found" | head -20; failed=1
    fi
}

# The second image is what the disk held when the power failed; the kernel then replays its log.
sync_and_fail() {
    cd "$mnt/@"
    btrfs filesystem sync "$mnt"
    seq 7000 > fresh; seq 30 > small; mkdir new; seq 90 > new/inside
    xfs_io -c fsync fresh; xfs_io -c fsync new/inside
    seq 50 >> numbers; xfs_io -c fsync numbers
    mv random-2000 renamed; xfs_io -c fsync renamed
    rm random-4095; mv letters deep/letters; xfs_io -c fsync deep/letters; xfs_io -c fsync .
    ln random-4096 deep/er/second; xfs_io -c fsync random-4096
    truncate -s 5000 random-65536; xfs_io -c fsync random-65536
    fallocate -p -o 8192 -l 40960 pieces; xfs_io -c fsync pieces
    seq 100 > deep/er/nested/logged; xfs_io -c fsync deep/er/nested/logged
    printf 'over ' | dd of=packed-zstd/inline bs=1 conv=notrunc status=none; xfs_io -c fsync packed-zstd/inline
    mkdir other; seq 40 > other/a; seq 41 > other/b; xfs_io -c fsync other
    rm -r many; seq 3 > many; xfs_io -c fsync many
    printf lost > "$mnt/@home/never-synced"
    cd /
    cp --sparse=always "$work/btrfs.0" "$work/failed"
}

for variant; do
    count=$(devices "$variant"); images= loops=
    for index in $(seq 0 $((count - 1))); do
        rm -f "$work/btrfs.$index"; truncate -s 1g "$work/btrfs.$index"
        images="$images $work/btrfs.$index"
    done
    mkfs.btrfs -q $(options "$variant") $images
    for image in $images; do loops="$loops $(losetup -f --show "$image")"; done
    btrfs -q device scan $loops
    set -- $loops
    mount -o commit=300 "$1" "$mnt"
    sh "$here/btrfs-populate.sh" "$mnt"
    case $variant in
    default) btrfs subvolume set-default "$mnt/@home" ;;
    log) sync_and_fail ;;
    esac
    subvolumes "$mnt" > "$work/expect-list"
    umount "$mnt"
    if [ "$variant" = log ]; then
        losetup -d $loops; mv "$work/failed" "$work/btrfs.0"
        cp --sparse=always "$work/btrfs.0" "$work/replayed"
        loops=$(losetup -f --show "$work/replayed"); set -- $loops
    fi
    mount "$1" "$mnt"; kernel "$mnt" > "$work/expect"; umount "$mnt"
    losetup -d $loops; btrfs -q device scan -u || true
    rm -f "$work/replayed"
    [ "$variant" != degraded ] || images="$work/btrfs.1"
    "$hash_tree" --all $images | LC_ALL=C sort > "$work/found" || true
    compare "$variant"
    mv "$work/expect-list" "$work/expect"
    "$hash_tree" --list $images | grep -v '^\*\?5 \|^note' | tr -d '*' | LC_ALL=C sort > "$work/found" || true
    compare "$variant, subvolumes"
done
rm -f "$work"/btrfs.?
[ -z "$failed" ]

#!/bin/sh
# Every file of populated XFS images, as the kernel reads them from a loop mount and as
# `examples/hash_tree.rs` does: names, lengths, times, link targets, SHA-256. Needs root, xfsprogs
# and a kernel with XFS. Images of version 4, which newer kernels do not mount, are filled by mkfs
# and held against the folder.
# Usage: xfs.sh HASH_TREE WORK-FOLDER [VARIANT]...
set -eu
hash_tree=$(realpath "$1"); here=$(dirname "$(realpath "$0")")
work=$(realpath "$2"); shift 2
mnt="$work/mnt"; img="$work/xfs.img"; mkdir -p "$mnt"
all="v5 v5-old v5-1k v5-64k v5-nrext64 v5-sectors v5-dirs v5-dirty v5-dirty-flushed v5-dirty-part v5-dirty-1k v4 v4-512"
[ $# -gt 0 ] || set -- $all

options() {
    case $1 in
    v5 | v5-dirty*[!k]) echo ;;
    v5-old) echo -m bigtime=0,reflink=0,rmapbt=0,finobt=0,inobtcount=0 -i sparse=0 ;;
    v5-1k | v5-dirty-1k) echo -b size=1024 -m rmapbt=1 ;;
    v5-64k) echo -b size=65536 ;;
    v5-nrext64) echo -i nrext64=1,size=2048 ;;
    v5-sectors) echo -s size=4096 -l su=256k -d agcount=13 -i size=1024 ;;
    v5-dirs) echo -b size=2048 -n size=16384 ;;
    v4) echo -m crc=0 -i size=256 ;;
    v4-512) echo -m crc=0 -b size=512 -n size=4096,ftype=1 -i size=256 ;;
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

# A list of contents for `mkfs.xfs -p`: names without blanks only.
prototype() {
    for entry in "$1"/* "$1"/.[!.]*; do
        name=$(basename "$entry")
        if [ -L "$entry" ]; then echo "$name l--777 0 0 $(readlink "$entry")"
        elif [ -d "$entry" ]; then echo "$name d--755 0 0"; prototype "$entry"; echo '$'
        elif [ -f "$entry" ]; then echo "$name ---644 0 0 $entry"
        fi
    done
}

folder() {
    mkdir -p "$1/a/b" "$1/mid" "$1/many"
    seq 300000 > "$1/a/numbers"; : > "$1/empty"; head -c 5000 /dev/urandom > "$1/a/b/random"
    (cd "$1/mid"; seq -f 'name-%05.0f' 60 | xargs touch)
    (cd "$1/many"; seq -f 'name-%07.0f' 6000 | xargs touch)
    for len in 1 100 500 1000; do ln -s "$(head -c $len /dev/zero | tr '\0' y)" "$1/link-$len"; done
}

failed=
for variant; do
    rm -f "$img"; truncate -s 1g "$img"
    case $variant in
    v4*)
        tree="$work/tree"; rm -rf "$tree"; folder "$tree"
        { echo nothing; echo 0 0; echo d--755 0 0; prototype "$tree"; echo '$'; echo '$'; } > "$work/proto"
        mkfs.xfs -q -f $(options "$variant") -p "$work/proto" "$img"
        # The prototype says neither times nor modes.
        strip='s/^d [0-7]+ -?[0-9]+ /d /; s/^f [0-7]+ ([0-9]+) -?[0-9]+ /f \1 /'
        kernel "$tree" | sed -E "$strip" | LC_ALL=C sort > "$work/expect"
        "$hash_tree" --all "$img" | sed -E "$strip" | LC_ALL=C sort > "$work/found" ;;
    v5-dirty*)
        mkfs.xfs -q -f $(options "$variant") "$img"
        mount -o loop "$img" "$mnt"
        sh "$here/xfs-populate.sh" "$mnt"
        # Only what follows is in the log; otherwise all of the 70 000 files.
        case $variant in *-part) xfs_freeze -f "$mnt"; xfs_freeze -u "$mnt" ;; esac
        rm -rf "$mnt/names-700"
        mv "$mnt/names-100" "$mnt/turn-a/moved"
        seq -f "$mnt/names-5000/new-%05.0f" 3000 | xargs touch
        seq 10000 > "$mnt/later"
        case $variant in
        *-flushed) xfs_io -x -c 'shutdown -f' "$mnt" ;;
        *) sync "$mnt/numbers"; xfs_io -x -c shutdown "$mnt" ;;
        esac
        umount "$mnt"
        cp --sparse=always "$img" "$work/replayed.img"
        mount -o loop "$work/replayed.img" "$mnt"
        kernel "$mnt" > "$work/expect"
        umount "$mnt"; rm "$work/replayed.img"
        "$hash_tree" --all "$img" | LC_ALL=C sort > "$work/found" ;;
    *)
        mkfs.xfs -q -f $(options "$variant") "$img"
        mount -o loop "$img" "$mnt"
        sh "$here/xfs-populate.sh" "$mnt"
        kernel "$mnt" > "$work/expect"
        umount "$mnt"
        "$hash_tree" --all "$img" | LC_ALL=C sort > "$work/found" ;;
    esac
    if cmp -s "$work/expect" "$work/found"; then
        echo "same: $variant: $(wc -l < "$work/expect") lines"
    else
        echo "DIFFERENT: $variant"; diff "$work/expect" "$work/found" | head -20; failed=1
    fi
done
rm -f "$img"
[ -z "$failed" ]

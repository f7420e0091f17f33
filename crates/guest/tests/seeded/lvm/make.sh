#!/bin/sh
# Makes the heads of physical volumes: what LVM (lvm2 2.03) writes before the first extent, which
# is at 128 KiB. As root, with loop devices; needs zstd.
#
#   one      a volume of 176 MiB: rhel/root, 160 MiB from the first extent on
#   two-a    the same, and two-b, a volume of 8 MiB: rhel/home, 4 MiB
#   split-a  a volume of 96 MiB: the first 80 MiB of rhel/root; the rest on split-b of 96 MiB
set -eu
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); cd "$work"
export LVM_SUPPRESS_FD_WARNINGS=1 TZ=UTC
loops=
trap 'for loop in $loops; do losetup -d "$loop"; done; rm -rf "$work"' EXIT
loop() { truncate -s "$2" "$1"; made=$(losetup -f --show "$1"); loops="$loops $made"; }
lvm_() {
    command=$1; shift
    "$command" -q --driverloaded n --config "devices { filter=[\"a|^$a\$|\",\"a|^$b\$|\",\"r|.*|\"]
        use_devicesfile=0 } global { activation=0 } backup { backup=0 archive=0 }" "$@" >&2
}
pair() {
    loop "$1-a" "$2"; a=$made; loop "$1-b" "$3"; b=$made
    lvm_ pvcreate --metadatasize 64k --dataalignment 64k "$a" "$b"
    lvm_ vgcreate -s 64k rhel "$a"
}
volume() { lvm_ lvcreate -y -an -Zn -Wn -l "$1" -n "$2" rhel "$3"; }
save() { head -c 128K "$1" | zstd -q -19 -f -o "$out/$2.zst"; }
pair one 176M 8M
volume 2560 root "$a"
save one-a one
pair two 176M 8M
lvm_ vgextend rhel "$b"
volume 2560 root "$a"
volume 64 home "$b"
save two-a two-a
save two-b two-b
pair split 96M 96M
lvm_ vgextend rhel "$b"
volume 1280 root "$a"
lvm_ lvextend -l 2560 rhel/root "$b"
save split-a split-a
save split-b split-b

#!/bin/sh
# Makes the samples of LVM and of arrays, as root, with loop devices: lvm2 2.03, mdadm 4.2, zstd
# 1.5, python 3. Needs ext4-plain.img.zst and fat12.img.zst of this folder.
# Usage: make-assembly.sh OUTPUT-FOLDER
#
# LVM writes labels and metadata; what is on the volumes is put where `lvs` says that they are, by
# this script, since the kernel here may have no device mapper. Kinds that `lvcreate` makes only
# with a device mapper come from a text of metadata, which `vgcfgrestore` checks and writes.
# Superblocks of arrays are written here from md_p.h; `mdadm --examine` has to agree with them.
set -eu
here=$(realpath "$(dirname "$0")"); out=$(realpath "$1"); work=$(mktemp -d); cd "$work"
export LVM_SUPPRESS_FD_WARNINGS=1 TZ=UTC
loops=
trap 'for loop in $loops; do losetup -d "$loop"; done; rm -rf "$work"' EXIT
zstd -q -d "$here/ext4-plain.img.zst" -o root.img
zstd -q -d "$here/fat12.img.zst" -o home.img

loop() { truncate -s "$2" "$1"; made=$(losetup -f --show "$1"); loops="$loops $made"; }
loop pv0.img 3M; pv0=$made; loop pv1.img 2M; pv1=$made
lvm_() {
    command=$1; shift
    "$command" -q --driverloaded n --config "devices { filter=[\"a|^$pv0\$|\",\"a|^$pv1\$|\",\"r|.*|\"]
        use_devicesfile=0 } global { activation=0 } backup { backup=0 archive=0 }" "$@" 2>&1 |
        grep -v -e WARNING -e successfully -e created. || true
}
size="--metadatasize 64k --dataalignment 64k"
lvm_ pvcreate $size --norestorefile -u aaaaaa-0000-0000-0000-0000-0000-000001 "$pv0"
lvm_ pvcreate $size --norestorefile -u aaaaaa-0000-0000-0000-0000-0000-000002 "$pv1"
lvm_ vgcreate -s 64k tiny "$pv0" "$pv1"
# Linear in two pieces with a hole between them; striped over both.
lvm_ lvcreate -y -an -Zn -Wn -l 6 -n root tiny "$pv0"
lvm_ lvcreate -y -an -Zn -Wn -l 2 -i 2 -I 16k -n home-dir tiny
lvm_ lvextend -l 16 tiny/root "$pv0"
lvm_ lvs -a --noheadings -o lv_name,segtype,seg_start_pe,seg_pe_ranges tiny > lvs.txt
cat lvs.txt

cat > place.py <<'PY'
import struct, sys
EXTENT, START, STRIPE = 65536, 131072, 16384
disks = [bytearray(open(f"pv{n}.img", "rb").read()) for n in (0, 1)]
def extent(pv, number): return START + number * EXTENT
def put(pv, at, data): disks[pv][at:at + len(data)] = data
root, home = open("root.img", "rb").read(), open("home.img", "rb").read()
# lvs.txt: root on pv0 0-5 and 7-16, home-dir on pv0 6 and pv1 0.
put(0, extent(0, 0), root[:6 * EXTENT]); put(0, extent(0, 7), root[6 * EXTENT:])
for n in range(0, len(home), STRIPE):
    turn, row = n // STRIPE % 2, n // STRIPE // 2 * STRIPE
    put(turn, extent(turn, 0 if turn else 6) + row, home[n:n + STRIPE])
# What kinds.vg describes: legs of mirrors on pv0 20-21 and 22-23, and on pv1 4-5 and 8-9.
for pv, first in ((0, 20), (0, 22), (1, 4), (1, 8)): put(pv, extent(pv, first), home)
for n in (0, 1): open(f"pv{n}.img", "r+b").write(disks[n])
PY
python3 place.py
save() { zstd -q -19 -f "$1.img" -o "$out/$2.img.zst"; }
save pv0 lvm-a; save pv1 lvm-b
cp pv0.img solo.img

# All kinds that are not linear or striped, on the same two volumes.
lvm_ vgcfgbackup -f base.vg tiny
python3 - <<'PY'
text = open("base.vg").read()
def segment(kind, rest, count=2):
    return f"segment1 {{\nstart_extent = 0\nextent_count = {count}\ntype = \"{kind}\"\n{rest}\n}}\n"
number = 10
def volume(name, segment, visible=True):
    global number
    number += 1
    status = '"READ", "WRITE"' + (', "VISIBLE"' if visible else "")
    return (f"{name} {{\nid = \"bbbbbb-0000-0000-0000-0000-0000-0000{number}\"\n"
            f"status = [{status}]\nflags = []\nsegment_count = 1\n{segment}}}\n")
def plain(pv, first, count=2):
    return segment("striped", f'stripe_count = 1\nstripes = ["{pv}", {first}]', count)
more = "".join([
    volume("mir", segment("raid1", 'device_count = 2\nregion_size = 1024\nraids = ["mir_rmeta_0", '
        '"mir_rimage_0", "mir_rmeta_1", "mir_rimage_1"]')),
    volume("mir_rmeta_0", plain("pv0", 24, 1), False), volume("mir_rimage_0", plain("pv0", 20), False),
    volume("mir_rmeta_1", plain("pv1", 6, 1), False), volume("mir_rimage_1", plain("pv1", 4), False),
    volume("old", segment("mirror", 'mirror_count = 2\nregion_size = 128\nmirrors = '
        '["old_mimage_0", 0, "old_mimage_1", 0]')),
    volume("old_mimage_0", plain("pv0", 22), False), volume("old_mimage_1", plain("pv1", 8), False),
    volume("pool", segment("thin-pool", 'metadata = "pool_tmeta"\npool = "pool_tdata"\n'
        'transaction_id = 1\nchunk_size = 128\ndiscards = "passdown"\nzero_new_blocks = 1')),
    volume("pool_tmeta", plain("pv1", 10, 1), False), volume("pool_tdata", plain("pv1", 11), False),
    volume("thin", segment("thin", 'thin_pool = "pool"\ntransaction_id = 0\ndevice_id = 1')),
    volume("keep", plain("pv1", 13)),
    volume("snapshot0", segment("snapshot", 'chunk_size = 8\norigin = "root"\ncow_store = "keep"', 16), False),
    volume("five", segment("raid5_ls", 'device_count = 3\nstripe_size = 128\nregion_size = 1024\n'
        'raids = ["five_rmeta_0", "five_rimage_0", "five_rmeta_1", "five_rimage_1", '
        '"five_rmeta_2", "five_rimage_2"]')),
] + [volume(f"five_rmeta_{n}", plain("pv0", 26 + 2 * n, 1), False) +
     volume(f"five_rimage_{n}", plain("pv0", 27 + 2 * n, 1), False) for n in range(3)])
# The end of logical_volumes, the last section of the group.
end = text.rindex("\n\t}\n") + 1
open("kinds.vg", "w").write(text[:end] + more + text[end:])
PY
lvm_ vgcfgrestore --force -f kinds.vg tiny
lvm_ lvs -a --noheadings -o lv_name,segtype,devices tiny
save pv0 lvm-kinds-a; save pv1 lvm-kinds-b

python3 "$here/md.py" home.img solo.img
for image in md-*.img; do
    loop "$image" "+0"
    mdadm --examine "$made" | grep -E 'Version|UUID|Level|Devices :|Checksum|Events|Role|this'
    save "${image%.img}" "${image%.img}"
done

# Headers of LUKS, cut behind what describes them: cryptsetup 2.6. Slot 1 is in use, slot 0 is not.
for version in 1 2; do
    truncate -s 20M luks$version.img
    pbkdf=$([ $version = 1 ] && echo --pbkdf-force-iterations=1000 ||
        echo --pbkdf=pbkdf2 --pbkdf-force-iterations=1000)
    # shellcheck disable=SC2086
    echo key | cryptsetup luksFormat -q --type luks$version $pbkdf --key-slot 1 \
        --cipher aes-xts-plain64 --uuid 01234567-89ab-4cde-8f01-23456789abcd luks$version.img -
    cryptsetup luksDump luks$version.img | grep -iE 'version|cipher|enabled|^  [0-9]: ' || true
    truncate -s $([ $version = 1 ] && echo 4096 || echo 16384) luks$version.img
    save luks$version luks$version
done

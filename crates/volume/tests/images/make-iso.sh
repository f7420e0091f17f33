#!/bin/sh
# Makes the ISO 9660 samples of this folder: genisoimage 1.1.11, xorriso 1.5.4, zstd 1.5, python 3.
# What it prints is what blkid and libarchive 3.6 (bsdtar) see; tests/reading/iso.rs has that.
# Usage: make-iso.sh OUTPUT-FOLDER
set -eu
out=$(realpath "$1"); work=$(mktemp -d); cd "$work"
export SOURCE_DATE_EPOCH=1700000000 TZ=UTC

mkdir -p tree/etc tree/boot/grub tree/usr/lib tree/many tree/a/b/c/d/e/f/g/h
printf 'ID=debian\n' > tree/usr/lib/os-release
ln -s ../usr/lib/os-release tree/etc/os-release
ln -s /usr/lib tree/lib
ln -s loop-b tree/loop-a; ln -s loop-a tree/loop-b
ln -s "/usr/lib/$(printf './%.0s' $(seq 150))os-release" tree/long-link
for i in $(seq 1 60); do : > tree/many/A-file-with-a-rather-long-name-$i; done
# Names that do not fit into a record go on elsewhere.
long=$(printf 'long-name.%.0s' $(seq 24))
printf long > "tree/boot/$long"
printf 'deep\n' > tree/a/b/c/d/e/f/g/h/leaf
seq -f '%07.0f' 0 2499 > tree/boot/vmlinuz
printf 'set default=0\n' > tree/boot/grub/grub.cfg
mkfifo tree/pipe; chmod 4711 tree/boot/grub/grub.cfg; chmod 1777 tree/many
head -c 2048 /dev/zero > tree/boot/eltorito.img
find tree -exec touch -h -d @1700000000 {} +

genisoimage -quiet -R -J -joliet-long -V tiny -b boot/eltorito.img -no-emul-boot -c boot/catalog \
    -o iso-rock.img tree 2> /dev/null
xorriso -as mkisofs -quiet -R -V TINY_X --modification-date=2024010203040506 -o iso-xorriso.img tree

mkdir plain; cp tree/boot/vmlinuz plain/KERNEL
mkdir plain/Läuse; printf 'ü\n' > "plain/Läuse/Größe über alles.txt"
printf 'no version\n' > plain/README
cp tree/boot/vmlinuz plain/parts.a; printf 'the end\n' > plain/parts.b
find plain -exec touch -h -d @1700000000 {} +
genisoimage -quiet -input-charset utf-8 -J -V 'Größe' -o iso-joliet.img plain 2> /dev/null
genisoimage -quiet -input-charset utf-8 -iso-level 1 -V PLAIN -o iso-plain.img plain 2> /dev/null
# A file in two parts needs 4 GiB, or the hand: [ECMA-119] 9.1.6, bit 7 of the flags, one name. A part
# that is not the last fills its blocks.
python3 - <<'PY'
image = bytearray(open("iso-plain.img", "rb").read())
first, second = (image.index(name) - 33 for name in (b"PARTS.A;1", b"PARTS.B;1"))
image[first + 25] |= 0x80
image[first + 10:first + 18] = (18432).to_bytes(4, "little") + (18432).to_bytes(4, "big")
image[second + 33:second + 42] = b"PARTS.A;1"
open("iso-plain.img", "wb").write(image)
PY
for image in *.img; do
    echo "== $image: $(blkid -p -o value -s LABEL "$image"), $(blkid -p -o value -s UUID "$image")"
    # libarchive takes Joliet where there is no Rock Ridge, as Linux does.
    mkdir seen; bsdtar -xpf "$image" -C seen
    (cd seen; find . -printf '%y %m %s %Ts %P %l\n' | LC_ALL=C sort -k5 | grep -v -e file-with -e FILE_WITH
        find . -type f -exec sha256sum {} + | LC_ALL=C sort -k2 | grep -v file-with)
    rm -rf seen
    zstd -q -19 -f "$image" -o "$out/$image.zst"
done
rm -rf "$work"

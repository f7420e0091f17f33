#!/bin/sh
# Makes the samples of signed programs: real ones of Debian 12, in which all is zero but what says
# who signed them (headers, names of sections, .sbat, .vendor_cert, .sdmagic, the certificate table).
# Needs apt, dpkg, python3 and zstd, and a folder for packages; expected values are in
# src/secure_boot/tests.rs, from `sbverify --list` and `openssl pkcs7 -print_certs` on the originals.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p')
for package in shim-signed shim-helpers-amd64-signed grub-efi-amd64-signed systemd-boot-efi "$kernel"; do
    apt-get download "$package"
    dpkg -x "$package"_*.deb x
    rm "$package"_*.deb
done
thin() {
    python3 - "$1" "$2" <<'PYTHON'
import struct, sys
data = open(sys.argv[1], "rb").read()
pe = struct.unpack_from("<I", data, 0x3C)[0]
count, optional = struct.unpack_from("<H", data, pe + 6)[0], struct.unpack_from("<H", data, pe + 20)[0]
symbols, number = struct.unpack_from("<II", data, pe + 12)
strings = symbols + 18 * number
keep = [(0, 1024), struct.unpack_from("<II", data, pe + 24 + 112 + 32)]
for index in range(count):
    at = pe + 24 + optional + 40 * index
    name = data[at : at + 8].rstrip(b"\0")
    used, _, stored, offset = struct.unpack_from("<IIII", data, at + 8)
    if name.startswith(b"/"):
        start = strings + int(name[1:])
        name = data[start:].split(b"\0", 1)[0]
        keep.append((start, 32))
    if name in (b".sbat", b".vendor_cert", b".sdmagic"):
        keep.append((offset, min(used, stored)))
thin = bytearray(len(data))
for start, length in keep:
    thin[start : start + length] = data[start : start + length]
open(sys.argv[2], "wb").write(thin)
PYTHON
    zstd -q -19 -f "$2" -o "$out/$2.zst"
}
thin x/usr/lib/shim/shimx64.efi.signed shimx64.efi
thin x/usr/lib/shim/mmx64.efi.signed mmx64.efi
thin x/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed grubx64.efi
thin x/usr/lib/systemd/boot/efi/systemd-bootx64.efi systemd-bootx64.efi
thin x/boot/vmlinuz-* vmlinuz

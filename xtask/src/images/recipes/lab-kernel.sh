#!/bin/sh
# Lays out the lab's kernel as `detente lab up --fetch-kernel` would: its image,
# its configuration and its modules below one folder, and a list of them.
#
# From the environment: KERNELS (tar of unpacked packages), KERNEL (the start of
# a release), WORK (empty folder), OUT (folder to fill).
set -eu
umask 022

tar --extract --file "$KERNELS" --directory "$OUT" --no-same-owner --wildcards \
    "./boot/vmlinuz-$KERNEL*" "./boot/config-$KERNEL*" "*lib/modules/$KERNEL*"
(cd "$OUT" && find boot lib usr -type f 2>/dev/null | LC_ALL=C sort) >"$WORK/files.txt"
mv "$WORK/files.txt" "$OUT/files.txt"

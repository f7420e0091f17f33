#!/bin/sh
# Makes the disk of a guest that behaves badly: Debian's kernel, and an initramfs
# of busybox and one script. It never comes as far as its root file system.
#
# From the environment: ROOTFS (tar), RECIPES, WORK (empty folder), DISK (raw
# file to write), NAME (a script in hostile/), DETENTE_ROOT_UUID,
# ROOT_START_MIB, ROOT_MIB.
set -eu
umask 022
root=$WORK/root
initramfs=$WORK/initramfs

take() {
    tar --extract --file "$ROOTFS" --directory "$WORK" --no-same-owner --wildcards "$@"
}

build_initramfs() {
    mkdir -p "$initramfs/bin" "$initramfs/dev" "$initramfs/proc" "$initramfs/sys" "$initramfs/root"
    cp "$(find "$WORK/bin" "$WORK/usr/bin" -name busybox -type f 2>/dev/null | head -n 1)" "$initramfs/bin/busybox"
    ln -s busybox "$initramfs/bin/sh"
    install -m 755 "$RECIPES/hostile/$NAME" "$initramfs/init"
    (cd "$initramfs" && find . | LC_ALL=C sort | cpio --quiet --create --format=newc --owner=0:0) |
        gzip -9n >"$root/boot/initrd.img-$release"
}

write_boot_menu() {
    cat >"$root/boot/grub/grub.cfg" <<GRUB
set default="0"
set timeout=1
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux --class os \$menuentry_id_option 'gnulinux-simple-$DETENTE_ROOT_UUID' {
	insmod part_gpt
	insmod ext2
	search --no-floppy --fs-uuid --set=root $DETENTE_ROOT_UUID
	linux	/boot/vmlinuz-$release root=UUID=$DETENTE_ROOT_UUID ro console=tty0 console=ttyS0,115200
	initrd	/boot/initrd.img-$release
}
GRUB
}

rm -rf "$root" "$initramfs"
mkdir -p "$root/boot/grub" "$root/etc" "$root/usr/lib" "$root/sbin"
take './boot/vmlinuz-*' './usr/lib/os-release' './*bin/busybox'
release=$(basename "$WORK"/boot/vmlinuz-*)
release=${release#vmlinuz-}
mv "$WORK/boot/vmlinuz-$release" "$root/boot/"
mv "$WORK/usr/lib/os-release" "$root/usr/lib/"
ln -s ../usr/lib/os-release "$root/etc/os-release"
build_initramfs
write_boot_menu
mke2fs -q -t ext4 -L root -U "$DETENTE_ROOT_UUID" \
    -E "offset=$((ROOT_START_MIB * 1048576)),hash_seed=$DETENTE_ROOT_UUID,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0" \
    -d "$root" "$DISK" "${ROOT_MIB}M"

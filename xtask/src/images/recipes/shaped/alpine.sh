#!/bin/sh
# A server with the shape of Alpine 3.20: BIOS, an MBR, extlinux on /boot, the initramfs of mkinitfs,
# OpenRC, ifupdown, the database of apk as text.
. "$SHAPED/lib.sh"
kernel=6.6.54-0-lts
BOOT_MIB=100 SWAP_MIB=32 ROOT_MIB=256

apk_database() {
    mkdir -p "$root/lib/apk/db"
    grep -v '^#' "$SHAPED/$NAME/packages" | while read -r name version arch; do
        printf 'C:Q1%s=\nP:%s\nV:%s\nA:%s\nS:1000\nI:4096\nT:Shaped as %s\nU:https://example.org\nL:none\no:%s\nm:Nobody <nobody@example.org>\nt:1725000000\n' \
            "$(echo "$name" | sha1sum | head -c 27)" "$name" "$version" "$arch" "$name" "$name"
        [ "$name" != busybox ] || printf 'F:bin\nR:busybox\na:0:0:755\nZ:Q1shapedshapedshapedshapedsha=\n'
        echo
    done >"$root/lib/apk/db/installed"
    grep -v '^#' "$SHAPED/$NAME/packages" | tr ' ' '\t' | expect_list packages
    expect package_format apk
}

openrc() {
    level=$root/etc/runlevels/$1
    mkdir -p "$level" "$root/etc/init.d"
    shift
    for service; do
        printf '#!/sbin/openrc-run\ndescription="%s"\n' "$service" >"$root/etc/init.d/$service"
        chmod 755 "$root/etc/init.d/$service"
        ln -s "/etc/init.d/$service" "$level/$service"
        echo "$service" >>"$WORK/services"
    done
    expect_list services <"$WORK/services"
}

unpack
tree
mkdir -p "$root/bin" "$root/sbin" "$root/lib"
cp "$deb/usr/bin/busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
install_modules "$kernel" gz
# Alpine's /lib is no link: the modules are there and nowhere else.
rm -f "$root/lib/modules" && mv "$root/usr/lib/modules" "$root/lib/modules"
mkdir -p "$root/usr/lib/modules" && cp -r "$root/lib/modules/$kernel" "$root/usr/lib/modules/"
kernel_image "$kernel" "$root/boot/vmlinuz-lts"
initramfs "$kernel" lib/modules virtio_pci virtio_blk virtio_scsi ahci ata_piix sd_mod sr_mod nvme ext4 usb_storage raid1
rm -rf "$root/usr/lib/modules"
archive "$WORK/initramfs" | gzip -9n >"$root/boot/initramfs-lts"
expect_initramfs initramfs-lts
apk_database
openrc sysinit devfs dmesg mdev hwdrivers
openrc boot modules sysctl hostname bootmisc networking
openrc default sshd chronyd crond
for each in menu.c32 ldlinux.c32; do [ ! -f "/usr/lib/syslinux/modules/bios/$each" ] || cp "/usr/lib/syslinux/modules/bios/$each" "$root/boot/"; done
printf 'not the loader, only its name' >"$root/boot/ldlinux.sys"

expect os_id alpine
expect os_version 3.20.3
expect hostname edge-router
expect firmware bios
# One loader by several names: what extlinux installs is syslinux.
expect loader syslinux
expect default_kernel "$kernel"
expect root_spec "UUID=$ROOT_UUID"
expect root_content ext4
echo 198.51.100.77/24 | expect_list addresses
printf '/ ext4\n/boot ext4\n' | expect_list mounts
rm -f "$EXPECTED/machine_id"
expect_files

partition $((1 + BOOT_MIB + SWAP_MIB + ROOT_MIB)) dos \
    "start=1MiB, size=${BOOT_MIB}MiB, type=83, bootable" \
    "start=$((1 + BOOT_MIB))MiB, size=${SWAP_MIB}MiB, type=82" \
    "start=$((1 + BOOT_MIB + SWAP_MIB))MiB, size=${ROOT_MIB}MiB, type=83"
# The boot code of syslinux, 440 bytes before the table.
[ ! -f /usr/lib/syslinux/mbr/mbr.bin ] || dd if=/usr/lib/syslinux/mbr/mbr.bin of="$DISK" bs=440 count=1 conv=notrunc status=none
mv "$root/boot" "$WORK/boot" && mkdir "$root/boot"
ext4 "$WORK/boot.ext4" "$BOOT_MIB" "$BOOT_UUID" '' "$WORK/boot"
place "$WORK/boot.ext4" 1
truncate --size "${SWAP_MIB}M" "$WORK/swap" && mkswap -q -U "$SWAP_UUID" "$WORK/swap"
place "$WORK/swap" $((1 + BOOT_MIB))
ext4 "$WORK/root.ext4" "$ROOT_MIB" "$ROOT_UUID" '' "$root"
place "$WORK/root.ext4" $((1 + BOOT_MIB + SWAP_MIB))

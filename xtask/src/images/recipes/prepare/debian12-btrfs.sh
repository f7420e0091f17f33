#!/bin/sh
# A server on btrfs with subvolumes and two kernels, whose initramfs-tools is told to take the
# drivers of this machine alone, as Debian's installer offers it. netplan, an address bound to the
# card's name; a file system named by its disk.
. "$PREPARE/lib.sh"

# The kernel makes the subvolumes.
btrfs_root() {
    truncate --size "${ROOT_MIB}M" "$WORK/root.btrfs"
    mkfs.btrfs -q -d single -m single -U "$DETENTE_ROOT_UUID" -L root "$WORK/root.btrfs" >/dev/null
    mkdir "$WORK/mount"
    mount -o loop,compress=zstd:1 "$WORK/root.btrfs" "$WORK/mount"
    btrfs subvolume create "$WORK/mount/@" >/dev/null
    btrfs subvolume create "$WORK/mount/@home" >/dev/null
    tar --create --directory "$root" --xattrs --xattrs-include='*' . |
        tar --extract --directory "$WORK/mount/@" --numeric-owner --xattrs --xattrs-include='*'
    umount "$WORK/mount"
    place "$WORK/root.btrfs" "$ROOT_START_MIB"
}

unpack
install_packages
write_configuration
chmod 600 "$root/etc/netplan/01-lan.yaml"
: >"$root/etc/machine-id"
only_modules virtio_pci virtio_blk btrfs
boot_menu "$PREPARE/$NAME"
(cd "$root/lib/modules" && ls) | expect_list kernels
forget
partition "$ROOT_X86_64"
grub_esp /@/boot/grub
btrfs_root

printf 'linux.initramfs.vmbus-missing\nlinux.initramfs.storvsc-missing\nlinux.initramfs.sd-mod-missing\n' >"$WORK/rules"
printf 'linux.initramfs.hyperv-missing-in-other-entry\nlinux.network.interface-name\nlinux.fstab.device-name\n' >>"$WORK/rules"
# The next kernel of this guest fits the machine that it is installed on, whichever that is.
echo linux.initramfs.modules-dep | tee -a "$WORK/rules" | expect_list rules_kvm
expect_list rules_hyperv-vmbus <"$WORK/rules"
expect network netplan
expect initramfs initramfs-tools

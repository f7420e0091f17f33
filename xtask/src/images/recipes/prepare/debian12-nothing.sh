#!/bin/sh
# A server that starts on no hardware of ours: its initramfs holds no driver of any disk, as one
# that was made for a controller nobody has. It comes from a third world, and has no agent of QEMU's.
# systemd-networkd, an address bound to the card's name.
. "$PREPARE/lib.sh"

unpack
write_configuration
: >"$root/etc/machine-id"
chroot "$root" dpkg --purge qemu-guest-agent
only_modules ext4
boot_menu "$RECIPES"
forget
partition "$ROOT_X86_64"
grub_esp /boot/grub
ext4_root

printf 'linux.initramfs.virtio-pci-missing\nlinux.initramfs.virtio-blk-missing\nlinux.agents.qemu-missing\n' | expect_list rules_kvm
printf 'linux.initramfs.vmbus-missing\nlinux.initramfs.storvsc-missing\nlinux.initramfs.sd-mod-missing\nlinux.network.interface-name\n' | expect_list rules_hyperv-vmbus
expect network networkd
expect initramfs initramfs-tools

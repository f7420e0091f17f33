#!/bin/sh
# A server with SELinux enforcing and ifupdown, whose initramfs-tools is told to take a list of
# modules: KVM's. An address bound to the card's name.
. "$PREPARE/lib.sh"

# Every file gets the label that the policy has for its name. They are written into the file system:
# in the tree only the machine's own root could set them.
label() {
    { find "$root" -printf '/%P\0' && printf '/lost+found\0'; } |
        xargs -0 chroot "$root" matchpathcon >"$WORK/labels"
    awk -F '\t' '$2 != "<<none>>" { printf "ea_set \"%s\" security.selinux %s\n", $1, $2 }' "$WORK/labels" >"$WORK/debugfs"
    debugfs -w -f "$WORK/debugfs" "$DISK?offset=$((ROOT_START_MIB * 1048576))" >/dev/null 2>"$WORK/complaints"
    if grep -v '^debugfs ' "$WORK/complaints" >&2; then exit 1; fi
}

unpack
install_packages
write_configuration
sed -i 's/^GRUB_CMDLINE_LINUX="/&security=selinux selinux=1 /' "$root/etc/default/grub"
rm "$root/etc/resolv.conf" && echo "nameserver $DNS" >"$root/etc/resolv.conf"
chroot "$root" systemctl --quiet disable systemd-networkd systemd-resolved
: >"$root/etc/machine-id"
sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
printf 'virtio_pci\nvirtio_blk\next4\n' >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u -k all
boot_menu "$RECIPES"
forget
partition "$ROOT_X86_64"
grub_esp /boot/grub
ext4_root
label

printf 'linux.initramfs.vmbus-missing\nlinux.initramfs.storvsc-missing\nlinux.initramfs.sd-mod-missing\nlinux.network.interface-name\n' | expect_list rules_hyperv-vmbus
: | expect_list rules_kvm
expect network ifupdown
expect initramfs initramfs-tools

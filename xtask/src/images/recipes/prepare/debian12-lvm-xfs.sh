#!/bin/sh
# A server as near to RHEL's as Debian's packages come: XFS in LVM with a devices file, dracut for
# one host only, Boot Loader Specification (systemd-boot, whose entries kernel-install writes:
# Debian's GRUB cannot read them), NetworkManager with an address bound to the card's name.
. "$PREPARE/lib.sh"
ESP_MIB=256 VG=vg0 SWAP_MIB=128
MACHINE_ID=5d1f0c0b9f4e4e7c8a10de7e0000de$ID

# The loop device is ours alone, and LVM looks at no other; it needs no device mapper for this.
lvm_on() {
    command=$1
    shift
    "$command" --quiet --driverloaded n --config "devices { dir=\"/dev\" scan=[\"/dev\"] filter=[\"a|^$loop\$|\", \"r|.*|\"]
        use_devicesfile=0 obtain_device_list_from_udev=0 } activation { udev_sync=0 udev_rules=0 monitoring=0 }
        backup { backup=0 archive=0 } global { locking_dir=\"$WORK/lock\" event_activation=0 use_lvmpolld=0 }" "$@" 2>>"$WORK/lvm.log" ||
        { tail -n 5 "$WORK/lvm.log" >&2 && exit 1; }
}

volume_group() {
    truncate --size "${ROOT_MIB}M" "$WORK/pv"
    loop=$(losetup --find --show "$WORK/pv")
    lvm_on pvcreate "$loop" >/dev/null
    lvm_on vgcreate "$VG" "$loop" >/dev/null
    lvm_on lvcreate -an -Zn -Wn -L "${SWAP_MIB}M" -n swap "$VG" >/dev/null
    lvm_on lvcreate -an -Zn -Wn -l 100%FREE -n root "$VG" >/dev/null
    # Name, size and first byte of each: they lie in one piece.
    lvm_on lvs --noheadings --units b --nosuffix --separator ' ' -o lv_name,lv_size,vg_extent_size,seg_pe_ranges "$VG" |
        sed 's/[^ ]*:\([0-9]*\)-[0-9]*$/\1/' >"$WORK/volumes"
    pe_start=$(lvm_on pvs --noheadings --units b --nosuffix -o pe_start | tr -d ' ')
    pvid=$(lvm_on pvs --noheadings -o pv_uuid | tr -d ' ')
    losetup --detach "$loop"
}

# volume_mib NAME, volume_at NAME: size and place of a volume within the group, in MiB.
volume_mib() { awk -v name="$1" '$1 == name { print int($2 / 1048576) }' "$WORK/volumes"; }
volume_at() { awk -v name="$1" -v start="$pe_start" '$1 == name { print int((start + $3 * $4) / 1048576) }' "$WORK/volumes"; }

into_volume() {
    place "$2" $((ROOT_START_MIB + $(volume_at "$1")))
}

xfs_root() {
    truncate --size "$(volume_mib root)M" "$WORK/root.xfs"
    mkfs.xfs -q -m "uuid=$DETENTE_ROOT_UUID" -L root "$WORK/root.xfs"
    mkdir "$WORK/mount"
    mount -o loop "$WORK/root.xfs" "$WORK/mount"
    tar --create --directory "$root" --xattrs --xattrs-include='*' . |
        tar --extract --directory "$WORK/mount" --numeric-owner --xattrs --xattrs-include='*'
    umount "$WORK/mount"
}

# As `hostonly="yes"` would leave the initramfs on KVM, without a look at the machine that builds it.
# The package's own trigger makes it; its configuration is another's afterwards.
install_with_host_only_initramfs() {
    mkdir -p "$root/etc/dracut.conf.d"
    cat >"$root/etc/dracut.conf.d/00-build.conf" <<'DRACUT'
hostonly="no"
add_dracutmodules+=" lvm dm "
add_drivers+=" virtio_pci virtio_blk xfs "
omit_drivers+=" hv_vmbus hv_storvsc hv_netvsc hv_utils hv_balloon hyperv_keyboard hid_hyperv pci_hyperv pci_hyperv_intf "
omit_drivers+=" hyperv_fb hyperv_drm uio_hv_generic ahci ata_piix ata_generic nvme mptsas mptspi vmw_pvscsi xen_blkfront "
DRACUT
    install_packages
    rm "$root/etc/dracut.conf.d/00-build.conf"
}

# The loader, its entries and what they name: as Debian's hooks do it in a running server.
boot_entries() {
    mount -t tmpfs tmpfs "$root/boot/efi"
    mkdir "$root/boot/efi/$MACHINE_ID"
    chroot "$root" env SYSTEMD_RELAX_ESP_CHECKS=1 bootctl --quiet --no-variables --esp-path=/boot/efi install
    chroot "$root" env SYSTEMD_RELAX_ESP_CHECKS=1 kernel-install add "$1" "/boot/vmlinuz-$1" "/boot/initrd.img-$1"
    cp --recursive "$root/boot/efi" "$WORK/esp"
    umount "$root/boot/efi"
}

unpack
install_with_host_only_initramfs
write_configuration
echo "$MACHINE_ID" >"$root/etc/machine-id"
chmod 600 "$root"/etc/NetworkManager/system-connections/*
chroot "$root" systemctl --quiet disable systemd-networkd
kernel=$(cd "$root/lib/modules" && ls)
boot_entries "$kernel"
partition E6D6D379-F507-44C2-A23C-238F2A3DF928
volume_group
mkdir -p "$root/etc/lvm/devices"
printf '# LVM uses devices listed in this file.\nVERSION=1.1.1\nIDTYPE=devname IDNAME=/dev/vda2 DEVNAME=/dev/vda2 PVID=%s\n' \
    "$(echo "$pvid" | tr -d -)" >"$root/etc/lvm/devices/system.devices"
forget
esp
place "$WORK/pv" "$ROOT_START_MIB"
xfs_root
into_volume root "$WORK/root.xfs"
truncate --size "${SWAP_MIB}M" "$WORK/swap" && mkswap -q -U "$(uuid 50)" "$WORK/swap"
into_volume swap "$WORK/swap"

printf 'linux.initramfs.vmbus-missing\nlinux.initramfs.storvsc-missing\nlinux.network.interface-name\nlinux.lvm.devices-file\n' | expect_list rules_hyperv-vmbus
: | expect_list rules_kvm
expect network NetworkManager
expect initramfs dracut

#!/bin/sh
# A server with the shape of RHEL 9: UEFI, /boot on XFS, the root on XFS in LVM (two segments),
# Boot Loader Specification with grubenv, dracut's form of initramfs, the database of rpm in SQLite.
. "$SHAPED/lib.sh"
. "$SHAPED/rpm.sh"
kernel=5.14.0-427.13.1.el9_4.x86_64
old_kernel=5.14.0-362.8.1.el9_3.x86_64
FILLERS=300
BOOT_MIB=400 ESP_MIB=64 VG_MIB=1100 ROOT_MIB=800

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
    truncate --size "${VG_MIB}M" "$WORK/pv"
    loop=$(losetup --find --show "$WORK/pv")
    trap 'losetup --detach "$loop"' EXIT
    lvm_on pvcreate "$loop" >/dev/null
    lvm_on vgcreate rhel "$loop" >/dev/null
    lvm_on lvcreate -an -Zn -Wn -L "$((ROOT_MIB - 200))M" -n root rhel >/dev/null
    lvm_on lvcreate -an -Zn -Wn -L 64M -n swap rhel >/dev/null
    lvm_on lvextend -L "${ROOT_MIB}M" rhel/root >/dev/null
    # name uuid extent_bytes first_byte length_bytes device:first-last
    lvm_on lvs --noheadings --segments --units b --nosuffix --separator ' ' \
        -o lv_name,lv_uuid,vg_extent_size,seg_start,seg_size,seg_pe_ranges rhel >"$WORK/segments"
    pe_start=$(lvm_on pvs --noheadings --units b --nosuffix -o pe_start | tr -d ' ')
    pvid=$(lvm_on pvs --noheadings -o pv_uuid | tr -d ' ')
    losetup --detach "$loop"
    trap - EXIT
    lvm_facts
}

lvm_facts() {
    awk '{ size[$1] += $5 } END { for (name in size) print "rhel/" name, size[name] }' "$WORK/segments" | expect_list logical_volumes
    expect physical_volume "$pvid"
}

# into_volume NAME FILE: a file system into its logical volume, a segment at a time.
into_volume() {
    awk -v name="$1" '$1 == name { sub(".*:", "", $6); split($6, e, "-"); print $3, $4, $5, e[1] }' "$WORK/segments" |
        while read -r extent from length first; do
            dd if="$2" of="$WORK/pv" bs=1M conv=notrunc,sparse status=none skip=$((from >> 20)) \
                count=$((length >> 20)) seek=$(((pe_start + first * extent) >> 20))
        done
    rm "$2"
}

# The whole driver set of one platform, as `hostonly="yes"` leaves it, and the generic one of rescue.
initramfs_files() {
    kvm='virtio_pci virtio_blk virtio_scsi virtio_net ahci sd_mod dm_mod xfs'
    all="$kvm virtio_console hv_vmbus hv_storvsc hv_netvsc hyperv_keyboard ata_piix nvme vmw_pvscsi mptspi sr_mod vfat"
    dracut 057-53.git20240104.el9 "$kernel" "$kvm" "initramfs-$kernel.img"
    dracut 057-53.git20240104.el9 "$old_kernel" "$all" "initramfs-$old_kernel.img"
    dracut 057-53.git20240104.el9 "$kernel" "$all" "initramfs-0-rescue-$MACHINE_ID.img"
    dracut 057-53.git20240104.el9 "$kernel" "virtio_pci virtio_blk dm_mod xfs" "initramfs-${kernel}kdump.img"
}

unpack
tree
merged_usr
install_modules "$kernel" xz
install_modules "$old_kernel" xz
kernel_image "$kernel" "$root/boot/vmlinuz-$kernel"
kernel_image "$old_kernel" "$root/boot/vmlinuz-$old_kernel"
cp "$root/boot/vmlinuz-$kernel" "$root/boot/vmlinuz-0-rescue-$MACHINE_ID"
cp "$deb/boot/config-$debian_release" "$root/boot/config-$kernel"
initramfs_files
(cd "$root/boot/loader/entries" &&
    sed -e "s|@RESCUE@|0-rescue-$MACHINE_ID|g" -e 's|\$tuned_initrd||' rescue.conf >"$MACHINE_ID-0-rescue.conf" && rm rescue.conf &&
    mv new.conf "$MACHINE_ID-$kernel.conf" && mv old.conf "$MACHINE_ID-$old_kernel.conf")
printf 'saved_entry=%s-%s\nboot_success=0\nboot_indeterminate=0\n' "$MACHINE_ID" "$kernel" | grubenv "$root/boot/grub2/grubenv"
chmod 600 "$root"/etc/NetworkManager/system-connections/*
enable multi-user.target chronyd.service NetworkManager.service sshd.service hypervkvpd.service kdump.service tuned.service
mkdir -p "$root/usr/bin" && printf 'shaped' >"$root/usr/bin/qemu-ga"
mkdir -p "$WORK/files" && (cd "$root" && find "usr/lib/modules/$kernel" boot -type f | sed 's|^|/|') >"$WORK/files/kernel-core"
rpm_database sqlite /var/lib/rpm
volume_group
sed -i "s|@PVID@|$(echo "$pvid" | tr -d -)|" "$root/etc/lvm/devices/system.devices"
mkdir -p "$WORK/esp/EFI/redhat"
printf 'search --no-floppy --root-dev-only --fs-uuid --set=dev %s\nset prefix=($dev)/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n' "$BOOT_UUID" >"$WORK/esp/EFI/redhat/grub.cfg"

expect os_id rhel
expect os_version 9.4
expect hostname payroll.example.com
expect firmware uefi
expect loader grub2
expect timezone Europe/Berlin
expect selinux enforcing
expect default_kernel "$kernel"
expect root_spec /dev/mapper/rhel-root
expect root_content xfs
printf '192.0.2.21/24\n198.51.100.21/25\n' | expect_list addresses
printf '/ xfs\n/boot xfs\n/boot/efi vfat\n' | expect_list mounts
expect_files

partition $((1 + ESP_MIB + BOOT_MIB + VG_MIB + 1)) gpt \
    "start=1MiB, size=${ESP_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid 10), name=\"EFI System Partition\"" \
    "start=$((1 + ESP_MIB))MiB, size=${BOOT_MIB}MiB, type=BC13C2FF-59E6-4262-A352-B275FD6F7172, uuid=$(uuid 11)" \
    "start=$((1 + ESP_MIB + BOOT_MIB))MiB, size=${VG_MIB}MiB, type=E6D6D379-F507-44C2-A23C-238F2A3DF928, uuid=$(uuid 20)"
esp 1 "$ESP_MIB" redhat
mkdir -p "$root/boot/efi"
mv "$root/boot" "$WORK/boot" && mkdir "$root/boot"
xfs "$WORK/boot.xfs" "$BOOT_MIB" "$BOOT_UUID" boot "$WORK/boot"
place "$WORK/boot.xfs" $((1 + ESP_MIB))
xfs "$WORK/root.xfs" "$ROOT_MIB" "$ROOT_UUID" '' "$root"
into_volume root "$WORK/root.xfs"
truncate --size 64M "$WORK/swap" && mkswap -q -U "$SWAP_UUID" "$WORK/swap"
into_volume swap "$WORK/swap"
place "$WORK/pv" $((1 + ESP_MIB + BOOT_MIB))

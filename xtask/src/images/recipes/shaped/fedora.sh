#!/bin/sh
# A server with the shape of Fedora: UEFI, /boot on ext4, root and home as subvolumes of one btrfs
# whose files are compressed, Boot Loader Specification, the database of rpm in SQLite.
. "$SHAPED/lib.sh"
. "$SHAPED/rpm.sh"
kernel=6.8.5-301.fc40.x86_64
FILLERS=20
ESP_MIB=64 BOOT_MIB=200 BTRFS_MIB=512

unpack
tree
merged_usr
install_modules "$kernel" xz
kernel_image "$kernel" "$root/boot/vmlinuz-$kernel"
dracut 060-1.fc40 "$kernel" 'virtio_pci virtio_blk virtio_scsi virtio_net hv_vmbus hv_storvsc hv_netvsc ahci sd_mod btrfs' "initramfs-$kernel.img"
mv "$root/boot/loader/entries/one.conf" "$root/boot/loader/entries/$MACHINE_ID-$kernel.conf"
printf 'saved_entry=%s-%s\n' "$MACHINE_ID" "$kernel" | grubenv "$root/boot/grub2/grubenv"
chmod 600 "$root"/etc/NetworkManager/system-connections/*
enable multi-user.target NetworkManager.service chronyd.service qemu-guest-agent.service
printf 'shaped' >"$root/usr/bin/qemu-ga"
mkdir -p "$WORK/files" && (cd "$root" && find "usr/lib/modules/$kernel" -type f | sed 's|^|/|') >"$WORK/files/kernel-core"
rpm_database sqlite /usr/lib/sysimage/rpm
mkdir -p "$root/var/lib" && ln -s ../../usr/lib/sysimage/rpm "$root/var/lib/rpm"
mkdir -p "$root/home/somebody" && head -c 300000 /dev/zero | tr '\0' 'x' >"$root/home/somebody/compressed.txt"
mkdir -p "$WORK/esp/EFI/fedora"
printf 'search --no-floppy --fs-uuid --set=dev %s\nset prefix=($dev)/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n' "$BOOT_UUID" >"$WORK/esp/EFI/fedora/grub.cfg"

expect os_id fedora
expect os_version 40
expect hostname fedora.example.org
expect firmware uefi
expect loader grub2
expect timezone UTC
expect selinux permissive
expect default_kernel "$kernel"
expect root_spec "UUID=$ROOT_UUID"
expect root_content btrfs
echo 2001:db8:40::22/64 | expect_list addresses
printf '/ btrfs\n/home btrfs\n/boot ext4\n/boot/efi vfat\n' | expect_list mounts
expect_files

partition $((1 + ESP_MIB + BOOT_MIB + BTRFS_MIB + 1)) gpt \
    "start=1MiB, size=${ESP_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid 10), name=\"EFI System Partition\"" \
    "start=$((1 + ESP_MIB))MiB, size=${BOOT_MIB}MiB, type=BC13C2FF-59E6-4262-A352-B275FD6F7172, uuid=$(uuid 11)" \
    "start=$((1 + ESP_MIB + BOOT_MIB))MiB, size=${BTRFS_MIB}MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=$(uuid 20)"
esp 1 "$ESP_MIB" fedora
mkdir -p "$root/boot/efi"
mv "$root/boot" "$WORK/boot" && mkdir "$root/boot"
ext4 "$WORK/boot.ext4" "$BOOT_MIB" "$BOOT_UUID" boot "$WORK/boot"
place "$WORK/boot.ext4" $((1 + ESP_MIB))
mv "$root/home" "$WORK/home" && mkdir "$root/home"
btrfs_mount "$WORK/root.btrfs" "$BTRFS_MIB" "$ROOT_UUID" fedora
subvolume root
subvolume home
cp --archive "$root/." "$WORK/mount/root/"
cp --archive "$WORK/home/." "$WORK/mount/home/"
btrfs_unmount
place "$WORK/root.btrfs" $((1 + ESP_MIB + BOOT_MIB))

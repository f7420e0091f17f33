#!/bin/sh
# A server with the shape of Ubuntu 24.04: UEFI, /boot and the root on ext4, netplan, four archives
# in one initramfs as its initramfs-tools makes them, the database of dpkg as Debian's packages left it.
. "$SHAPED/lib.sh"
kernel=6.8.0-45-generic
ESP_MIB=64 BOOT_MIB=128 ROOT_MIB=512

unpack
tree
merged_usr
install_modules "$kernel" zst
kernel_image "$kernel" "$root/boot/vmlinuz-$kernel"
# Microcode of both makers, then the modules, which are compressed already, then the rest.
initramfs "$kernel" usr/lib/modules virtio_pci virtio_blk virtio_scsi virtio_net hv_vmbus hv_storvsc hv_netvsc \
    hyperv_keyboard ahci ata_piix sd_mod sr_mod nvme vmw_pvscsi mptspi ext4 vfat dm_mod
expect_initramfs "initrd.img-$kernel"
mkdir -p "$WORK/modules/usr/lib" && mv "$WORK/initramfs/usr/lib/modules" "$WORK/modules/usr/lib/"
ln -s usr/lib "$WORK/initramfs/lib"
mkdir -p "$WORK/initramfs/conf" "$WORK/initramfs/scripts" && echo 'MODULES=most' >"$WORK/initramfs/conf/initramfs.conf"
{ early AuthenticAMD && early GenuineIntel && archive "$WORK/modules" && archive "$WORK/initramfs" | zstd -q -3; } >"$root/boot/initrd.img-$kernel"
ln -s "vmlinuz-$kernel" "$root/boot/vmlinuz"
ln -s "initrd.img-$kernel" "$root/boot/initrd.img"
enable multi-user.target systemd-networkd.service ssh.service
enable sysinit.target systemd-timesyncd.service
mkdir -p "$root/var/lib"
cp -r "$deb/var/lib/dpkg" "$root/var/lib/"
dpkg-query --admindir "$root/var/lib/dpkg" --show --showformat '${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n' | expect_list packages
expect package_format dpkg
truncate --size 64M "$root/swap.img" && mkswap -q "$root/swap.img"
mkdir -p "$WORK/esp/EFI/ubuntu" "$root/boot/efi"
printf 'search.fs_uuid %s root\nset prefix=($root)/grub\nconfigfile $prefix/grub.cfg\n' "$BOOT_UUID" >"$WORK/esp/EFI/ubuntu/grub.cfg"

expect os_id ubuntu
expect os_version 24.04
expect hostname web-01
expect firmware uefi
expect loader grub2
expect timezone Etc/UTC
expect default_kernel "$kernel"
expect root_spec "UUID=$ROOT_UUID"
expect root_content ext4
printf '192.0.2.123/24\n2001:db8:24::123/64\n' | expect_list addresses
printf '/ ext4\n/boot ext4\n/boot/efi vfat\n' | expect_list mounts
expect_files

partition $((1 + ESP_MIB + BOOT_MIB + ROOT_MIB + 1)) gpt \
    "start=1MiB, size=${ESP_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid 10)" \
    "start=$((1 + ESP_MIB))MiB, size=${BOOT_MIB}MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=$(uuid 11)" \
    "start=$((1 + ESP_MIB + BOOT_MIB))MiB, size=${ROOT_MIB}MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=$(uuid 20)"
esp 1 "$ESP_MIB" ubuntu
mv "$root/boot" "$WORK/boot" && mkdir "$root/boot"
ext4 "$WORK/boot.ext4" "$BOOT_MIB" "$BOOT_UUID" '' "$WORK/boot"
place "$WORK/boot.ext4" $((1 + ESP_MIB))
ext4 "$WORK/root.ext4" "$ROOT_MIB" "$ROOT_UUID" '' "$root"
place "$WORK/root.ext4" $((1 + ESP_MIB + BOOT_MIB))

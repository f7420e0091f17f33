#!/bin/sh
# A server with the shape of Arch: UEFI, systemd-boot, the ESP at /boot, mkinitcpio's two initramfs
# (one for one host only), systemd-networkd, the database of pacman.
. "$SHAPED/lib.sh"
kernel=6.10.10-arch1-1
ESP_MIB=160 ROOT_MIB=256

pacman_database() {
    folder=$root/var/lib/pacman/local
    mkdir -p "$folder" && echo 9 >"$folder/ALPM_DB_VERSION"
    grep -v '^#' "$SHAPED/$NAME/packages" | while read -r name version arch; do
        mkdir "$folder/$name-$version"
        printf '%%NAME%%\n%s\n\n%%VERSION%%\n%s\n\n%%BASE%%\n%s\n\n%%DESC%%\nShaped as %s\n\n%%ARCH%%\n%s\n\n%%BUILDDATE%%\n1725000000\n\n%%INSTALLDATE%%\n1725000001\n\n%%SIZE%%\n4096\n\n' \
            "$name" "$version" "$name" "$name" "$arch" >"$folder/$name-$version/desc"
        printf '%%FILES%%\nusr/\n' >"$folder/$name-$version/files"
    done
    grep -v '^#' "$SHAPED/$NAME/packages" | tr ' ' '\t' | expect_list packages
    expect package_format pacman
}

mkinitcpio() {
    image=$1
    shift
    initramfs "$kernel" usr/lib/modules "$@"
    ln -s usr/lib "$WORK/initramfs/lib"
    echo 'EARLYHOOKS="udev"' >"$WORK/initramfs/config"
    { early GenuineIntel && archive "$WORK/initramfs" | zstd -q -3; } >"$WORK/esp/$image"
    expect_initramfs "$image"
}

unpack
tree
merged_usr
install_modules "$kernel" zst
mkdir -p "$WORK/esp/EFI/systemd" "$WORK/esp/EFI/BOOT"
cp -r "$SHAPED/arch/esp/." "$WORK/esp/"
sed -i "s|@ROOT_UUID@|$ROOT_UUID|" "$WORK"/esp/loader/entries/*.conf
kernel_image "$kernel" "$WORK/esp/vmlinuz-linux"
cp "$WORK/esp/vmlinuz-linux" "$root/usr/lib/modules/$kernel/vmlinuz"
echo linux >"$root/usr/lib/modules/$kernel/pkgbase"
mkinitcpio initramfs-linux.img virtio_pci virtio_blk ext4
mkinitcpio initramfs-linux-fallback.img virtio_pci virtio_blk virtio_scsi hv_vmbus hv_storvsc hyperv_keyboard ahci ata_piix nvme sd_mod sr_mod usb_storage ext4 vfat
loader=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
[ -f "$loader" ] || loader=$deb/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
cp "$loader" "$WORK/esp/EFI/systemd/systemd-bootx64.efi"
cp "$loader" "$WORK/esp/EFI/BOOT/BOOTX64.EFI"
pacman_database
enable multi-user.target systemd-networkd.service qemu-guest-agent.service
enable sysinit.target systemd-timesyncd.service
printf 'shaped' >"$root/usr/bin/qemu-ga"

expect os_id arch
expect hostname builder
expect firmware uefi
expect loader systemd-boot
expect timezone America/New_York
expect default_kernel "$kernel"
expect root_spec "UUID=$ROOT_UUID"
expect root_content ext4
echo 203.0.113.99/24 | expect_list addresses
printf '/ ext4\n/boot vfat\n' | expect_list mounts
mkdir -p "$root/boot"
expect_files

partition $((1 + ESP_MIB + ROOT_MIB + 1)) gpt \
    "start=1MiB, size=${ESP_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid 10)" \
    "start=$((1 + ESP_MIB))MiB, size=${ROOT_MIB}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=$(uuid 20)"
ESP_AT=/boot
esp 1 "$ESP_MIB" ''
ext4 "$WORK/root.ext4" "$ROOT_MIB" "$ROOT_UUID" '' "$root"
place "$WORK/root.ext4" $((1 + ESP_MIB))

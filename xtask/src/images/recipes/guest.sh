#!/bin/sh
# Turns the shared root tree into one guest's disk. Runs as root, or as root of
# a user namespace, in mount and network namespaces of its own.
#
# From the environment: ROOTFS (tar), RECIPES (this folder), WORK (empty folder),
# DISK (raw file to write), VARIANT (initramfs-tools, spoiled or a folder of
# variants/: packages, a line for the kernel, files),
# DETENTE_ROOT_UUID, DETENTE_ROOT_PARTUUID, ESP_UUID, ESP_START_MIB, ESP_MIB,
# ROOT_START_MIB, ROOT_MIB.
set -eu
umask 022
root=$WORK/root

unpack() {
    mkdir "$root"
    tar --extract --file "$ROOTFS" --directory "$root" --numeric-owner --xattrs --xattrs-include='*'
    mkdir -p "$root/dev"
}

# The tree sees devices, processes and nothing else of this machine.
mount_kernel_views() {
    mount --make-rprivate / 2>/dev/null || true
    mount --bind "$root" "$root"
    mount --make-private "$root"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    ln -s /proc/self/fd "$root/dev/fd"
    mkdir -p "$root/dev/disk/by-uuid"
    : >"$root/dev/disk/by-uuid/$DETENTE_ROOT_UUID" # grub-mkconfig asks whether it exists
    mkdir "$root/dev/pts"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
}

install_packages() {
    grep -v '^#' "$RECIPES/variants/$VARIANT/packages" |
        chroot "$root" xargs apt-get install --yes --quiet --no-install-recommends --no-download
}

install_dracut() {
    mkdir -p "$root/etc/dracut.conf.d"
    printf 'hostonly="no"\n' >"$root/etc/dracut.conf.d/10-golden.conf"
    install_packages
}

# What `hostonly="yes"` leaves in an initramfs on one platform's hardware, without
# looking at the hardware of the machine that builds it.
install_one_sided() {
    mkdir -p "$root/etc/dracut.conf.d"
    printf 'hostonly="no"\nomit_drivers+=" %s "\n' "$1" >"$root/etc/dracut.conf.d/10-one-sided.conf"
    install_packages
}

install_sysvinit() {
    install_packages
    chroot "$root" apt-get autoremove --yes --quiet --purge
    printf 'T0:23:respawn:/sbin/getty -L ttyS0 115200 vt100\n' >>"$root/etc/inittab"
}

# The kernel with the root's drivers built in takes the place of the other, and
# its initramfs goes: update-grub then writes root=PARTUUID= and no initrd line.
install_no_initramfs() {
    others=$(cd "$root/boot" && echo vmlinuz-*)
    install_packages
    for other in $others; do
        chroot "$root" apt-get purge --yes --quiet linux-image-amd64 "linux-image-${other#vmlinuz-}"
    done
    rm "$root"/boot/initrd.img-*
}

build_spoiled_initramfs() {
    hook=$root/etc/initramfs-tools/hooks/spoil-virtio
    install -m 755 "$RECIPES/spoil-virtio" "$hook"
    chroot "$root" update-initramfs -u -k all
    rm "$hook"
}

write_configuration() {
    cp --recursive --no-preserve=ownership "$RECIPES/overlay/." "$root/"
    case $VARIANT in
    sysvinit) rm -rf "$root/etc/systemd/network" "$root/etc/resolv.conf" && : >"$root/etc/resolv.conf" ;;
    *) ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf" ;;
    esac
    if [ -d "$RECIPES/variants/$VARIANT/overlay" ]; then
        cp --recursive --no-preserve=ownership "$RECIPES/variants/$VARIANT/overlay/." "$root/"
    fi
    if [ "$VARIANT" = no-initramfs ]; then
        echo GRUB_DISABLE_LINUX_PARTUUID=false >>"$root/etc/default/grub"
    fi
    if [ -f "$RECIPES/variants/$VARIANT/cmdline" ]; then
        sed -i "s/^GRUB_CMDLINE_LINUX=\"/&$(cat "$RECIPES/variants/$VARIANT/cmdline") /" "$root/etc/default/grub"
    fi
    cat >"$root/etc/fstab" <<FSTAB
UUID=$DETENTE_ROOT_UUID / ext4 errors=remount-ro 0 1
UUID=$ESP_UUID /boot/efi vfat umask=0077 0 1
FSTAB
    mkdir -p "$root/boot/efi"
}

write_boot_menu() {
    for tool in usr/sbin/grub-probe usr/bin/grub-mkrelpath; do
        mv "$root/$tool" "$WORK/"
        install -m 755 "$RECIPES/${tool##*/}" "$root/$tool"
    done
    chroot "$root" grub-editenv /boot/grub/grubenv create
    chroot "$root" grub-mkconfig -o /boot/grub/grub.cfg
    mv "$WORK/grub-probe" "$root/usr/sbin/"
    mv "$WORK/grub-mkrelpath" "$root/usr/bin/"
}

# What a golden image has forgotten.
forget() {
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root/etc/apt/sources.list" \
        "$root"/etc/apt/sources.list.d/0000* "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
    : >"$root/etc/machine-id"
    rm -f "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
    find "$root/var/log" -type f -exec truncate -s 0 {} +
}

make_esp() {
    esp="$DISK@@${ESP_START_MIB}M"
    mformat -i "$esp" -F -c 1 -T $((ESP_MIB * 2048)) -H $((ESP_START_MIB * 2048)) -h 255 -s 63 \
        -N "$(echo "$ESP_UUID" | tr -d -)" -v ESP ::
    cat >"$WORK/grub.cfg" <<GRUB
search.fs_uuid $DETENTE_ROOT_UUID root
set prefix=(\$root)'/boot/grub'
configfile \$prefix/grub.cfg
GRUB
    mmd -i "$esp" ::/EFI ::/EFI/BOOT ::/EFI/debian
    for folder in BOOT debian; do
        mcopy -i "$esp" "$root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "::/EFI/$folder/grubx64.efi"
        mcopy -i "$esp" "$root/usr/lib/shim/mmx64.efi.signed" "::/EFI/$folder/mmx64.efi"
        mcopy -i "$esp" "$WORK/grub.cfg" "::/EFI/$folder/grub.cfg"
    done
    mcopy -i "$esp" "$root/usr/lib/shim/shimx64.efi.signed" ::/EFI/BOOT/BOOTX64.EFI
    mcopy -i "$esp" "$root/usr/lib/shim/shimx64.efi.signed" ::/EFI/debian/shimx64.efi
}

make_root_file_system() {
    mke2fs -q -t ext4 -L root -U "$DETENTE_ROOT_UUID" \
        -E "offset=$((ROOT_START_MIB * 1048576)),hash_seed=$DETENTE_ROOT_UUID,lazy_itable_init=0,lazy_journal_init=0" \
        -d "$root" "$DISK" "${ROOT_MIB}M"
}

# Every file gets the label that the policy has for its name. They are written
# into the file system: in the tree only the machine's own root could set them.
label() {
    { find "$root" -printf '/%P\0' && printf '/lost+found\0'; } |
        xargs -0 chroot "$root" matchpathcon >"$WORK/labels"
    awk -F '\t' '$2 != "<<none>>" { printf "ea_set \"%s\" security.selinux %s\n", $1, $2 }' "$WORK/labels" >"$WORK/debugfs"
    debugfs -w -f "$WORK/debugfs" "$DISK?offset=$((ROOT_START_MIB * 1048576))" >/dev/null 2>"$WORK/complaints"
    if grep -v '^debugfs ' "$WORK/complaints" >&2; then exit 1; fi
}

trap 'umount --recursive "$root" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
unpack
mount_kernel_views
case $VARIANT in
initramfs-tools) ;;
dracut) install_dracut ;;
kvm-only) install_one_sided 'hv_vmbus hv_storvsc hv_netvsc hv_utils hv_balloon hyperv_keyboard hid_hyperv pci_hyperv pci_hyperv_intf hyperv_fb hyperv_drm uio_hv_generic' ;;
hyperv-only) install_one_sided 'virtio virtio_ring virtio_pci virtio_pci_legacy_dev virtio_pci_modern_dev virtio_blk virtio_scsi virtio_net virtio_console virtio_mmio virtio_rng virtio_gpu virtio_balloon virtio_input' ;;
sysvinit) install_sysvinit ;;
selinux) install_packages ;;
no-initramfs) install_no_initramfs ;;
spoiled) build_spoiled_initramfs ;;
esac
write_configuration
write_boot_menu
forget
umount --recursive "$root"
make_esp
make_root_file_system
[ "$VARIANT" != selinux ] || label

#!/bin/sh
# A server with the shape of SLES 15: UEFI, all on one btrfs whose default subvolume is a snapshot
# below @, /boot among it, wicked, the database of rpm in its own form (ndb).
. "$SHAPED/lib.sh"
. "$SHAPED/rpm.sh"
kernel=6.4.0-150600.21-default
FILLERS=20
ESP_MIB=64 SWAP_MIB=64 BTRFS_MIB=640
BELOW='var usr/local srv root opt home boot/grub2/x86_64-efi boot/grub2/i386-pc'

# The tree goes where the running system would have written it: what a subvolume is mounted over
# into that subvolume, the rest into the snapshot that is the root.
fill() {
    subvolume @
    subvolume @/.snapshots
    mkdir -p "$WORK/mount/@/.snapshots/1" "$WORK/mount/@/usr" "$WORK/mount/@/boot/grub2"
    subvolume @/.snapshots/1/snapshot
    snapshot=$WORK/mount/@/.snapshots/1/snapshot
    for each in $BELOW; do
        subvolume "@/$each"
        mkdir -p "$root/$each" "$snapshot/$each"
        cp --archive "$root/$each/." "$WORK/mount/@/$each/"
        rm -rf "${root:?}/$each"
    done
    mkdir -p "$snapshot/.snapshots"
    cp --archive "$root/." "$snapshot/"
    number=$(btrfs subvolume list "$WORK/mount" | awk '$NF == "@/.snapshots/1/snapshot" { print $2 }')
    btrfs subvolume set-default "$number" "$WORK/mount"
    printf '<?xml version="1.0"?>\n<snapshot>\n  <type>single</type>\n  <num>1</num>\n  <description>first root filesystem</description>\n</snapshot>\n' >"$WORK/mount/@/.snapshots/1/info.xml"
    mkdir "$WORK/mount/@/.snapshots/2"
    btrfs subvolume snapshot -r "$snapshot" "$WORK/mount/@/.snapshots/2/snapshot" >/dev/null
    # What only the root of today has.
    echo today >"$snapshot/etc/after-the-snapshot"
}

unpack
tree
mkdir -p "$root/bin" "$root/sbin" "$root/lib64"
ln -s ../usr/bin/busybox "$root/bin/sh"
install_modules "$kernel" zst
kernel_image "$kernel" "$root/boot/vmlinuz-$kernel"
ln -s "vmlinuz-$kernel" "$root/boot/vmlinuz"
dracut 059+suse.521 "$kernel" 'virtio_pci virtio_blk virtio_scsi hv_vmbus hv_storvsc ahci sd_mod btrfs' "initrd-$kernel"
ln -s "initrd-$kernel" "$root/boot/initrd"
printf 'saved_entry=SLES 15-SP6\n' | grubenv "$root/boot/grub2/grubenv"
enable multi-user.target wicked.service chronyd.service kdump.service
enable network.target wickedd.service
mkdir -p "$WORK/files" && (cd "$root" && find "usr/lib/modules/$kernel" -type f | sed 's|^|/|') >"$WORK/files/kernel-default"
rpm_database ndb /usr/lib/sysimage/rpm
mkdir -p "$root/var/lib" && ln -s ../../usr/lib/sysimage/rpm "$root/var/lib/rpm"
mkdir -p "$WORK/esp/EFI/sles" "$root/boot/efi"
printf 'set btrfs_relative_path="yes"\nsearch --fs-uuid --set=root %s\nset prefix=(${root})/boot/grub2\nsource "${prefix}/grub.cfg"\n' "$ROOT_UUID" >"$WORK/esp/EFI/sles/grub.cfg"

expect os_id sles
expect os_version 15.6
expect hostname sles.example.com
expect firmware uefi
expect loader grub2
expect timezone Europe/Prague
expect default_kernel "$kernel"
expect root_spec "UUID=$ROOT_UUID"
expect root_content btrfs
echo 203.0.113.24/26 | expect_list addresses
awk '$2 ~ "^/" && $1 !~ "#" { print $2, $3 }' "$root/etc/fstab" | expect_list mounts
expect_files

partition $((1 + ESP_MIB + BTRFS_MIB + SWAP_MIB + 1)) gpt \
    "start=1MiB, size=${ESP_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid 10)" \
    "start=$((1 + ESP_MIB))MiB, size=${BTRFS_MIB}MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=$(uuid 20)" \
    "start=$((1 + ESP_MIB + BTRFS_MIB))MiB, size=${SWAP_MIB}MiB, type=0657FD6D-A4AB-43C4-84E5-0933C84B4F4F, uuid=$(uuid 21)"
esp 1 "$ESP_MIB" sles
btrfs_mount "$WORK/root.btrfs" "$BTRFS_MIB" "$ROOT_UUID" ROOT
fill
btrfs_unmount
place "$WORK/root.btrfs" $((1 + ESP_MIB))
truncate --size "${SWAP_MIB}M" "$WORK/swap" && mkswap -q -U "$SWAP_UUID" "$WORK/swap"
place "$WORK/swap" $((1 + ESP_MIB + BTRFS_MIB))

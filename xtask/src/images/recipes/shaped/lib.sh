# What the recipes of shaped guests share: trees that have the shape of a distribution's, made of
# Debian's kernel, modules, shim and GRUB under that distribution's names. They are made to be
# looked into, not to be started. Sourced by NAME.sh.
#
# From the environment: ROOTFS (tar), SHAPED (this folder), WORK (empty folder), DISK (raw file to
# write), EXPECTED (folder: what the recipe put in, a value or a list per file), NAME, ID.
set -eu
umask 022
export LC_ALL=C
root=$WORK/root deb=$WORK/deb
mkdir -p "$root" "$deb" "$EXPECTED/initramfs"

uuid() { echo "6d2b7a1e-3f54-4c0e-9d0a-0d5f1a6e$1$ID"; }
ROOT_UUID=$(uuid 30) BOOT_UUID=$(uuid 40) SWAP_UUID=$(uuid 50) HOME_UUID=$(uuid 60)
ESP_UUID=DE7E-00$ID
MACHINE_ID=5d1f0c0b9f4e4e7c8a10de7e0000de$ID

# expect NAME VALUE: a value that `inspect` must find. expect_list NAME: a list, from standard input.
expect() { printf '%s\n' "$2" >"$EXPECTED/$1"; }
expect_list() { sort -u >"$EXPECTED/$1.list"; }

# What of the shared root tree is used: Debian's kernel and modules, shim, GRUB, busybox.
unpack() {
    tar --extract --file "$ROOTFS" --directory "$deb" --no-same-owner --wildcards \
        './boot/vmlinuz-*' './boot/config-*' './usr/lib/modules/*' './usr/lib/shim/*.signed' \
        './usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed' './usr/bin/busybox' \
        './usr/bin/dpkg-query' './var/lib/dpkg/*' './etc/apt/trusted.gpg.d/*.asc' "$@"
    ln -s usr/lib "$deb/lib"
    debian_release=$(basename "$deb"/boot/vmlinuz-*)
    debian_release=${debian_release#vmlinuz-}
}

# tree: the files of NAME/tree, with the names of this guest in the place of @WORDS@.
tree() {
    cp --recursive --no-preserve=ownership "$SHAPED/$NAME/tree/." "$root/"
    grep -rlZ '@[A-Z_]*@' "$root" | xargs -0r sed -i \
        -e "s|@ROOT_UUID@|$ROOT_UUID|g" -e "s|@BOOT_UUID@|$BOOT_UUID|g" -e "s|@SWAP_UUID@|$SWAP_UUID|g" \
        -e "s|@ESP_UUID@|$ESP_UUID|g" -e "s|@HOME_UUID@|$HOME_UUID|g" -e "s|@MACHINE_ID@|$MACHINE_ID|g" \
        -e "s|@KERNEL@|${kernel-}|g" -e "s|@OLD_KERNEL@|${old_kernel-}|g"
    for each in dev proc sys run tmp root home var/tmp var/log mnt usr/bin usr/sbin usr/lib usr/lib64; do
        mkdir -p "$root/$each"
    done
    # A program that says for which processor the tree is.
    cp "$deb/usr/bin/busybox" "$root/usr/bin/busybox"
    ln -s busybox "$root/usr/bin/sh"
    expect machine_id "$MACHINE_ID"
}

# merged_usr: /bin and its kin are links, as in distributions of today.
merged_usr() {
    for each in bin sbin lib lib64; do ln -s "usr/$each" "$root/$each"; done
}

# enable TARGET UNIT...: what `systemctl enable` leaves.
enable() {
    target=$root/etc/systemd/system/$1.wants
    mkdir -p "$target" "$root/usr/lib/systemd/system"
    shift
    for unit; do
        [ -e "$root/usr/lib/systemd/system/$unit" ] || printf '[Unit]\nDescription=%s\n' "$unit" >"$root/usr/lib/systemd/system/$unit"
        ln -sf "/usr/lib/systemd/system/$unit" "$target/$unit"
        echo "$unit" >>"$WORK/units"
    done
    expect_list units <"$WORK/units"
}

# kernel_image RELEASE FILE: Debian's kernel that calls itself RELEASE. Its signature no longer
# fits, which is said in the expected values.
kernel_image() {
    cp "$deb/boot/vmlinuz-$debian_release" "$2"
    at=$(($(od -An -tu2 -j 526 -N 2 "$2") + 512))
    was=$(dd if="$2" bs=1 skip="$at" count=200 status=none | tr '\0' '\n' | head -n 1)
    printf '%-*.*s' "${#was}" "${#was}" "$1 (shaped@detente) #1 SMP PREEMPT_DYNAMIC" |
        dd of="$2" bs=1 seek="$at" conv=notrunc status=none
    echo "$1" >>"$WORK/kernels"
    expect_list kernels <"$WORK/kernels"
}

# needed NAME...: the files of these modules and of what they need, below kernel/. Built-in ones
# have none.
needed() {
    for each; do
        modprobe --dirname "$deb" --set-version "$debian_release" --show-depends "$each" |
            sed -n "s|^insmod .*/$debian_release/\(kernel/[^ ]*\).*|\1|p"
    done | sort -u
}

# What the guests have below /lib/modules, by name.
MODULES='ahci ata_piix ata_generic sd_mod sr_mod sg nvme virtio_pci virtio_mmio virtio_blk virtio_scsi
    virtio_net virtio_console virtio_balloon virtio_rng virtio_gpu virtio_input hv_vmbus hv_storvsc hv_netvsc
    hv_utils hv_balloon hv_sock hyperv_keyboard hid_hyperv hyperv_drm pci_hyperv e1000 e1000e igb vmxnet3 vmw_pvscsi
    mptspi mptsas xen_blkfront xen_netfront xfs ext4 btrfs vfat isofs nls_cp437 nls_ascii nls_iso8859_1 dm_mod
    dm_snapshot dm_multipath raid1 loop uas usb_storage xhci_pci ehci_pci usbhid'

# pack FILE KIND: compresses a file in its place.
pack() {
    case $2 in
    xz) xz -1 --check=crc32 "$1" ;; # the kernel's unpacker knows no CRC64
    zst) zstd -q -1 --rm "$1" ;;
    gz) gzip -1n "$1" ;;
    none) ;;
    esac
}

# install_modules RELEASE KIND: real modules, packed as the distribution packs them.
install_modules() {
    folder=$root/usr/lib/modules/$1
    source=$deb/usr/lib/modules/$debian_release
    mkdir -p "$folder"
    # shellcheck disable=SC2086 # a list of names
    needed $MODULES | while read -r file; do
        mkdir -p "$folder/$(dirname "$file")"
        cp "$source/$file" "$folder/$file"
        pack "$folder/$file" "$2"
    done
    cp "$source/modules.order" "$source/modules.builtin" "$source/modules.builtin.modinfo" "$folder/"
    if [ ! -e "$root/lib/modules" ]; then mkdir -p "$root/lib" && ln -s ../usr/lib/modules "$root/lib/modules"; fi
    depmod --basedir "$root" "$1" 2>/dev/null
}

# archive FOLDER: as a cpio on standard output.
archive() {
    (cd "$1" && find . | sort | cpio --quiet --create --format=newc --owner=0:0)
}

# early VENDOR: the archive with microcode that the kernel looks for before it unpacks anything.
early() {
    rm -rf "$WORK/early"
    mkdir -p "$WORK/early/kernel/x86/microcode"
    echo 1 >"$WORK/early/early_cpio"
    printf 'no microcode of %s, only its place' "$1" >"$WORK/early/kernel/x86/microcode/$1.bin"
    archive "$WORK/early"
}

# initramfs RELEASE PLACE MODULE...: fills $WORK/initramfs with modules below PLACE, and what every
# initramfs has.
initramfs() {
    release=$1 place=$2
    shift 2
    rm -rf "$WORK/initramfs"
    mkdir -p "$WORK/initramfs/$place/$release" "$WORK/initramfs/usr/bin" "$WORK/initramfs/etc"
    needed "$@" | while read -r file; do
        mkdir -p "$WORK/initramfs/$place/$release/$(dirname "$file")"
        cp "$root/usr/lib/modules/$release/$file"* "$WORK/initramfs/$place/$release/$(dirname "$file")/"
    done
    cp "$deb/usr/bin/busybox" "$WORK/initramfs/usr/bin/"
    printf '#!/usr/bin/busybox sh\n' >"$WORK/initramfs/init"
    chmod 755 "$WORK/initramfs/init"
}

# dracut VERSION RELEASE MODULES FILE: an initramfs in the form of dracut's, below /boot.
dracut() {
    # shellcheck disable=SC2086 # a list of names
    initramfs "$2" usr/lib/modules $3
    mkdir -p "$WORK/initramfs/usr/lib/dracut" "$WORK/initramfs/etc/cmdline.d"
    echo "--kver $2" >"$WORK/initramfs/usr/lib/dracut/build-parameter.txt"
    printf 'systemd\ndm\nrootfs-block\nbase\n' >"$WORK/initramfs/usr/lib/dracut/modules.txt"
    echo "dracut-$1" >"$WORK/initramfs/usr/lib/dracut/dracut-$1"
    ln -s usr/lib "$WORK/initramfs/lib"
    { early GenuineIntel && archive "$WORK/initramfs" | zstd -q -3; } >"$root/boot/$4"
    expect_initramfs "$4"
}

# grubenv FILE: an environment block, 1024 bytes, of the lines on standard input.
grubenv() {
    { echo '# GRUB Environment Block' && cat && head -c 1024 /dev/zero | tr '\0' '#'; } | head -c 1024 >"$1"
}

# expect_initramfs FILE: the modules in $WORK/initramfs, by their own names.
expect_initramfs() {
    find "$WORK/initramfs" -name '*.ko*' | sed 's|.*/||; s|\.ko.*||' | tr - _ | expect_list "initramfs/$1"
}

# expect_files: the digest of every file of the tree.
expect_files() {
    (cd "$root" && find . -xdev -type f -print0 | xargs -0 sha256sum | sed 's|  \./|  /|') >"$EXPECTED.sha256"
}

# esp OFFSET_MIB SIZE_MIB VENDOR: the file system of an EFI system partition, with the folder
# $WORK/esp in it; and for a VENDOR shim, GRUB and the fallback path.
esp() {
    image="$DISK@@${1}M"
    mformat -i "$image" -F -c 1 -T $(($2 * 2048)) -H $(($1 * 2048)) -h 255 -s 63 \
        -N "$(echo "$ESP_UUID" | tr -d -)" -v ESP ::
    mkdir -p "$WORK/esp/EFI/BOOT"
    if [ -n "$3" ]; then
        mkdir -p "$WORK/esp/EFI/$3"
        cp "$deb/usr/lib/shim/shimx64.efi.signed" "$WORK/esp/EFI/BOOT/BOOTX64.EFI"
        cp "$deb/usr/lib/shim/fbx64.efi.signed" "$WORK/esp/EFI/BOOT/fbx64.efi"
        cp "$deb/usr/lib/shim/shimx64.efi.signed" "$WORK/esp/EFI/$3/shimx64.efi"
        cp "$deb/usr/lib/shim/mmx64.efi.signed" "$WORK/esp/EFI/$3/mmx64.efi"
        cp "$deb/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$WORK/esp/EFI/$3/grubx64.efi"
        # The boot entry that the fallback writes where the firmware has none; UTF-16 with its mark.
        name=$(. "$root/etc/os-release" && echo "$NAME")
        printf 'shimx64.efi,%s,,This is the boot entry for %s\n' "$name" "$name" |
            iconv -f UTF-8 -t UTF-16 >"$WORK/esp/EFI/$3/BOOTX64.CSV"
        expect fallback_entry "$name"
    fi
    (cd "$WORK/esp" && find . -mindepth 1 -maxdepth 1 -print0) |
        (cd "$WORK/esp" && xargs -0 -I '{}' mcopy -s -Q -i "$image" '{}' ::)
    (cd "$WORK/esp" && find . -type f -print0 | xargs -0 sha256sum | sed "s|  \./|  ${ESP_AT-/boot/efi}/|") >>"$EXPECTED.sha256"
}

# place FILE OFFSET_MIB: puts a file system into the disk, holes left out.
place() {
    dd if="$1" of="$DISK" bs=1M seek="$2" conv=notrunc,sparse status=none
    rm "$1"
}

# partition SIZE_MIB LABEL LINE...: the partition table in the words of sfdisk.
partition() {
    truncate --size "${1}M" "$DISK"
    { printf 'label: %s\n' "$2" && [ "$2" = dos ] || printf 'label-id: %s\n' "$(uuid 00)"; } >"$WORK/table"
    shift 2
    printf '%s\n' "$@" >>"$WORK/table"
    sfdisk --quiet --no-reread --no-tell-kernel "$DISK" <"$WORK/table"
}

# protofile FOLDER: the folder in the words of mkfs.xfs -p, files of /dev and names with blanks apart.
protofile() {
    printf '/\n0 0\nd--755 0 0\n'
    proto_folder "$1"
    echo '$'
}

proto_folder() {
    for path in "$1"/* "$1"/.[!.]*; do
        name=${path##*/}
        if [ -L "$path" ]; then
            printf '%s l--777 0 0 %s\n' "$name" "$(readlink "$path")"
        elif [ -d "$path" ]; then
            printf '%s d--755 0 0\n' "$name"
            (proto_folder "$path")
            echo '$'
        elif [ -f "$path" ]; then
            mode=644
            [ ! -x "$path" ] || mode=755
            printf '%s ---%s 0 0 %s\n' "$name" "$mode" "$path"
        fi
    done
}

# xfs FILE SIZE_MIB UUID LABEL FOLDER
xfs() {
    protofile "$5" >"$WORK/proto"
    truncate --size "$2M" "$1"
    mkfs.xfs -q -m "uuid=$3" -L "$4" -p "$WORK/proto" "$1"
}

# ext4 FILE SIZE_MIB UUID LABEL FOLDER
ext4() {
    mke2fs -q -t ext4 -L "$4" -U "$3" \
        -E "hash_seed=$3,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0" -d "$5" "$1" "$2M"
}

# btrfs FILE SIZE_MIB UUID LABEL: an empty one, mounted at $WORK/mount; the kernel makes subvolumes.
btrfs_mount() {
    truncate --size "$2M" "$1"
    mkfs.btrfs -q -d single -m single -U "$3" -L "$4" "$1" >/dev/null
    mkdir -p "$WORK/mount"
    mount -o "loop,compress-force=zstd:1" "$1" "$WORK/mount"
    trap 'umount "$WORK/mount"' EXIT
}

# subvolume PATH: makes one.
subvolume() {
    btrfs subvolume create "$WORK/mount/$1" >/dev/null
}

btrfs_unmount() {
    btrfs subvolume list "$WORK/mount" | awk '{ print $2, $NF }' | expect_list subvolumes
    btrfs subvolume get-default "$WORK/mount" | awk '{ print $2 }' >"$EXPECTED/default_subvolume"
    umount "$WORK/mount"
    trap - EXIT
}

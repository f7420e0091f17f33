# What the recipes of the guests that `detente prepare` is tried on share: real servers, from the
# shared root tree and the distribution's own packages, grown up on KVM's hardware. Sourced by
# NAME.sh, as root (or root of a user namespace) in mount, process and network namespaces of its own.
#
# From the environment: ROOTFS (tar), DEBS (folder of packages), RECIPES, PREPARE (this folder),
# WORK (empty folder), DISK (raw file to write), EXPECTED (folder: what must be found, a value or a
# list per file), NAME, ID.
set -eu
umask 022
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
root=$WORK/root
DISK_MIB=4096 ESP_MIB=128
# What every recipe gives its guest: not what the network service would offer.
ADDRESS=10.0.2.40/24 GATEWAY=10.0.2.2 DNS=10.0.2.3
# The name that the card has on our `kvm`, and only there.
CARD=enp0s3

uuid() { echo "6d2b7a1e-3f54-4c0e-9d0a-0d5f1a6e$1$ID"; }
DETENTE_ROOT_UUID=$(uuid 30) DETENTE_ROOT_PARTUUID=$(uuid 20)
ESP_UUID=DE7E-00$ID
export DETENTE_ROOT_UUID DETENTE_ROOT_PARTUUID

# expect NAME VALUE. expect_list NAME: a list, from standard input.
expect() { printf '%s\n' "$2" >"$EXPECTED/$1"; }
expect_list() { sort -u >"$EXPECTED/$1.list"; }

# The tree sees devices, processes and nothing else of this machine.
unpack() {
    mkdir "$root"
    trap 'umount --recursive "$root" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
    tar --extract --file "$ROOTFS" --directory "$root" --numeric-owner --xattrs --xattrs-include='*'
    mkdir -p "$root/dev"
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
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
}

# The packages of this guest, from what was fetched.
install_packages() {
    cp -n "$DEBS"/*.deb "$root/var/cache/apt/archives/"
    grep -v '^#' "$PREPARE/$NAME/packages" |
        chroot "$root" xargs apt-get install --yes --quiet --no-install-recommends --no-download
}

# What every demo server has, then the files of NAME/tree with this guest's values at @WORDS@.
write_configuration() {
    cp --recursive --no-preserve=ownership "$RECIPES/overlay/." "$root/"
    rm -rf "$root/etc/systemd/network"
    ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
    if [ -d "$PREPARE/$NAME/tree" ]; then
        (cd "$PREPARE/$NAME/tree" && find . -type f) | while read -r file; do
            mkdir -p "$root/$(dirname "$file")"
            rm -f "$root/$file"
            sed -e "s|@ROOT_UUID@|$DETENTE_ROOT_UUID|g" -e "s|@ESP_UUID@|$ESP_UUID|g" -e "s|@ADDRESS@|$ADDRESS|g" \
                -e "s|@GATEWAY@|$GATEWAY|g" -e "s|@DNS@|$DNS|g" -e "s|@CARD@|$CARD|g" \
                "$PREPARE/$NAME/tree/$file" >"$root/$file"
        done
    fi
    mkdir -p "$root/boot/efi"
    expect address "$ADDRESS"
    expect card "$CARD"
}

# only_modules NAME...: every initramfs of initramfs-tools anew, with these modules and what they
# need, and no others; the configuration stays as it is.
only_modules() {
    policy=$root/etc/initramfs-tools/conf.d/zz-one-sided
    modules=$root/etc/initramfs-tools/modules
    cp -p "$modules" "$WORK/modules"
    printf '%s\n' "$@" >>"$modules"
    echo MODULES=list >"$policy"
    chroot "$root" update-initramfs -u -k all
    rm "$policy"
    cp -p "$WORK/modules" "$modules"
}

# boot_menu FOLDER: grub-mkconfig, with what it asks of the disk answered by the stand-ins of FOLDER:
# the tree is no disk yet.
boot_menu() {
    for tool in usr/sbin/grub-probe usr/bin/grub-mkrelpath; do
        mv "$root/$tool" "$WORK/"
        install -m 755 "$1/${tool##*/}" "$root/$tool"
    done
    chroot "$root" grub-editenv /boot/grub/grubenv create
    chroot "$root" grub-mkconfig -o /boot/grub/grub.cfg
    mv "$WORK/grub-probe" "$root/usr/sbin/"
    mv "$WORK/grub-mkrelpath" "$root/usr/bin/"
}

# What an image has forgotten. Its machine-id goes with `machine_id=forgotten`.
forget() {
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root/etc/apt/sources.list" \
        "$root"/etc/apt/sources.list.d/0000* "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
    rm -f "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
    find "$root/var/log" -type f -exec truncate -s 0 {} +
    umount --recursive "$root"
}

# partition TYPE: an EFI system partition and one of this type for the rest, but for the last MiB.
partition() {
    truncate --size "${DISK_MIB}M" "$DISK"
    ROOT_START_MIB=$((1 + ESP_MIB))
    ROOT_MIB=$((DISK_MIB - ROOT_START_MIB - 1))
    sfdisk --quiet --no-reread --no-tell-kernel "$DISK" <<TABLE
label: gpt
label-id: $(uuid 00)
start=1MiB, size=${ESP_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid 10), name="ESP"
start=${ROOT_START_MIB}MiB, size=${ROOT_MIB}MiB, type=$1, uuid=$DETENTE_ROOT_PARTUUID, name="root"
TABLE
}
ROOT_X86_64=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709

# esp: the file system of the EFI system partition, with the folder $WORK/esp in it.
esp() {
    image="$DISK@@1M"
    mformat -i "$image" -F -c 1 -T $((ESP_MIB * 2048)) -H 2048 -h 255 -s 63 \
        -N "$(echo "$ESP_UUID" | tr -d -)" -v ESP ::
    mcopy -s -Q -i "$image" "$WORK"/esp/* ::
}

# grub_esp PREFIX: shim and GRUB as Debian installs them, and at the fallback path.
grub_esp() {
    mkdir -p "$WORK/esp/EFI/BOOT" "$WORK/esp/EFI/debian"
    for folder in BOOT debian; do
        cp "$root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$WORK/esp/EFI/$folder/grubx64.efi"
        cp "$root/usr/lib/shim/mmx64.efi.signed" "$WORK/esp/EFI/$folder/mmx64.efi"
        printf "search.fs_uuid %s root\nset prefix=(\$root)'%s'\nconfigfile \$prefix/grub.cfg\n" \
            "$DETENTE_ROOT_UUID" "$1" >"$WORK/esp/EFI/$folder/grub.cfg"
    done
    cp "$root/usr/lib/shim/shimx64.efi.signed" "$WORK/esp/EFI/BOOT/BOOTX64.EFI"
    cp "$root/usr/lib/shim/shimx64.efi.signed" "$WORK/esp/EFI/debian/shimx64.efi"
    esp
}

ext4_root() {
    mke2fs -q -t ext4 -L root -U "$DETENTE_ROOT_UUID" \
        -E "offset=$((ROOT_START_MIB * 1048576)),hash_seed=$DETENTE_ROOT_UUID,lazy_itable_init=0,lazy_journal_init=0" \
        -d "$root" "$DISK" "${ROOT_MIB}M"
}

# place FILE OFFSET_MIB: puts a file system into the disk, holes left out.
place() {
    dd if="$1" of="$DISK" bs=1M seek="$2" conv=notrunc,sparse status=none
    rm "$1"
}

#!/bin/sh
# Makes a tiny guest for the lab's system test: a distribution's kernel as it
# comes, and an initramfs of busybox, one script and the modules of Hyper-V's
# synthetic hardware. It has no disk of its own.
#
# From the environment: KERNELS (tar of unpacked packages), KERNEL (the start of
# a release), RECIPES, WORK (empty folder), OUT (folder for kernel and initramfs).
set -eu
umask 022
root=$WORK/root

# pattern NAME: names of files say "-" where the kernel says "_".
pattern() {
    echo "$1" | sed 's/_/[-_]/g'
}

# content FILE: a module as the kernel loads it.
content() {
    case $1 in
    *.xz) xz -dc "$1" ;;
    *) cat "$1" ;;
    esac
}

# find_module NAME: its file.
find_module() {
    find "$modules" -name "$(pattern "$1").ko" -o -name "$(pattern "$1").ko.xz" | head -n 1
}

# add NAME: a module behind what it depends on, as its own .modinfo says.
add() {
    case " $added " in *" $1 "*) return 0 ;; esac
    added="$added $1"
    if grep -q "/$(pattern "$1")\.ko" "$modules/modules.builtin"; then
        return 0
    fi
    file=$(find_module "$1")
    [ -n "$file" ] || { echo "kernel $release has no module $1" >&2; exit 1; }
    for needed in $(content "$file" | tr '\0' '\n' | sed -n 's/^depends=//p' | tr ',-' ' _'); do
        add "$needed"
    done
    file=$(find_module "$1")
    number=$((number + 1))
    content "$file" >"$root/modules/$(printf '%02d' "$number")-$1.ko"
}

mkdir -p "$WORK/tree" "$root/bin" "$root/sbin" "$root/dev" "$root/proc" "$root/sys" "$root/modules"
tar --extract --file "$KERNELS" --directory "$WORK/tree" --no-same-owner --wildcards \
    "./boot/vmlinuz-$KERNEL*" "*lib/modules/$KERNEL*" '*bin/busybox'
image=$(find "$WORK/tree/boot" -name 'vmlinuz-*' | sort | tail -n 1)
release=${image##*/vmlinuz-}
modules=$(find "$WORK/tree" -type d -path "*lib/modules/$release")

cp "$(find "$WORK/tree" -path '*bin/busybox' -type f | head -n 1)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
install -m 755 "$RECIPES/tiny/init" "$root/init"
install -m 755 "$RECIPES/tiny/poweroff" "$root/sbin/poweroff"
install -m 755 "$RECIPES/tiny/reboot" "$root/sbin/reboot"
added='' number=0
for wanted in hv_vmbus hv_utils hyperv_keyboard hv_netvsc hv_storvsc sd_mod; do
    add "$wanted"
done

cp "$image" "$OUT/kernel"
# Not compressed: a translated processor would unpack it.
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet --create --format=newc --owner=0:0) >"$OUT/initramfs"

//! Healthy guests, as distributions set themselves up: each is prepared for both worlds.

use detente_samples::{Label, ROOT, Tree, program as elf};

use crate::format::Format;
use crate::machine::{Machine, On, Second};
use crate::program::{Signer, efi, kernel};
use crate::{makers, menus};

/// What the kernels have, in one form or the other.
pub(crate) const DRIVERS: &[&str] = &[
    "ahci",
    "ata_piix",
    "btrfs",
    "dm_mod",
    "e1000e",
    "ext4",
    "hv_balloon",
    "hv_netvsc",
    "hv_storvsc",
    "hv_utils",
    "hv_vmbus",
    "hyperv_drm",
    "hyperv_keyboard",
    "sd_mod",
    "vfat",
    "virtio_blk",
    "virtio_console",
    "virtio_net",
    "virtio_pci",
    "virtio_scsi",
    "xfs",
];

/// GRUB's first sector says these words when it fails; syslinux's says the others.
pub(crate) const GRUB: &str = "GRUB \0Geom\0Hard Disk\0Read\0 Error";
pub(crate) const SYSLINUX: &str = "Missing operating system.\r\n\0Operating system load error.";

/// The signatures of a shim that starts everywhere.
pub(crate) const BOTH: &[Signer] = &[Signer::Microsoft2011, Signer::Microsoft2023];

const DEBIAN: [&str; 2] = ["6.1.0-28-amd64", "6.1.0-27-amd64"];
const UBUNTU: [&str; 2] = ["6.8.0-48-generic", "6.8.0-47-generic"];
const RHEL: [&str; 2] = ["5.14.0-427.el9.x86_64", "5.14.0-362.el9.x86_64"];
const FEDORA: [&str; 2] = ["6.11.4-301.fc41.x86_64", "6.11.3-300.fc41.x86_64"];
const SLES: [&str; 2] = ["6.4.0-150600.23-default", "6.4.0-150600.21-default"];
const ALPINE: [&str; 2] = ["6.6.58-0-lts", "6.6.58-0-virt"];
const ARCH: [&str; 2] = ["6.11.5-arch1-1", "6.6.58-1-lts"];

/// A Debian with GRUB, which both firmwares start.
pub(crate) fn debian() -> Machine {
    let mut own = bare("debian", DEBIAN, makers::initramfs_tools);
    own.put("etc/debian_version", "12.7\n");
    release(&mut own, "ID=debian\nVERSION_ID=\"12\"\n");
    kernels(&mut own, "initrd.img-", "");
    menus::grub(&mut own, "boot/grub/grub.cfg", "net.ifnames=0");
    own.put("etc/initramfs-tools/initramfs.conf", "MODULES=most\n");
    own.put(
        "etc/network/interfaces",
        "auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n",
    );
    unit(&mut own, "systemd-timesyncd", "sysinit.target");
    unit(&mut own, "hv-kvp-daemon", "multi-user.target");
    own
}

/// An Ubuntu with netplan.
pub(crate) fn ubuntu() -> Machine {
    let mut own = bare("ubuntu", UBUNTU, makers::initramfs_tools);
    own.builtin = &["virtio_pci", "hv_vmbus", "ext4", "sd_mod", "ahci"];
    release(
        &mut own,
        "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n",
    );
    kernels(&mut own, "initrd.img-", "");
    menus::grub(&mut own, "boot/grub/grub.cfg", "");
    own.put("etc/initramfs-tools/initramfs.conf", "MODULES=most\n");
    own.put(
        "etc/netplan/50-cloud-init.yaml",
        "network:\n  version: 2\n  ethernets:\n    any:\n      match:\n        name: \"e*\"\n      dhcp4: true\n",
    );
    unit(&mut own, "systemd-timesyncd", "sysinit.target");
    unit(&mut own, "hv-kvp-daemon", "multi-user.target");
    own
}

/// A RHEL 9 with entries of the Boot Loader Specification.
pub(crate) fn rhel() -> Machine {
    red_hat(
        RHEL,
        "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.4\"\n",
    )
}

/// The same on a logical volume.
pub(crate) fn rhel_on_lvm() -> Machine {
    let mut own = rhel();
    own.on = On::Lvm;
    let (by_uuid, by_name) = (format!("root=UUID={ROOT}"), "root=/dev/mapper/rhel-root");
    for entry in menus::bls_paths(&own) {
        own.replace(&entry, &by_uuid, by_name);
    }
    own.replace(
        "etc/fstab",
        &format!("UUID={ROOT}"),
        "/dev/mapper/rhel-root",
    );
    own
}

/// A Fedora, its root on btrfs.
pub(crate) fn fedora() -> Machine {
    let mut own = red_hat(FEDORA, "ID=fedora\nVERSION_ID=41\n");
    on(&mut own, Format::Btrfs);
    own
}

fn red_hat(releases: [&'static str; 2], os_release: &str) -> Machine {
    let mut own = bare("redhat", releases, makers::dracut);
    release(&mut own, os_release);
    kernels(&mut own, "initramfs-", ".img");
    menus::bls(&mut own);
    own.put("etc/dracut.conf.d/both.conf", both_worlds("add_drivers"));
    own.put(
        "etc/NetworkManager/system-connections/wired.nmconnection",
        "[connection]\nid=wired\ntype=ethernet\n\n[ethernet]\n\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n",
    );
    own.put(
        "etc/chrony.conf",
        "pool pool.ntp.org iburst\nmakestep 1.0 3\n",
    );
    own.put(
        "etc/selinux/config",
        "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
    );
    unit(&mut own, "chronyd", "multi-user.target");
    unit(&mut own, "NetworkManager", "multi-user.target");
    unit(&mut own, "hypervkvpd", "multi-user.target");
    own
}

/// A SLES with wicked, its root on btrfs.
pub(crate) fn sles() -> Machine {
    let mut own = bare("sles", SLES, makers::dracut);
    release(
        &mut own,
        "ID=\"sles\"\nID_LIKE=\"suse\"\nVERSION_ID=\"15.6\"\n",
    );
    kernels(&mut own, "initrd-", "");
    menus::grub(&mut own, "boot/grub2/grub.cfg", "");
    on(&mut own, Format::Btrfs);
    own.put("etc/dracut.conf.d/both.conf", both_worlds("add_drivers"));
    own.put(
        "etc/sysconfig/network/ifcfg-eth0",
        "BOOTPROTO='dhcp'\nSTARTMODE='auto'\n",
    );
    own.put("etc/chrony.conf", "pool pool.ntp.org iburst\n");
    unit(&mut own, "chronyd", "multi-user.target");
    unit(&mut own, "wicked", "multi-user.target");
    unit(&mut own, "hv_kvp_daemon", "multi-user.target");
    own
}

/// An Alpine that a BIOS starts by extlinux, with OpenRC.
pub(crate) fn alpine() -> Machine {
    let mut own = bare("alpine", ALPINE, makers::mkinitfs);
    own.esp = None;
    own.label = Label::Dos;
    own.boot_code = SYSLINUX;
    own.active = true;
    own.root = Tree::default()
        .file("bin/busybox", &elf(62))
        .link("sbin/init", "/bin/busybox")
        .link("lib/modules", "../usr/lib/modules");
    release(&mut own, "ID=alpine\nVERSION_ID=3.20.3\n");
    own.put("etc/alpine-release", "3.20.3\n");
    own.put("etc/fstab", format!("UUID={ROOT} / ext4 rw,relatime 0 1\n"));
    kernels(&mut own, "initramfs-", "");
    menus::extlinux(&mut own);
    own.put(
        "etc/inittab",
        "::sysinit:/sbin/openrc sysinit\ntty1::respawn:/sbin/getty 38400 tty1\n",
    );
    own.put(
        "etc/network/interfaces",
        "auto eth0\niface eth0 inet dhcp\n",
    );
    own.put("etc/chrony/chrony.conf", "pool pool.ntp.org iburst\n");
    for name in ["chronyd", "networking", "qemu-guest-agent", "hv_kvp_daemon"] {
        own.put(&format!("etc/init.d/{name}"), "#!/sbin/openrc-run\n");
        let (link, target) = (
            format!("etc/runlevels/default/{name}"),
            format!("/etc/init.d/{name}"),
        );
        own.root = std::mem::take(&mut own.root).link(&link, &target);
    }
    own
}

/// An Arch with systemd-networkd.
pub(crate) fn arch() -> Machine {
    let mut own = bare("arch", ARCH, makers::mkinitcpio);
    release(&mut own, "ID=arch\nBUILD_ID=rolling\n");
    kernels(&mut own, "initramfs-", ".img");
    menus::grub(&mut own, "boot/grub/grub.cfg", "");
    own.put(
        "etc/systemd/network/20-wired.network",
        "[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n",
    );
    unit(&mut own, "systemd-networkd", "multi-user.target");
    unit(&mut own, "systemd-timesyncd", "sysinit.target");
    unit(&mut own, "hv_kvp_daemon", "multi-user.target");
    own
}

/// With the root on another file system.
pub(crate) fn on(own: &mut Machine, format: Format) {
    own.replace("etc/fstab", " ext4 ", &format!(" {} ", format.name()));
    own.format = format;
}

/// What every guest with systemd has, and both firmwares.
fn bare(vendor: &str, releases: [&'static str; 2], maker: makers::Maker) -> Machine {
    let root = Tree::default()
        .link("lib", "usr/lib")
        .link("sbin", "usr/sbin")
        .file("usr/lib/systemd/systemd", &elf(62))
        .link("usr/sbin/init", "/usr/lib/systemd/systemd");
    let fstab =
        format!("UUID={ROOT} / ext4 defaults 0 1\nUUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n");
    let mut own = Machine {
        root: root.file("etc/fstab", fstab.as_bytes()),
        format: Format::Ext4,
        root_mib: 160,
        on: On::Plain,
        esp: Some(esp(vendor)),
        label: Label::Gpt,
        boot_code: GRUB,
        active: false,
        behind: Vec::new(),
        disk_bytes: 0,
        second: Second::OfLvm,
        in_use: false,
        menu: "",
        initramfs: Default::default(),
        maker,
        releases,
        builtin: &[],
    };
    unit(&mut own, "qemu-guest-agent", "multi-user.target");
    own
}

/// An EFI system partition with what a new machine looks for.
pub(crate) fn esp(vendor: &str) -> Tree {
    let grub = efi("grub", &[Signer::Debian]);
    let first = format!(
        "search.fs_uuid {ROOT} root\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
    );
    Tree::default()
        .file("EFI/BOOT/BOOTX64.EFI", &efi("shim", BOTH))
        .file("EFI/BOOT/grubx64.efi", &grub)
        .file(&format!("EFI/{vendor}/grub.cfg"), first.as_bytes())
}

fn release(own: &mut Machine, text: &str) {
    own.put("usr/lib/os-release", text);
    own.root = std::mem::take(&mut own.root).link("etc/os-release", "../usr/lib/os-release");
}

/// Kernels with their modules and initramfs files.
fn kernels(own: &mut Machine, before: &str, after: &str) {
    for (index, release) in own.releases.into_iter().enumerate() {
        own.put(
            &format!("boot/vmlinuz-{release}"),
            kernel(release, &[Signer::Debian]),
        );
        let list = |names: &mut dyn Iterator<Item = &&str>, rest: &str| -> String {
            names
                .map(|name| format!("kernel/x/{name}.ko{rest}\n"))
                .collect()
        };
        let builtin = own.builtin;
        let mut modules = DRIVERS.iter().filter(|name| !builtin.contains(name));
        let folder = format!("usr/lib/modules/{release}");
        own.put(&format!("{folder}/modules.dep"), list(&mut modules, ":"));
        own.put(
            &format!("{folder}/modules.builtin"),
            list(&mut builtin.iter(), ""),
        );
        own.initramfs[index] = format!("boot/{before}{release}{after}");
        rebuild(own, index, "");
    }
}

/// Makes an initramfs anew, without one driver.
pub(crate) fn rebuild(own: &mut Machine, index: usize, without: &str) {
    let builtin = own.builtin;
    let modules = DRIVERS.iter().copied();
    let modules: Vec<&str> = modules
        .filter(|name| *name != without && !builtin.contains(name))
        .collect();
    let bytes = (own.maker)(own.releases[index], &modules);
    own.put(&own.initramfs[index].clone(), bytes);
}

/// A unit that is started at boot.
pub(crate) fn unit(own: &mut Machine, name: &str, target: &str) {
    own.put(
        &format!("usr/lib/systemd/system/{name}.service"),
        format!("[Service]\nExecStart=/bin/{name}\n[Install]\nWantedBy={target}\n"),
    );
    let link = format!("etc/systemd/system/{target}.wants/{name}.service");
    let unit = format!("/usr/lib/systemd/system/{name}.service");
    own.root = std::mem::take(&mut own.root).link(&link, &unit);
}

fn both_worlds(name: &str) -> String {
    format!("{name}+=\" hv_vmbus hv_storvsc hv_netvsc virtio_pci virtio_blk virtio_net ahci \"\n")
}

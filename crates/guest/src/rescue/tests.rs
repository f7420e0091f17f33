//! What is loaded, in which order, from lists as depmod writes them.

use std::collections::BTreeMap;

use detente_samples::{kernel, program};

use super::{Rescue, RescueError};
use crate::check::Profile;
use crate::guest::{Guest, Options, look};
use crate::tests::machine::Machine;

const GRUB: &[u8] = b"menuentry a { linux /boot/vmlinuz-6.1 root=UUID=R\n }\n";

/// As kmod 30 wrote it for Debian's 6.1, shortened.
const DEPENDS: &str = "kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci_modern_dev.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_pci_modern_dev.ko kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/fs/ext4/ext4.ko.zst: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko
kernel/fs/jbd2/jbd2.ko:
kernel/lib/crc16.ko:
kernel/crypto/crc32c_generic.ko:
kernel/arch/x86/crypto/crc32c-intel.ko:
kernel/drivers/ata/ahci.ko: kernel/drivers/ata/libata.ko
";
const SOFT: &[u8] = b"# Soft dependencies extracted from modules themselves.
softdep ext4 pre: crc32c
softdep virtio_pci pre: ext4 post: ahci
";
const ALIASES: &[u8] = b"# Aliases extracted from modules themselves.
alias crypto-crc32c crc32c_generic
alias crc32c crc32c-intel
alias crypto-sha1 sha1_generic
";

/// A Debian whose kernel has the modules that are listed, each with its path as content; `spoil`
/// changes its files.
fn guest(spoil: impl Fn(&mut BTreeMap<String, Vec<u8>>)) -> Guest {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut add = |path: &str, bytes: &[u8]| files.insert(path.to_owned(), bytes.to_vec());
    add("/boot/grub/grub.cfg", GRUB);
    add("/boot/vmlinuz-6.1", &kernel("6.1"));
    add("/etc/os-release", b"ID=debian\n");
    add("/sbin/init", &program(62));
    add("/lib/modules/6.1/modules.dep", DEPENDS.as_bytes());
    add("/lib/modules/6.1/modules.softdep", SOFT);
    add("/lib/modules/6.1/modules.alias", ALIASES);
    for line in DEPENDS.lines() {
        let path = line.split(':').next().unwrap();
        let elf = elf(path);
        let stored = if path.ends_with(".zst") {
            zstd::encode_all(elf.as_slice(), 3).unwrap()
        } else {
            elf
        };
        add(&format!("/lib/modules/6.1/{path}"), &stored);
    }
    spoil(&mut files);
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    let machine = Machine::new().ext4("R", &files);
    look(machine.volumes(), Options::default()).unwrap()
}

fn elf(path: &str) -> Vec<u8> {
    format!("\x7fELF {path}").into_bytes()
}

fn names(rescue: &Rescue) -> Vec<&str> {
    rescue.modules.iter().map(|module| &*module.name).collect()
}

#[test]
fn what_is_needed_stands_before_who_needs_it() {
    let rescue = guest(|_| ()).rescue(Profile::Kvm).unwrap();
    let expected = [
        // virtio_pci wants ext4 first if it can be had, and that wants a crc32c.
        "crc32c_generic",
        "crc32c_intel",
        "jbd2",
        "crc16",
        "ext4",
        "virtio",
        "virtio_pci_modern_dev",
        "virtio_ring",
        "virtio_pci",
        "virtio_blk",
    ];
    assert_eq!(names(&rescue), expected);
    assert_eq!(rescue.kernel, "6.1");
    let ext4 = &rescue.modules[4];
    assert_eq!(ext4.path, "/lib/modules/6.1/kernel/fs/ext4/ext4.ko.zst");
    assert_eq!(ext4.bytes, elf("kernel/fs/ext4/ext4.ko.zst"));
}

#[test]
fn what_is_in_the_kernel_is_not_loaded() {
    let builtin = "/lib/modules/6.1/modules.builtin";
    let rescue = guest(|files| {
        let text = "kernel/drivers/virtio/virtio_pci.ko\nkernel/fs/ext4/ext4.ko\n";
        files.insert(builtin.to_owned(), text.into());
        let list = DEPENDS
            .lines()
            .filter(|line| !line.starts_with("kernel/fs/ext4") && !line.contains("virtio_pci.ko:"));
        let list: Vec<&str> = list.collect();
        files.insert(
            "/lib/modules/6.1/modules.dep".to_owned(),
            list.join("\n").into(),
        );
    });
    let rescue = rescue.rescue(Profile::Kvm).unwrap();
    assert_eq!(names(&rescue), ["virtio", "virtio_ring", "virtio_blk"]);
}

#[test]
fn a_driver_that_the_kernel_lacks_is_named() {
    let guest = guest(|_| ());
    // The list has ahci and no sd_mod.
    let error = guest.rescue(Profile::KvmLegacy).unwrap_err();
    assert_eq!(error.to_string(), "kernel 6.1 has no driver sd_mod");
    let error = guest.rescue(Profile::HypervVmbus).unwrap_err();
    assert_eq!(error.to_string(), "kernel 6.1 has no driver hv_vmbus");
}

#[test]
fn a_module_that_is_gone_or_damaged_is_named() {
    let path = "/lib/modules/6.1/kernel/fs/ext4/ext4.ko.zst";
    let gone = guest(|files| {
        files.remove(path);
    });
    let error = gone.rescue(Profile::Kvm).unwrap_err();
    assert!(matches!(error, RescueError::NoModule { path: found } if found == path));
    let damaged = guest(|files| {
        files.get_mut(path).unwrap().truncate(10);
    });
    let error = damaged.rescue(Profile::Kvm).unwrap_err();
    assert!(matches!(error, RescueError::Packed { path: found, .. } if found == path));
}

#[test]
fn lists_that_go_round_or_lead_out_do_no_harm() {
    let text = "a.ko: b.ko\nb.ko: a.ko\n../../etc/passwd.ko:\n/lib/modules/6.1/c.ko: a.ko\n\
                softdep a pre: b c\nsoftdep c pre: a\n";
    super::exercise(text.as_bytes());
    let rescue = guest(|files| {
        let round = DEPENDS.replace(
            "virtio/virtio.ko:\n",
            "virtio/virtio.ko: block/virtio_blk.ko\n",
        );
        files.insert("/lib/modules/6.1/modules.dep".to_owned(), round.into());
    });
    let rescue = rescue.rescue(Profile::Kvm).unwrap();
    assert_eq!(rescue.modules.len(), 10, "each once");
}

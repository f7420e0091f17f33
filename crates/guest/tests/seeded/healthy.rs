//! Healthy guests: families, file systems and ways to boot.

use detente_guest::check::{Readiness, Severity};

use crate::format::Format;
use crate::judge;
use crate::machine::{Machine, On};
use crate::program::{Signer, efi};
use crate::shapes::{alpine, arch, debian, fedora, on, rhel, rhel_on_lvm, sles, ubuntu};

/// A healthy guest by its name.
type Guest = (&'static str, fn() -> Machine);

const FAMILIES: [Guest; 7] = [
    ("debian", debian),
    ("ubuntu", ubuntu),
    ("rhel", rhel),
    ("fedora", fedora),
    ("sles", sles),
    ("alpine", alpine),
    ("arch", arch),
];

/// What is made of each family.
type Variation = (&'static str, fn(Machine) -> Machine);

const VARIATIONS: [Variation; 3] = [
    ("as it comes", |own| own),
    ("by one firmware", by_one_firmware),
    ("on another file system", on_another),
];

const OTHERS: [Guest; 4] = [
    ("rhel on LVM", rhel_on_lvm),
    ("rhel on LVM, a second disk", || Machine {
        on: On::LvmWithHome,
        ..rhel_on_lvm()
    }),
    ("rhel on LVM over two disks", || Machine {
        on: On::LvmSplit,
        ..rhel_on_lvm()
    }),
    ("debian, shim with its fallback", with_fallback),
];

/// Nothing that keeps it from booting or from its network, whatever the hardware; generations of
/// Hyper-V without the firmware that starts it aside.
#[test]
fn healthy_guests_raise_no_alarm() {
    if !judge::can_make("healthy_guests_raise_no_alarm") {
        return;
    }
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (name, machine) in all() {
        count += 1;
        match judge::fitting_readiness(&machine) {
            Ok(readiness) => wrong.extend(alarms(&readiness).map(|text| format!("{name}: {text}"))),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(count >= 20, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}

fn all() -> impl Iterator<Item = (String, Machine)> {
    let families = FAMILIES.into_iter().flat_map(|(family, make)| {
        let each = VARIATIONS.into_iter();
        each.map(move |(name, vary)| (format!("{family}, {name}"), vary(make())))
    });
    let others = OTHERS
        .into_iter()
        .map(|(name, make)| (name.to_owned(), make()));
    families.chain(others)
}

fn alarms(readiness: &Readiness) -> impl Iterator<Item = String> {
    let findings = readiness.findings.iter();
    let blocking = findings.filter(|own| own.severity >= Severity::LosesNetwork);
    let unknown = readiness.not_looked_at.iter();
    let unknown = unknown.map(|gap| format!("{} was not looked at: {:?}", gap.rule, gap.why));
    let blocking = blocking.map(|own| format!("{}: {:?}", own.rule, own.evidence));
    blocking.chain(unknown)
}

/// UEFI alone, where both are there.
fn by_one_firmware(mut own: Machine) -> Machine {
    if own.esp.is_some() {
        own.boot_code = "";
    }
    own
}

fn on_another(mut own: Machine) -> Machine {
    let other = match own.format {
        Format::Ext4 | Format::Fat => Format::Btrfs,
        Format::Xfs => Format::Ext4,
        Format::Btrfs => Format::Xfs,
    };
    let now = own.format.name();
    own.replace("etc/fstab", &format!(" {now} "), " ext4 ");
    on(&mut own, other);
    own
}

/// As Red Hat has it: shim, fbx64.efi and a list of what to start.
fn with_fallback() -> Machine {
    let mut own = debian();
    own.on_esp(|esp| {
        let list: Vec<u8> = "shimx64.efi,debian,,This is the boot entry for debian\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        esp.without("EFI/BOOT/grubx64.efi")
            .file("EFI/BOOT/fbx64.efi", &efi("shim", &[Signer::Debian]))
            .file("EFI/debian/BOOTX64.CSV", &list)
    });
    own
}

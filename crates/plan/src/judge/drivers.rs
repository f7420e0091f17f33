//! Which driver a device without one would need.

use crate::protocol::InitramfsSurvey;

/// How a modalias begins, and the Linux module that drives such a device.
/// Sources: virtio 1.2 section 5 (device identities) and 4.1.2 (PCI identities); PCI class codes;
/// the Intel 82574L data sheet; Linux, include/linux/hyperv.h for the classes of the synthetic bus
/// (a modalias has a GUID's bytes as they lie in memory) and drivers/hv/vmbus_drv.c for its own.
const DRIVERS: &[(&str, &str)] = &[
    ("pci:v00001AF4", "virtio_pci"),
    ("virtio:d00000001", "virtio_net"),
    ("virtio:d00000002", "virtio_blk"),
    ("virtio:d00000003", "virtio_console"),
    ("virtio:d00000004", "virtio_rng"),
    ("virtio:d00000008", "virtio_scsi"),
    ("pci:v00008086d000010D3", "e1000e"),
    ("acpi:VMBUS:", "hv_vmbus"),
    ("acpi:VMBus:", "hv_vmbus"),
    ("vmbus:d96361baa104294db60572e2ffb1dc7f", "hv_storvsc"),
    ("vmbus:32264132cb86a2449b5c50d1417354f5", "hv_storvsc"),
    ("vmbus:635161f83edfc546913ff2d2f965ed0e", "hv_netvsc"),
];

/// PCI class 01 (storage), subclass 06 (SATA), interface 01 (AHCI), as a modalias ends.
const AHCI_CLASS: &str = "bc01sc06i01";

/// A device that no driver has taken, and the driver that would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingDriver {
    /// The device's place in sysfs.
    pub device: String,
    /// Its modalias.
    pub modalias: String,
    /// The module that it needs.
    pub module: &'static str,
    /// Whether the initramfs or the kernel holds the module (then it was there and did not serve).
    pub present: bool,
    /// Where a module would have been looked for: in the initramfs, or in the kernel alone.
    pub place: &'static str,
}

impl MissingDriver {
    /// Whether the device is a disk or its controller: PCI class 01, a virtio block or SCSI device,
    /// a synthetic SCSI controller or the bus that it is on.
    #[must_use]
    pub fn is_storage(&self) -> bool {
        let Self {
            modalias, module, ..
        } = self;
        modalias.contains("bc01")
            || matches!(
                *module,
                "virtio_blk" | "virtio_scsi" | "ahci" | "hv_storvsc" | "hv_vmbus"
            )
    }

    /// The sentence that a report shows.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self {
            device,
            modalias,
            module,
            present,
            place,
        } = self;
        if *present {
            format!(
                "device {device} ({modalias}) has no driver although {place} holds the module {module}"
            )
        } else {
            format!("device {device} ({modalias}) has no driver: {place} holds no module {module}")
        }
    }
}

/// The devices of `survey` without a driver whose driver we can name.
#[must_use]
pub fn missing_drivers(survey: &InitramfsSurvey) -> Vec<MissingDriver> {
    survey
        .orphans
        .iter()
        .filter_map(|orphan| {
            let module = module_for(&orphan.modalias)?;
            Some(MissingDriver {
                device: orphan.path.clone(),
                modalias: orphan.modalias.clone(),
                module,
                present: holds(survey, module),
                place: place(survey),
            })
        })
        .collect()
}

/// Whether a module lies in the initramfs or is built into the kernel.
pub(super) fn holds(survey: &InitramfsSurvey, module: &str) -> bool {
    survey
        .modules
        .iter()
        .chain(&survey.builtin)
        .any(|name| name == module)
}

/// Where drivers can be before there is a root.
pub(super) fn place(survey: &InitramfsSurvey) -> &'static str {
    if survey.kernel_only {
        "the guest has no initramfs, and its kernel"
    } else {
        "the initramfs"
    }
}

/// The module for a modalias.
fn module_for(modalias: &str) -> Option<&'static str> {
    if modalias.starts_with("pci:") && modalias.ends_with(AHCI_CLASS) {
        return Some("ahci");
    }
    DRIVERS
        .iter()
        .find(|(start, _)| modalias.starts_with(start))
        .map(|(_, module)| *module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(modalias: &str, expect: Option<&str>) {
        assert_eq!(module_for(modalias), expect, "{modalias}");
    }

    #[test]
    fn known_devices_have_a_driver() {
        check(
            "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc80i00",
            Some("virtio_pci"),
        );
        check("virtio:d00000002v00001AF4", Some("virtio_blk"));
        // As Debian's kernel shows the synthetic bus and a SCSI controller on it.
        check("acpi:VMBUS:", Some("hv_vmbus"));
        check("vmbus:d96361baa104294db60572e2ffb1dc7f", Some("hv_storvsc"));
        check(
            "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01",
            Some("ahci"),
        );
        check(
            "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00",
            Some("e1000e"),
        );
    }

    #[test]
    fn others_have_none_that_we_would_name() {
        check(
            "pci:v00008086d000029C0sv00001AF4sd00001100bc06sc00i00",
            None,
        );
        check("virtio:d00000099v00001AF4", None);
        check("", None);
    }
}

//! Devices that no driver has taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use detente_plan::protocol::OrphanDevice;

use super::alias::{Alias, BUSES, matches};
use crate::sysfs;

/// More devices than a bus of a virtual machine has.
const MAX_ON_BUS: usize = 4096;

/// The devices below `sys` that have a modalias and no driver. Which of them never have one
/// (host bridges) is for the host to know.
pub(crate) fn find(sys: &Path, aliases: &[Alias]) -> Vec<OrphanDevice> {
    let mut orphans = Vec::new();
    for bus in BUSES {
        let devices = sys.join("bus").join(bus).join("devices");
        for name in sysfs::names(&devices, MAX_ON_BUS) {
            let device = devices.join(&name);
            let modalias = sysfs::text(device.join("modalias"));
            if modalias.is_empty() || !is_of_interest(bus, &modalias) || is_driven(&device) {
                continue;
            }
            let candidates: BTreeSet<&str> = aliases
                .iter()
                .filter(|alias| matches(&alias.pattern, &modalias))
                .map(|alias| alias.module.as_str())
                .collect();
            orphans.push(OrphanDevice {
                path: place(sys, &device).unwrap_or(name),
                bus: bus.to_owned(),
                candidates: candidates.into_iter().map(str::to_owned).collect(),
                modalias,
            });
        }
    }
    orphans
}

/// Of ACPI's devices, most of which never have a driver, only the synthetic bus.
fn is_of_interest(bus: &str, modalias: &str) -> bool {
    bus != "acpi" || modalias.to_ascii_uppercase().starts_with("ACPI:VMBUS:")
}

/// Newer kernels drive the synthetic bus by the platform device that stands for its ACPI device.
fn is_driven(device: &Path) -> bool {
    ["driver", "physical_node/driver"]
        .iter()
        .any(|link| fs::symlink_metadata(device.join(link)).is_ok())
}

/// The path below `/sys/devices`.
fn place(sys: &Path, device: &Path) -> Option<String> {
    let whole = fs::canonicalize(device).ok()?;
    let devices = fs::canonicalize(sys.join("devices")).ok()?;
    Some(
        whole
            .strip_prefix(devices)
            .ok()?
            .to_string_lossy()
            .into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Alias, find};

    #[test]
    fn of_acpi_only_the_bus_counts_and_its_platform_device_may_be_driven() {
        let sys = tempfile::tempdir().unwrap();
        let bus = sys.path().join("bus/acpi/devices");
        for (name, modalias) in [
            ("VMBUS:00", "acpi:VMBUS:\n"),
            ("PNP0C0F:00", "acpi:PNP0C0F:\n"),
        ] {
            fs::create_dir_all(bus.join(name)).unwrap();
            fs::write(bus.join(name).join("modalias"), modalias).unwrap();
        }
        let orphans = find(sys.path(), &[]);
        assert_eq!(orphans.len(), 1);
        assert_eq!(orphans[0].modalias, "acpi:VMBUS:");

        let platform = sys.path().join("devices/platform/VMBUS:00");
        fs::create_dir_all(platform.join("driver")).unwrap();
        symlink(&platform, bus.join("VMBUS:00/physical_node")).unwrap();
        assert!(find(sys.path(), &[]).is_empty());
    }

    #[test]
    fn only_devices_without_a_driver_are_orphans() {
        let sys = tempfile::tempdir().unwrap();
        let bus = sys.path().join("bus/pci/devices");
        fs::create_dir_all(&bus).unwrap();
        for (name, driven) in [("0000:00:01.0", true), ("0000:00:02.0", false)] {
            let device = sys.path().join("devices/pci0000:00").join(name);
            fs::create_dir_all(&device).unwrap();
            fs::write(
                device.join("modalias"),
                "pci:v00001AF4d00001041sv0sd0bc02sc00i00\n",
            )
            .unwrap();
            if driven {
                symlink("../../../bus/pci/drivers/virtio-pci", device.join("driver")).unwrap();
            }
            symlink(&device, bus.join(name)).unwrap();
        }
        let alias = Alias {
            pattern: "pci:v00001AF4d*".into(),
            module: "virtio_pci".into(),
        };
        let orphans = find(sys.path(), &[alias.clone(), alias]);
        assert_eq!(orphans.len(), 1);
        assert_eq!(orphans[0].path, "pci0000:00/0000:00:02.0");
        assert_eq!(orphans[0].candidates, ["virtio_pci"]);
    }
}

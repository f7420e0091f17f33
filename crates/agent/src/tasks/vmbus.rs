//! The devices of the synthetic bus, as sysfs shows them.

use std::path::Path;

use detente_plan::protocol::{Vmbus, VmbusDevice};

use super::log_lines;
use crate::sysfs;

const MAX_DEVICES: usize = 256;
const MAX_CHANNELS: usize = 1024;

/// Lists them.
pub(super) fn run(root: &Path) -> Vmbus {
    let folder = root.join("sys/bus/vmbus/devices");
    let names = sysfs::names(&folder, MAX_DEVICES);
    Vmbus {
        devices: names
            .into_iter()
            .map(|name| device(&folder, name))
            .collect(),
        interrupts: interrupts(&sysfs::text(root.join("proc/interrupts"))),
        version: log_lines::behind("Vmbus version:"),
    }
}

fn device(folder: &Path, instance: String) -> VmbusDevice {
    let place = folder.join(&instance);
    let channels = sysfs::names(place.join("channels"), MAX_CHANNELS);
    let interrupts = channels
        .iter()
        .map(|channel| sysfs::text(place.join("channels").join(channel).join("interrupts")))
        .filter_map(|text| text.parse::<u64>().ok())
        .fold(0, u64::saturating_add);
    let class = sysfs::text(place.join("class_id"));
    VmbusDevice {
        instance,
        class: class.trim_matches(['{', '}']).to_lowercase(),
        driver: sysfs::link_name(place.join("driver")).map(|name| name.replace('-', "_")),
        channels: u32::try_from(channels.len()).unwrap_or(u32::MAX),
        interrupts,
    }
}

/// The numbers of the row that counts the hypervisor's callbacks.
fn interrupts(table: &str) -> Vec<u64> {
    let row = table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("HYP:"));
    let words = row.unwrap_or_default().split_ascii_whitespace();
    words.map_while(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_row_of_the_hypervisor_is_read() {
        let table = "           CPU0       CPU1\n  0:  9  0  IO-APIC\nHYP:         78         12   Hypervisor callback interrupts\n";
        assert_eq!(interrupts(table), [78, 12]);
        assert_eq!(interrupts(""), [0_u64; 0]);
    }

    #[test]
    fn a_device_is_its_class_driver_and_channels() {
        let root = tempfile::tempdir().unwrap();
        let place = root
            .path()
            .join("sys/bus/vmbus/devices/f8b3781a-1e82-4818-a1c3-63d806ec15bb");
        for (channel, count) in [("14", "40\n"), ("15", "2\n")] {
            let folder = place.join("channels").join(channel);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("interrupts"), count).unwrap();
        }
        let class = "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}\n";
        fs::write(place.join("class_id"), class).unwrap();
        symlink("../../../drivers/hv_storvsc", place.join("driver")).unwrap();
        let seen = run(root.path());
        let [device] = &seen.devices[..] else {
            panic!("{seen:?}");
        };
        assert_eq!(device.class, "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f");
        assert_eq!(device.driver.as_deref(), Some("hv_storvsc"));
        assert_eq!((device.channels, device.interrupts), (2, 42));
    }

    #[test]
    fn without_a_bus_nothing_is_listed() {
        let root = tempfile::tempdir().unwrap();
        let seen = run(root.path());
        assert!(seen.devices.is_empty() && seen.interrupts.is_empty());
    }
}

//! Memory, as the kernel counts it and as the firmware gave it.

use std::path::Path;

use detente_plan::protocol::Memory;

use crate::sysfs;

/// Measures below `root`, which has `proc`.
pub(super) fn run(root: &Path) -> Memory {
    let ranges = sysfs::text(root.join("proc/iomem"));
    Memory {
        total_bytes: total(&sysfs::text(root.join("proc/meminfo"))),
        system_ram_bytes: sum(&ranges, "System RAM"),
        crash_kernel_bytes: sum(&ranges, "Crash kernel"),
    }
}

/// `MemTotal`, in bytes; 0 if it cannot be read.
fn total(meminfo: &str) -> u64 {
    let value = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

/// The length of all ranges with this name. Who may not see addresses sees zeros, and so do we.
fn sum(iomem: &str, name: &str) -> u64 {
    let ranges = iomem.lines().filter_map(|line| {
        let (range, found) = line.trim().split_once(" : ")?;
        let (first, last) = range.split_once('-')?;
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let (first, last) = (hex(first)?, hex(last)?);
        (found == name && last > 0)
            .then(|| last.checked_sub(first)?.checked_add(1))
            .flatten()
    });
    ranges.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::{sum, total};

    const IOMEM: &str = "00000000-00000fff : Reserved\n\
        00001000-0009fbff : System RAM\n\
        00100000-7ffdcfff : System RAM\n  01000000-01e00fff : Kernel code\n  \
        6f000000-7effffff : Crash kernel\n";

    #[test]
    fn ranges_are_added_up() {
        assert_eq!(sum(IOMEM, "System RAM"), 0x9_ec00 + 0x7fed_d000);
        assert_eq!(sum(IOMEM, "Crash kernel"), 256 << 20);
    }

    #[test]
    fn hidden_ranges_are_nothing() {
        assert_eq!(sum("00000000-00000000 : System RAM\n", "System RAM"), 0);
    }

    #[test]
    fn spoiled_ranges_are_left_out() {
        let text = "9-1 : System RAM\nx-y : System RAM\n10 : System RAM\n0-ffffffffffffffff : System RAM\n";
        assert_eq!(sum(text, "System RAM"), 0);
    }

    #[test]
    fn the_total_is_in_bytes() {
        assert_eq!(
            total("MemTotal:        2014520 kB\nMemFree: 1 kB\n"),
            2_014_520 << 10
        );
        assert_eq!(total("MemTotal: x kB"), 0);
    }
}

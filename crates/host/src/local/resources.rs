//! Whether there is room for one more machine.

use std::path::Path;

use detente_machine::LaunchSpec;
use detente_machine::qemu::{Accelerator, TCG_CACHE_MIB};
use rustix::fs::statvfs;

use crate::HostError;

/// What QEMU needs beside the guest's memory and its translator's cache: buffers, itself.
const OVERHEAD_MIB: u64 = 256;

/// What a run writes at most, with room to spare: overlays, consoles, pictures.
pub const DISK_MIB: u64 = 1024;

const MIB: u64 = 1024 * 1024;

/// The memory that a machine wants of the host, in MiB.
#[must_use]
pub fn memory_wanted_mib(memory_mib: u64, accelerator: Accelerator) -> u64 {
    let cache = match accelerator {
        Accelerator::Kvm => 0,
        Accelerator::Tcg => TCG_CACHE_MIB,
    };
    memory_mib.saturating_add(OVERHEAD_MIB + cache)
}

pub(crate) fn check(
    spec: &LaunchSpec,
    accelerator: Accelerator,
    work: &Path,
) -> Result<(), HostError> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").map_err(|source| HostError::Io {
        action: "reading /proc/meminfo",
        source,
    })?;
    check_memory(&meminfo, memory_wanted_mib(spec.memory_mib, accelerator))?;
    let space = statvfs(work).map_err(|error| HostError::Io {
        action: "asking for the free space of the work folder",
        source: error.into(),
    })?;
    check_disk(space.f_bavail.saturating_mul(space.f_frsize) / MIB)
}

fn check_memory(meminfo: &str, needed: u64) -> Result<(), HostError> {
    // A kernel that does not say (before 3.14) is not asked twice.
    let Some(available) = available_mib(meminfo) else {
        return Ok(());
    };
    if available >= needed {
        return Ok(());
    }
    Err(HostError::Exhausted {
        resource: "memory",
        needed: format!("{needed} MiB"),
        available: format!("{available} MiB"),
        remedy: "end other programs, or run where there is more".to_owned(),
    })
}

fn available_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

fn check_disk(available: u64) -> Result<(), HostError> {
    if available >= DISK_MIB {
        return Ok(());
    }
    Err(HostError::Exhausted {
        resource: "disk space",
        needed: format!("{DISK_MIB} MiB"),
        available: format!("{available} MiB"),
        remedy: "free some in the work folder's file system, or name another folder".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{HostError, check_disk, check_memory};

    const MEMINFO: &str = "MemTotal:       24684484 kB\nMemAvailable:    2097152 kB\n";

    #[test]
    fn memory_that_is_not_there_is_refused() {
        assert!(check_memory(MEMINFO, 2048).is_ok());
        let error = check_memory(MEMINFO, 2049).unwrap_err();
        assert!(matches!(
            error,
            HostError::Exhausted {
                resource: "memory",
                ..
            }
        ));
        assert!(check_memory("MemTotal: 1 kB\n", 2049).is_ok());
    }

    #[test]
    fn a_full_disk_is_refused() {
        assert!(check_disk(1024).is_ok());
        let error = check_disk(1023).unwrap_err();
        assert!(matches!(
            error,
            HostError::Exhausted {
                resource: "disk space",
                ..
            }
        ));
    }
}

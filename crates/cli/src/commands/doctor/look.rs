//! Looking at this machine; no judgement.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use detente_block::with_causes;
use detente_host::hyperv::{HypervOptions, Route, route};
use detente_host::lab::find_kernel;
use detente_host::local::{LocalHost, LocalOptions};
use detente_host::{Host as _, HostError, HostFacts};
use rustix::fs::{Access, access, statvfs};

/// What was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) architecture: String,
    pub(crate) kernel: String,
    pub(crate) memory_available_bytes: Option<u64>,
    pub(crate) run_folder: Option<PathBuf>,
    pub(crate) disk_free_bytes: Option<u64>,
    pub(crate) kvm: KvmNode,
    pub(crate) qemu: Qemu,
    pub(crate) hyperv: Hyperv,
}

/// The way to the Hyper-V-compatible machine.
#[derive(Debug)]
pub(crate) struct Hyperv {
    /// Which way a validation takes, and why.
    pub(crate) route: Route,
    /// The lab's kernel, in words, or why there is none.
    pub(crate) kernel: Result<String, String>,
}

/// Where to look.
#[derive(Debug)]
pub(crate) struct Places {
    /// Where programs are.
    pub(crate) folders: Vec<PathBuf>,
    /// Where runs are kept.
    pub(crate) runs: Option<PathBuf>,
    /// Our cache.
    pub(crate) cache: Option<PathBuf>,
}

/// `/dev/kvm`, for the remedy only: whether it works is proved otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KvmNode {
    Absent,
    /// There, and not for this user.
    Closed,
    Open,
}

/// The QEMU of this machine.
#[derive(Debug)]
pub(crate) enum Qemu {
    /// There is none; how the search put it.
    Missing(String),
    /// There is one, and it does not work.
    Broken(String),
    /// It works.
    Works {
        facts: Box<HostFacts>,
        /// The devices that it has, or why it does not say.
        devices: Result<BTreeSet<String>, String>,
    },
}

/// Looks at everything.
pub(crate) fn look(places: Places) -> Seen {
    let Places {
        folders,
        runs: run_folder,
        cache,
    } = places;
    let system = rustix::system::uname();
    Seen {
        architecture: system.machine().to_string_lossy().into_owned(),
        kernel: system.release().to_string_lossy().into_owned(),
        memory_available_bytes: std::fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| memory_available(&text)),
        disk_free_bytes: run_folder.as_deref().and_then(disk_free),
        run_folder,
        kvm: kvm_node(Path::new("/dev/kvm")),
        hyperv: hyperv(&folders, cache),
        qemu: qemu(folders),
    }
}

fn hyperv(folders: &[PathBuf], cache: Option<PathBuf>) -> Hyperv {
    let options = HypervOptions {
        folders: folders.to_vec(),
        ..HypervOptions::default()
    };
    // Without a cache a kernel of this host's own is found all the same.
    let cache = cache.unwrap_or_default();
    Hyperv {
        route: route(&options),
        kernel: find_kernel(&cache)
            .map(|kernel| format!("Linux {} ({})", kernel.release, kernel.origin))
            .map_err(|error| match error {
                HostError::Missing { what, .. } => what,
                error => with_causes(&error),
            }),
    }
}

fn qemu(folders: Vec<PathBuf>) -> Qemu {
    let options = LocalOptions {
        folders,
        ..LocalOptions::default()
    };
    match LocalHost::find(&options) {
        Ok(host) => Qemu::Works {
            devices: host.devices().map_err(|error| with_causes(&error)),
            facts: Box::new(host.facts().clone()),
        },
        Err(error @ HostError::Missing { .. }) => Qemu::Missing(with_causes(&error)),
        Err(error) => Qemu::Broken(with_causes(&error)),
    }
}

/// `MemAvailable`, in bytes.
fn memory_available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// What is free where `folder` is, or would be made.
fn disk_free(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    let space = statvfs(there).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

fn kvm_node(path: &Path) -> KvmNode {
    if !path.exists() {
        return KvmNode::Absent;
    }
    match access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => KvmNode::Open,
        Err(_) => KvmNode::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_in_bytes() {
        let text = "MemTotal: 9 kB\nMemAvailable:   2097152 kB\n";
        assert_eq!(memory_available(text), Some(2 << 30));
        assert_eq!(memory_available("MemAvailable: x kB\n"), None);
        assert_eq!(
            memory_available("MemAvailable: 18446744073709551615 kB"),
            None
        );
        assert_eq!(memory_available(""), None);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_measured_where_it_would_be() {
        let place = tempfile::tempdir().unwrap();
        assert!(disk_free(&place.path().join("a/b/c")).is_some());
    }

    #[test]
    fn a_node_that_is_not_there_is_absent() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(kvm_node(&place.path().join("kvm")), KvmNode::Absent);
        assert_eq!(kvm_node(place.path()), KvmNode::Open);
    }

    #[test]
    fn without_a_program_qemu_is_missing_or_where_red_hat_keeps_it() {
        let place = tempfile::tempdir().unwrap();
        let found = qemu(vec![place.path().to_owned()]);
        let red_hat = Path::new("/usr/libexec/qemu-kvm").exists();
        assert!(red_hat || matches!(found, Qemu::Missing(_)), "{found:?}");
    }
}

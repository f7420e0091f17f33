//! Whose doing it is that a file differs: `undo` names every difference that it did not make.

use serde::{Deserialize, Serialize};

use super::Journal;

/// Whose doing a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// `prepare`: the journal has it.
    Prepare,
    /// The guest's: logs.
    Logs,
    /// The guest's: who it is, which it makes up at its first boot.
    Identity,
    /// The guest's: what it seeds its random numbers with.
    RandomSeed,
    /// The guest's: what its services remember from boot to boot.
    ServiceState,
    /// The guest's: what its boot loader remembers.
    LoaderState,
    /// The guest's: what the programs that prepared it remember.
    ToolState,
    /// The guest's: what can be made anew at any time.
    Cache,
    /// The guest's, of no kind that is known.
    Other,
}

impl Whose {
    /// Whose doing it is that the file of this path differs.
    #[must_use]
    pub fn of(path: &str, journal: &Journal) -> Self {
        if is_changed(journal, path) {
            return Self::Prepare;
        }
        let fits = |own: &&(&str, Self)| {
            let folder = own.0.strip_suffix('/');
            path.starts_with(own.0) || folder == Some(path)
        };
        let found = KNOWN.iter().find(fits);
        found.map_or(Self::Other, |(_, whose)| *whose)
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Prepare => "changed by prepare",
            Self::Logs => "the guest's own: logs",
            Self::Identity => "the guest's own: its identity",
            Self::RandomSeed => "the guest's own: random seed",
            Self::ServiceState => "the guest's own: state of services",
            Self::LoaderState => "the guest's own: state of the boot loader",
            Self::ToolState => "the guest's own: state of its tools",
            Self::Cache => "the guest's own: caches",
            Self::Other => "the guest's own",
        }
    }
}

/// What begins a path, or is all of it, and whose such a path is. The first one that fits counts.
const KNOWN: &[(&str, Whose)] = &[
    ("/var/log/", Whose::Logs),
    ("/run/log/", Whose::Logs),
    ("/etc/machine-id", Whose::Identity),
    ("/var/lib/dbus/machine-id", Whose::Identity),
    ("/etc/ssh/ssh_host_", Whose::Identity),
    ("/var/lib/systemd/random-seed", Whose::RandomSeed),
    ("/var/lib/systemd/credential.secret", Whose::Identity),
    ("/var/lib/urandom/", Whose::RandomSeed),
    ("/var/lib/seedrng/", Whose::RandomSeed),
    ("/var/lib/misc/random-seed", Whose::RandomSeed),
    ("/var/lib/random-seed", Whose::RandomSeed),
    ("/boot/efi/loader/random-seed", Whose::RandomSeed),
    ("/boot/loader/random-seed", Whose::RandomSeed),
    ("/efi/loader/random-seed", Whose::RandomSeed),
    ("/boot/grub2/grubenv", Whose::LoaderState),
    ("/boot/grub/grubenv", Whose::LoaderState),
    ("/boot/efi/EFI/", Whose::LoaderState),
    ("/var/lib/initramfs-tools/", Whose::ToolState),
    ("/var/lib/kdump/", Whose::ToolState),
    ("/var/lib/dpkg/", Whose::ToolState),
    ("/var/lib/rpm/", Whose::ToolState),
    ("/usr/lib/sysimage/rpm/", Whose::ToolState),
    ("/etc/lvm/", Whose::ToolState),
    ("/usr/lib/modules/", Whose::ToolState),
    ("/lib/modules/", Whose::ToolState),
    ("/var/cache/", Whose::Cache),
    ("/var/tmp/", Whose::Cache),
    ("/tmp/", Whose::Cache),
    ("/etc/ld.so.cache", Whose::Cache),
    ("/etc/udev/hwdb.bin", Whose::Cache),
    ("/var/lib/apt/", Whose::Cache),
    ("/var/lib/dnf/", Whose::Cache),
    ("/var/lib/", Whose::ServiceState),
    ("/var/spool/", Whose::ServiceState),
    ("/var/run/", Whose::ServiceState),
    ("/run/", Whose::ServiceState),
    ("/etc/resolv.conf", Whose::ServiceState),
    ("/etc/adjtime", Whose::ServiceState),
    ("/etc/mtab", Whose::ServiceState),
    ("/etc/.updated", Whose::ServiceState),
    ("/var/.updated", Whose::ServiceState),
];

/// Whether prepare changed a file, or may have made a folder for one.
fn is_changed(journal: &Journal, path: &str) -> bool {
    journal.files.iter().any(|file| {
        let rest = file.path.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::{ChangedFile, FileState, JOURNAL_SCHEMA, PLAN_SCHEMA, Plan};

    #[test]
    fn each_difference_has_an_author() {
        let journal = Journal {
            schema: JOURNAL_SCHEMA.to_owned(),
            tool: "0".to_owned(),
            source: Vec::new(),
            output: Vec::new(),
            plan: Plan {
                schema: PLAN_SCHEMA.to_owned(),
                profiles: Vec::new(),
                steps: Vec::new(),
                left: Vec::new(),
            },
            results: Vec::new(),
            files: vec![ChangedFile {
                path: "/etc/dracut.conf.d/90-detente.conf".to_owned(),
                steps: Vec::new(),
                before: FileState::Absent,
                after: FileState::Absent,
                blob: None,
            }],
            tree_sha256: None,
        };
        let check =
            |path: &str, expect: Whose| assert_eq!(Whose::of(path, &journal), expect, "{path}");
        check("/etc/dracut.conf.d/90-detente.conf", Whose::Prepare);
        check("/etc/dracut.conf.d", Whose::Prepare);
        check("/etc/dracut.conf", Whose::Other);
        check("/var/log", Whose::Logs);
        check("/var/log/journal/1/system.journal", Whose::Logs);
        check("/var/logs", Whose::Other);
        check("/etc/machine-id", Whose::Identity);
        check("/var/lib/systemd/random-seed", Whose::RandomSeed);
        check(
            "/var/lib/systemd/timers/stamp-fstrim.timer",
            Whose::ServiceState,
        );
        check("/boot/grub2/grubenv", Whose::LoaderState);
        check("/srv/data", Whose::Other);
    }
}

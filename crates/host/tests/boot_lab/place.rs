//! Where the test finds its guests and its lab.

use std::path::{Path, PathBuf};
use std::time::Duration;

use detente_host::HostError;
use detente_host::hyperv::Shown;
use detente_host::lab::{LabHost, LabOptions, Programs, warm};

/// The memory of each guest.
pub(crate) const GUEST_MEMORY_MIB: u64 = 512;

/// `USER_HZ`, which is the same for every x86 kernel (proc(5)).
const TICKS_PER_SECOND: u64 = 100;

/// Images, folders, and where programs are.
pub(crate) struct Place {
    images: PathBuf,
    runtime: PathBuf,
    folders: Vec<PathBuf>,
}

/// A lab that goes when this is dropped.
pub(crate) struct WarmLab<'a> {
    place: &'a Place,
    process: PathBuf,
}

impl Place {
    /// `None`, said aloud, where something is missing.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let place = Self {
            images: repository.join("target/images"),
            // Always the same: a lab that a killed test left there is ended by the next.
            runtime: Path::new(env!("CARGO_TARGET_TMPDIR")).join("boot_lab"),
            folders: std::env::split_paths(&path).collect(),
        };
        match place.host(Shown::default()) {
            Ok(_) => Some(place),
            Err(HostError::Missing { what, .. }) => {
                eprintln!("skipped: {test}: {what} is missing");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Whether a tiny guest is there; it is said aloud if not.
    pub(crate) fn has(&self, test: &str, guest: &str) -> bool {
        let there = self.guest(guest, "kernel").exists();
        if !there {
            eprintln!("skipped: {test}: {guest} is not there (cargo xtask images makes it)");
        }
        there
    }

    /// A file of a tiny guest.
    pub(crate) fn guest(&self, guest: &str, file: &str) -> PathBuf {
        self.images.join(guest).join(file)
    }

    /// The lab, whose machines show what is wanted. This host's own KVM is left alone, so that the
    /// test is the same everywhere.
    pub(crate) fn host(&self, shown: Shown) -> Result<LabHost, HostError> {
        LabHost::find(&LabOptions {
            folders: self.folders.clone(),
            runtime: self.runtime.clone(),
            cache: self.images.join("cache/detente"),
            programs: Programs::embedded(),
            shown,
            because: "the test wants it".to_owned(),
        })
    }

    /// Boots a lab that stays until the test ends.
    pub(crate) fn lab_up(&self) -> WarmLab<'_> {
        warm::down(&self.runtime).unwrap();
        let host = self.host(Shown::default()).unwrap();
        let up = warm::up(&host, GUEST_MEMORY_MIB).unwrap();
        assert!(matches!(up, warm::Up::Booted(_)), "{up:?}");
        let process = process_in(&self.runtime.join("lab"));
        WarmLab {
            place: self,
            process,
        }
    }
}

impl WarmLab<'_> {
    /// What QEMU and its children used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(self.process.join("stat")).unwrap();
        // The name, in parentheses, may hold blanks; the state follows it as field 3.
        let (_, rest) = text.rsplit_once(')').unwrap();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks: u64 = fields[11..15]
            .iter()
            .map(|field| field.parse::<u64>().unwrap())
            .sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }
}

impl Drop for WarmLab<'_> {
    fn drop(&mut self) {
        if let Err(error) = warm::down(&self.place.runtime) {
            eprintln!("the lab did not end: {error}");
        }
    }
}

/// The process that works in a folder.
fn process_in(folder: &Path) -> PathBuf {
    let folder = folder.canonicalize().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder))
        .expect("QEMU works in the lab's folder")
}

//! Preparing within a folder that is not whole yet: its files and its journal are named for where
//! they will be.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_guest::prepare::JOURNAL_FILE;
use detente_validate::prepare::{
    Destination, PrepareEvent, PrepareObserver, PrepareOutcome, read_journal,
};

use super::live::Live;
use super::one::Wanted;
use super::{done, failure, hosts};
use crate::failure::Failure;
use crate::output::Output;

/// A disk as it will be.
pub(in crate::commands) struct Final {
    pub(in crate::commands) path: PathBuf,
    /// Its format, as documents name it, where it is another one.
    pub(in crate::commands) format: Option<&'static str>,
}

/// Nobody looks on.
struct Unseen;

impl PrepareObserver for Unseen {
    fn event(&mut self, _event: &PrepareEvent<'_>) {}
}

/// Prepares; what happens meanwhile goes to `out`, if it is given.
pub(in crate::commands) fn prepare(
    wanted: &Wanted,
    destination: Destination,
    cancel: &Arc<AtomicBool>,
    out: Option<&mut Output>,
) -> Result<PrepareOutcome, Failure> {
    let looked = wanted.look()?;
    let hosts = hosts::Found::new(wanted.acceleration);
    match out {
        Some(out) => {
            let mut live = Live::new(out);
            live.begin(&looked.guest, &looked.plan);
            wanted.carry_out(looked, destination, &hosts, cancel, &mut live)
        }
        None => wanted.carry_out(looked, destination, &hosts, cancel, &mut Unseen),
    }
}

/// The exit code of `detente prepare` for it.
pub(in crate::commands) fn code(outcome: &PrepareOutcome) -> u8 {
    done::code(outcome, None)
}

/// Has the journal in a folder say where its disks will be.
pub(in crate::commands) fn settle_journal(folder: &Path, disks: &[Final]) -> Result<(), Failure> {
    let mut journal = read_journal(folder).map_err(failure)?;
    for (own, disk) in journal.output.iter_mut().zip(disks) {
        own.path = disk.path.display().to_string();
        if let Some(format) = disk.format {
            format.clone_into(&mut own.format);
        }
    }
    let mut text = serde_json::to_vec_pretty(&journal).expect("journals are JSON");
    text.push(b'\n');
    let path = folder.join(JOURNAL_FILE);
    let write = || {
        let mut file = File::create(&path)?;
        file.write_all(&text)?;
        file.sync_all()
    };
    write().map_err(|error| {
        let error = anyhow::Error::new(error).context(path.display().to_string());
        Failure::cannot_tell(error, None)
    })
}

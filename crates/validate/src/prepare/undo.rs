//! Takes back what was done: the old files are put back by a boot of the same kind, and compared
//! with what they were from outside.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use detente_guest::Guest;
use detente_guest::prepare::{
    ChangedFile, FileState, JOURNAL_FILE, JOURNAL_SCHEMA, Journal, TREE_FILE, Whose,
};
use detente_plan::protocol::GuestPath;

use super::attempt::Changed;
use super::disks::{self, Made, Sources};
use super::error::PrepareError;
use super::files::state;
use super::jobs::{JobMaker, guest_path};
use super::machines::{self, Order};
use super::observer::{PrepareEvent, PrepareObserver};
use super::outcome::{Action, Differences, MachineUsed, PrepareOutcome, RESULT_SCHEMA, Took};
use super::outputs::Outputs;
use super::request::UndoRequest;
use super::result::Looked;
use super::tree;
use super::work::WorkFolder;
use crate::limits::ms;
use crate::payload::PayloadWriter;

/// A journal names files and a plan.
const MAX_JOURNAL_BYTES: u64 = 64 << 20;

/// Reads a journal out of its folder.
///
/// # Errors
/// [`PrepareError::Journal`], [`PrepareError::Read`].
pub fn read_journal(folder: &Path) -> Result<Journal, PrepareError> {
    let path = folder.join(JOURNAL_FILE);
    let wrong = |why: String| PrepareError::Journal {
        path: path.clone(),
        why,
    };
    let unread = |source| PrepareError::Read {
        path: path.clone(),
        source,
    };
    let len = std::fs::metadata(&path).map_err(unread)?.len();
    if len > MAX_JOURNAL_BYTES {
        return Err(wrong(format!("it has {len} bytes")));
    }
    let text = std::fs::read(&path).map_err(unread)?;
    let journal: Journal =
        serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    if journal.schema != JOURNAL_SCHEMA {
        return Err(wrong(format!(
            "its schema is {}, and {JOURNAL_SCHEMA} is what is read",
            journal.schema
        )));
    }
    Ok(journal)
}

/// Takes back what a journal says. Refused if the disks are not those that it was written for.
///
/// # Errors
/// [`PrepareError`]; the disks are then what they were.
pub fn undo(
    request: UndoRequest<'_>,
    observer: &mut dyn PrepareObserver,
) -> Result<PrepareOutcome, PrepareError> {
    let begun = Instant::now();
    let outputs = Outputs::plan_undo(&request.disks, &request.with.destination)?;
    observer.event(&PrepareEvent::Doing {
        text: "comparing the disks with the journal",
    });
    refuse_changed(&request)?;
    let work = disks::work_folder(&outputs)?;
    let (changed, used) = put_back(&request, &work, observer)?;

    let looking = Instant::now();
    observer.event(&PrepareEvent::Doing {
        text: "comparing the result with the source",
    });
    let looked = Looked::at(&request.disks, &changed.overlays, request.guest)?;
    refuse_different(&request.journal.files, &looked.guest)?;
    let differences = differences(&request, &looked.guest)?;
    let readiness = looked.readiness(&request.journal.plan.profiles);
    let check_ms = ms(looking.elapsed());

    let writing = Instant::now();
    let made: Made = disks::write(&looked, &outputs, &work, &request.with.interrupt, observer)?;
    disks::publish(&outputs, &work, None)?;
    drop(work);
    Ok(PrepareOutcome {
        schema: RESULT_SCHEMA,
        action: Action::Undone,
        machine: Some(used),
        steps: changed.results,
        disks: made.described(&request.disks, &outputs),
        journal: None,
        readiness: readiness.profiles,
        still_broken: Vec::new(),
        left: Vec::new(),
        differences,
        took: Took {
            boot_ms: changed.boot_ms,
            steps_ms: changed.steps_ms,
            shutdown_ms: changed.shutdown_ms,
            check_ms,
            write_ms: ms(writing.elapsed()),
            total_ms: ms(begun.elapsed()),
        },
    })
}

/// Whatever was written to a disk since would be lost, or be mixed with what is put back.
fn refuse_changed(request: &UndoRequest<'_>) -> Result<(), PrepareError> {
    let output = &request.journal.output;
    if output.len() != request.disks.len() {
        return Err(PrepareError::Journal {
            path: request.folder.clone(),
            why: format!(
                "it is of {} disks, and {} are given",
                output.len(),
                request.disks.len()
            ),
        });
    }
    let now = Sources::digest(&request.disks).finish(&request.disks, &request.with.interrupt)?;
    for ((wanted, found), disk) in output.iter().zip(now).zip(&request.disks) {
        if wanted.content_digest != found.content_digest {
            return Err(PrepareError::Changed {
                path: disk.path.clone(),
                found: found.content_digest,
                wanted: wanted.content_digest.clone(),
            });
        }
    }
    Ok(())
}

/// Boots the guest and puts the old files back.
fn put_back(
    request: &UndoRequest<'_>,
    work: &WorkFolder,
    observer: &mut dyn PrepareObserver,
) -> Result<(Changed, MachineUsed), PrepareError> {
    let run_id = disks::run_id()?;
    let mut maker = JobMaker {
        guest: request.guest,
        packages: &[],
        payload: PayloadWriter::create(&work.path().join("payload.raw"), &run_id)?,
    };
    let folders = folders(request)?;
    let jobs = maker.undo(&request.journal, &request.folder, folders.as_ref())?;
    let order = Order {
        disks: &request.disks,
        guest: request.guest,
        jobs: &jobs,
        payload: maker.payload.finish()?,
        places: places(&request.journal.files)?,
        run_id,
        plan_digest: disks::digest_of(&request.journal.plan)?,
        with: &request.with,
        work,
    };
    machines::change(&order, observer)
}

/// The folders that were there before, if a listing was made.
fn folders(request: &UndoRequest<'_>) -> Result<Option<BTreeSet<String>>, PrepareError> {
    if request.journal.tree_sha256.is_none() {
        return Ok(None);
    }
    let path = request.folder.join(TREE_FILE);
    let read = || tree::folders(&mut BufReader::new(File::open(&path)?));
    let found = read().map_err(|source| PrepareError::Read {
        path: path.clone(),
        source,
    });
    found.map(Some)
}

fn places(files: &[ChangedFile]) -> Result<Vec<(GuestPath, u64)>, PrepareError> {
    let place = |file: &ChangedFile| {
        let len = match &file.before {
            FileState::File(facts) => facts.len_bytes,
            FileState::Absent | FileState::Link { .. } | FileState::Other => 0,
        };
        Ok((guest_path(&file.path)?, len))
    };
    files.iter().map(place).collect()
}

/// Every file that was changed has to be what it was, by its bytes.
fn refuse_different(files: &[ChangedFile], guest: &Guest) -> Result<(), PrepareError> {
    let tree = guest.tree();
    for file in files {
        let path = file.path.clone();
        let now = state(&*tree, &path).map_err(|source| PrepareError::GuestFile {
            path: path.clone(),
            source,
        })?;
        if !now.is_same(&file.before) {
            return Err(PrepareError::NotPutBack { path });
        }
    }
    Ok(())
}

/// Where the tree differs from that of the source: what booting has changed.
fn differences(
    request: &UndoRequest<'_>,
    guest: &Guest,
) -> Result<Option<Differences>, PrepareError> {
    if request.journal.tree_sha256.is_none() {
        return Ok(None);
    }
    let path = request.folder.join(TREE_FILE);
    let read = || {
        let listing = File::open(&path)?;
        let hurry = AtomicBool::new(false);
        tree::compare(
            &mut BufReader::new(listing),
            &*guest.tree(),
            &hurry,
            &|path| Whose::of(path, &request.journal),
        )
    };
    let found = read().map_err(|source| PrepareError::Read {
        path: path.clone(),
        source,
    })?;
    Ok(Some(found))
}

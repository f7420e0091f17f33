//! SNP-05, SNP-02: the state of the machine is kept and found again; a snapshot of a disk.

use std::path::Path;
use std::time::Duration;

use detente_disk::{Format, OverlaySpec, empty_overlay};
use detente_evidence::Outcome;
use detente_host::{HostError, Operation};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, Restored, Snapshot};
use detente_plan::protocol::{Observation, Task};

use super::guest_agent::{Freezing, freeze, thaw};
use super::operating::{Step, found, operate};
use super::pause::reading;
use crate::cases::group::observe;
use crate::cases::{Context, Found, interrupted};
use crate::guest_disks::{RootDisk, above, snapshot_root};
use crate::limits::ms;
use crate::session::{NoAnswer, Session};

/// How long the guest goes on before it is told to go back.
const GOING_ON: Duration = Duration::from_secs(4);

/// What is written to the root disk afterwards.
const WRITTEN_BYTES: u64 = 1 << 20;

/// SNP-05: kept, gone on, gone back.
pub(crate) fn restored(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Snp05);
    let disks = context.disks.count;
    let talk = |session: &mut Session| -> Step<Finding> {
        let begun = session.elapsed();
        operate(session, &Operation::SaveState { disks })?;
        let save_ms = ms(session.elapsed().saturating_sub(begun));
        let kept_ms = reading(session, limit)?.guest.monotonic_ms;
        session.wait(GOING_ON, |_| None::<()>)?;
        let later_ms = reading(session, limit)?.guest.monotonic_ms;
        let begun = session.elapsed();
        operate(session, &Operation::RestoreState { disks })?;
        let restore_ms = ms(session.elapsed().saturating_sub(begun));
        let back_ms = reading(session, limit)?.guest.monotonic_ms;
        Ok(judge::snp05(&Restored {
            kept_ms,
            later_ms,
            back_ms,
            save_ms,
            restore_ms,
            not_written: not_written(context, session, limit)?,
        }))
    };
    found(talk(session))
}

/// SNP-02: a snapshot while the guest runs.
pub(crate) fn snapshot(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Snp02);
    let talk = |session: &mut Session| -> Step<Finding> {
        let Some(root) = &context.disks.root else {
            let message = "the guest's root is not on one disk alone";
            return Err(Finding::plain(Outcome::NotRun, "no_single_disk", message).into());
        };
        let overlay = empty_above(root)?;
        let empty_bytes = len(&overlay)?;
        let frozen = freeze(session, limit)?;
        let taken = operate(
            session,
            &Operation::Snapshot {
                disk: root.number,
                overlay: overlay.clone(),
            },
        );
        // Whatever came of it, the guest goes on.
        let not_thawed = thaw(session, &frozen, limit)?;
        taken?;
        let at_first = state_of(&root.overlay)?;
        let not_written = not_written(context, session, limit)?;
        Ok(judge::snp02(&Snapshot {
            frozen: match frozen {
                Freezing::Frozen => Ok(()),
                Freezing::NotFrozen(why) => Err(why),
            },
            not_thawed,
            below: [at_first, state_of(&root.overlay)?],
            above_bytes: len(&overlay)?,
            empty_bytes,
            not_written,
            root: snapshot_root(root),
        }))
    };
    found(talk(session))
}

/// Why the root disk cannot be written and read back, if it cannot.
fn not_written(
    context: &Context<'_>,
    session: &mut Session,
    limit: Duration,
) -> Step<Option<String>> {
    let task = Task::ExerciseRootDisk {
        bytes: WRITTEN_BYTES,
        seed: context.seed,
    };
    match observe(session, task, limit)? {
        Ok(Observation::RootDisk(disk)) if disk.written_sha256 == disk.read_sha256 => Ok(None),
        Ok(_) => Ok(Some("what was written did not come back".to_owned())),
        Err(NoAnswer::Failed(why) | NoAnswer::Died(why) | NoAnswer::Silent(why)) => Ok(Some(why)),
        Err(NoAnswer::Interrupted) => Err(interrupted().into()),
    }
}

/// An overlay above the one that takes the root disk's writes now.
fn empty_above(root: &RootDisk) -> Step<std::path::PathBuf> {
    let below =
        std::path::absolute(&root.overlay).map_err(|error| broken(&root.overlay, &error))?;
    let bytes = empty_overlay(&OverlaySpec {
        virtual_size: root.len_bytes,
        backing_path: below.to_string_lossy().into_owned(),
        backing_format: Format::Qcow2,
    })
    .map_err(|error| Finding::plain(Outcome::Error, "host_file", error.to_string()))?;
    let path = above(&root.overlay);
    std::fs::write(&path, bytes).map_err(|error| broken(&path, &error))?;
    Ok(path)
}

fn len(path: &Path) -> Step<u64> {
    let metadata = std::fs::metadata(path).map_err(|error| broken(path, &error))?;
    Ok(metadata.len())
}

/// What changes with every write to a file: its length, and when it was written last.
fn state_of(path: &Path) -> Step<String> {
    let metadata = std::fs::metadata(path).map_err(|error| broken(path, &error))?;
    let written = metadata.modified().map_err(|error| broken(path, &error))?;
    Ok(format!("{} bytes of {written:?}", metadata.len()))
}

fn broken(path: &Path, error: &std::io::Error) -> Finding {
    let message = format!("{}: {error}", path.display());
    Finding::plain(Outcome::Error, "host_file", message)
}

//! STO-02, STO-03, STO-04, STO-14: disks that come, grow, give back, refuse, and go.

use std::path::PathBuf;
use std::time::Duration;

use detente_host::{DiskSource, HostError, Operation};
use detente_plan::CaseId;
use detente_plan::judge::{self, DiscardedDisk, Finding, GrownDisk, HotDisk};
use detente_plan::protocol::{DiskStep, DiskUsed, Observation, Task, UseDisk};

use super::file::{filled, sha256, sparse};
use super::operating::{Step, ask, found, let_go, number, operate};
use crate::cases::{Context, Found};
use crate::limits::ms;
use crate::session::Session;

/// The slots, one for each: a guest that does not let go of one must not fail the others.
pub(super) const HOT_SLOT: u8 = 0;
pub(super) const GROWING_SLOT: u8 = 1;
pub(super) const DISCARDED_SLOT: u8 = 2;
pub(super) const READ_ONLY_SLOT: u8 = 3;

const MIB: u64 = 1 << 20;
/// How long the disks are, and how long the one that grows becomes: half as much more.
const LEN_BYTES: u64 = 16 * MIB;
const GROWN_BYTES: u64 = 24 * MIB;
/// How much of them is written.
const WRITTEN_BYTES: u64 = 8 * MIB;
/// How much is put on the disk that may only be read.
const CONTENT_BYTES: usize = 1 << 20;

/// A disk that a case plugs in.
struct Plugged<'a> {
    /// What it is called, and its serial number.
    name: &'static str,
    file: PathBuf,
    slot: u8,
    read_only: bool,
    context: &'a Context<'a>,
    case: CaseId,
}

impl Plugged<'_> {
    fn limit(&self) -> Duration {
        self.context.limit(self.case)
    }

    fn plug(&self, session: &mut Session) -> Step<()> {
        operate(
            session,
            &Operation::PlugDisk {
                name: self.name.to_owned(),
                source: DiskSource::File(self.file.clone()),
                read_only: self.read_only,
                discards: true,
                serial: self.name.to_owned(),
                slot: self.slot,
            },
        )?;
        Ok(())
    }

    /// Has the agent do a step with it.
    fn used(&self, session: &mut Session, step: DiskStep) -> Step<DiskUsed> {
        let order = UseDisk {
            serial: self.name.to_owned(),
            wait_ms: ms(self.limit()),
            step,
        };
        // The waiting has the limit; writing and reading need their own time.
        let limit = self.limit().saturating_mul(2);
        ask(session, Task::UseDisk(order), limit, |seen| match seen {
            Observation::DiskUsed(used) => Some(used),
            _ => None,
        })
    }

    /// Writes a part of it and reads that back.
    fn written(&self, session: &mut Session) -> Step<DiskUsed> {
        let step = DiskStep::Write {
            bytes: WRITTEN_BYTES,
            seed: self.context.seed,
        };
        self.used(session, step)
    }

    /// Takes it away; whether the guest let go of it.
    fn unplug(&self, session: &mut Session) -> Step<bool> {
        let name = self.name.to_owned();
        operate(session, &Operation::UnplugDisk { name: name.clone() })?;
        let gone = let_go(session, self.name, self.limit())?;
        if gone {
            operate(session, &Operation::ForgetDisk { name })?;
        }
        Ok(gone)
    }

    fn stored(&self, session: &mut Session) -> Step<u64> {
        let name = self.name.to_owned();
        number(session, &Operation::ReadStored { name })
    }
}

/// A sparse disk.
fn empty<'a>(
    context: &'a Context<'a>,
    case: CaseId,
    name: &'static str,
    slot: u8,
) -> Step<Plugged<'a>> {
    Ok(Plugged {
        name,
        file: sparse(context.work, name, LEN_BYTES)?,
        slot,
        read_only: false,
        context,
        case,
    })
}

/// STO-02: plugged in, written, taken away.
pub(crate) fn hot_disk(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let talk = |session: &mut Session| -> Step<Finding> {
        let disk = empty(context, CaseId::Sto02, "detente-hot", HOT_SLOT)?;
        disk.plug(session)?;
        let used = disk.written(session)?;
        let mut seen = HotDisk {
            used,
            ..HotDisk::default()
        };
        if seen.used.disk.is_some() {
            seen.let_go = disk.unplug(session)?;
            seen.gone = disk.used(session, DiskStep::AwaitGone)?;
            seen.on_host_sha256 = sha256(&disk.file, WRITTEN_BYTES)?;
        }
        Ok(judge::sto02(&seen, LEN_BYTES, ms(disk.limit())))
    };
    found(talk(session))
}

/// STO-03: grown while it is there.
pub(crate) fn growing_disk(
    context: &Context<'_>,
    session: &mut Session,
) -> Result<Found, HostError> {
    let talk = |session: &mut Session| -> Step<Finding> {
        let disk = empty(context, CaseId::Sto03, "detente-growing", GROWING_SLOT)?;
        disk.plug(session)?;
        let before = disk.written(session)?;
        let mut seen = GrownDisk {
            before,
            ..GrownDisk::default()
        };
        if seen.before.disk.is_some() {
            let (name, bytes) = (disk.name.to_owned(), GROWN_BYTES);
            operate(session, &Operation::GrowDisk { name, bytes })?;
            let step = DiskStep::Read {
                bytes: WRITTEN_BYTES,
                at_least_bytes: GROWN_BYTES,
            };
            seen.after = disk.used(session, step)?;
        }
        Ok(judge::sto03(&seen, LEN_BYTES, GROWN_BYTES))
    };
    found(talk(session))
}

/// STO-04: filled, and discarded.
pub(crate) fn discarded_disk(
    context: &Context<'_>,
    session: &mut Session,
) -> Result<Found, HostError> {
    let talk = |session: &mut Session| -> Step<Finding> {
        let disk = empty(context, CaseId::Sto04, "detente-discarded", DISCARDED_SLOT)?;
        disk.plug(session)?;
        let empty = disk.used(
            session,
            DiskStep::Read {
                bytes: 0,
                at_least_bytes: LEN_BYTES,
            },
        )?;
        if empty.disk.is_none() {
            let seen = DiscardedDisk {
                filled: empty,
                ..DiscardedDisk::default()
            };
            return Ok(judge::sto04(&seen, LEN_BYTES, WRITTEN_BYTES));
        }
        let at_first = disk.stored(session)?;
        let filled = disk.written(session)?;
        let when_filled = disk.stored(session)?;
        let discarded = disk.used(session, DiskStep::Discard)?;
        let seen = DiscardedDisk {
            filled,
            discarded,
            stored_bytes: [at_first, when_filled, disk.stored(session)?],
        };
        Ok(judge::sto04(&seen, LEN_BYTES, WRITTEN_BYTES))
    };
    found(talk(session))
}

/// STO-14: plugged in to be read only.
pub(crate) fn read_only_disk(
    context: &Context<'_>,
    session: &mut Session,
) -> Result<Found, HostError> {
    let talk = |session: &mut Session| -> Step<Finding> {
        let name = "detente-read-only";
        let disk = Plugged {
            name,
            file: filled(context.work, name, CONTENT_BYTES, context.seed)?,
            slot: READ_ONLY_SLOT,
            read_only: true,
            context,
            case: CaseId::Sto14,
        };
        let bytes = CONTENT_BYTES as u64;
        let content = sha256(&disk.file, bytes)?;
        disk.plug(session)?;
        let seen = disk.used(session, DiskStep::TryToWrite { bytes })?;
        let after = sha256(&disk.file, bytes)?;
        Ok(judge::sto14(&seen, bytes, &content, &after))
    };
    found(talk(session))
}

//! STO-05: what the guest has flushed survives a power cut.

mod volatile;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use detente_block::with_causes;
use detente_evidence::Outcome;
use detente_host::{DiskSource, HostError, Operation};
use detente_machine::Pretended;
use detente_nbd::{Export, Server};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, FlushSeen};
use detente_plan::protocol::{Observation, RecordsRead, Task};

use super::group::observe;
use super::own_boot::{OwnBoot, Stage};
use super::restarts::ready;
use super::{interrupted, no_answer, wrong_answer};
use crate::ValidateError;
use crate::limits::ms;
use crate::session::{NoAnswer, Session};

use volatile::VolatileDisk;

/// 8 MiB: more records than are written.
const SECTORS: usize = 16_384;

/// The disk's name and serial number.
const DISK: &str = "detente-flush";

/// How long the guest writes before the power is cut, from when it first tells of a record.
const WRITING: Duration = Duration::from_secs(4);

/// The boots.
pub(super) const BOOT: OwnBoot = OwnBoot {
    name: "flush",
    cases: &[CaseId::Sto05],
    furnish: |spec| spec.extras.slots = 1,
    run: |stage| {
        let finding = cut_and_look(stage)?;
        Ok(vec![stage.judged(CaseId::Sto05, finding)])
    },
};

/// The disk, and where it is served to one machine after the other.
struct Served {
    disk: Arc<VolatileDisk>,
    socket: PathBuf,
    seed: u64,
    limit: Duration,
    boot: Duration,
}

/// What a step gives, or what the case comes to.
type Step<T> = Result<Result<T, Finding>, HostError>;

fn cut_and_look(stage: &mut Stage<'_, '_>) -> Result<Finding, ValidateError> {
    let lies = stage.spec().extras.pretended.contains(Pretended::Flush);
    let served = Served {
        disk: Arc::new(VolatileDisk::new(SECTORS, lies)),
        socket: stage.folder().join("flush.nbd"),
        seed: stage.context.seed,
        limit: stage.context.limit(CaseId::Sto05),
        boot: stage.limits.boot,
    };
    let mut seen = FlushSeen::default();
    match in_a_boot(stage, &served, write)? {
        Ok((acknowledged, lost_bytes)) => {
            seen.acknowledged = acknowledged;
            seen.lost_bytes = lost_bytes;
        }
        Err(finding) => return Ok(finding),
    }
    served.disk.restore_power();
    match in_a_boot(stage, &served, read)? {
        Ok(found) => seen.found = found,
        Err(finding) => return Ok(finding),
    }
    Ok(judge::sto05(&seen))
}

/// Starts a machine, plugs the disk in, and does a step with it.
fn in_a_boot<T>(
    stage: &mut Stage<'_, '_>,
    served: &Served,
    step: impl FnOnce(&mut Session, &Served) -> Step<T>,
) -> Result<Result<T, Finding>, ValidateError> {
    let export = Export::writable(served.disk.clone());
    let server = match Server::bind(&served.socket, export) {
        Ok(server) => server,
        Err(error) => return Ok(Err(refused(&with_causes(&error)))),
    };
    let mut session = match stage.start()? {
        Ok(session) => session,
        Err(finding) => return Ok(Err(finding)),
    };
    let done = with_disk(&mut session, served, server.address(), step);
    // Whatever the machine still writes when it ends finds a disk without power.
    served.disk.cut_power(served.seed);
    stage.end(session)?;
    drop(server);
    Ok(done?)
}

/// Does a step when the guest is ready and the disk is plugged in.
fn with_disk<T>(
    session: &mut Session,
    served: &Served,
    socket: PathBuf,
    step: impl FnOnce(&mut Session, &Served) -> Step<T>,
) -> Step<T> {
    if let Err(finding) = ready(session, served.boot)? {
        return Ok(Err(finding));
    }
    let plug = Operation::PlugDisk {
        name: DISK.to_owned(),
        source: DiskSource::Socket(socket),
        read_only: false,
        discards: false,
        serial: DISK.to_owned(),
        slot: 0,
    };
    if let Err(error) = session.machine().operate(&plug) {
        return Ok(Err(refused(&with_causes(&error))));
    }
    step(session, served)
}

fn refused(why: &str) -> Finding {
    Finding::plain(Outcome::Error, "host_refused", why)
}

/// Has the agent write records, and cuts the disk's power in the midst of it: the last one that was
/// called durable, and how much the cut took.
fn write(session: &mut Session, served: &Served) -> Step<(Option<u64>, u64)> {
    let given = session.give(
        Task::WriteRecords {
            serial: DISK.to_owned(),
            seed: served.seed,
            for_ms: ms(served.limit),
        },
        served.limit.saturating_mul(2),
    );
    let mut acknowledged = None;
    let begun = session.elapsed();
    let mut first = None;
    loop {
        session.wait(Duration::from_millis(100), |state| {
            state.has_result(given.id).then_some(())
        })?;
        let (lines, _) = session.tools.take();
        let last = lines
            .iter()
            .filter_map(|line| line.parse::<u64>().ok())
            .max();
        acknowledged = acknowledged.max(last);
        let now = session.elapsed();
        if acknowledged.is_some() {
            first.get_or_insert(now);
        }
        let enough = first.is_some_and(|first| now.saturating_sub(first) >= WRITING);
        let late = now.saturating_sub(begun) >= served.limit;
        if enough || late || session.interrupted() || session.has_result(given.id) {
            break;
        }
    }
    let lost_bytes = served.disk.cut_power(served.seed);
    if session.interrupted() {
        return Ok(Err(interrupted()));
    }
    // What failed before any record was written is the case's end.
    if acknowledged.is_none() && session.has_result(given.id) {
        return Ok(match session.answer(&given)? {
            Err(nothing) => Err(no_answer(nothing)),
            Ok((Observation::RecordsRead(RecordsRead { disk: None, .. }), _)) => Err(no_answer(
                NoAnswer::Failed("the disk never appeared".to_owned()),
            )),
            Ok(_) => Ok((None, lost_bytes)),
        });
    }
    Ok(Ok((acknowledged, lost_bytes)))
}

/// Has the agent look for the records.
fn read(session: &mut Session, served: &Served) -> Step<RecordsRead> {
    let task = Task::ReadRecords {
        serial: DISK.to_owned(),
        seed: served.seed,
        wait_ms: ms(served.limit),
    };
    Ok(
        match observe(session, task, served.limit.saturating_mul(2))? {
            Ok(Observation::RecordsRead(found)) => Ok(found),
            Ok(_) => Err(wrong_answer()),
            Err(nothing) => Err(no_answer(nothing)),
        },
    )
}

//! STR-01: processors, memory, disk and network are busy at once.

use std::time::Duration;

use detente_host::HostError;
use detente_host::network::{ECHO_PORT, GATEWAY};
use detente_plan::CaseId;
use detente_plan::judge::{self, DiskLoad, EchoSeen, Finding, Load, SoakAsked, Soaked};
use detente_plan::protocol::{Exercise, Exercised, Observation, Task};

use super::questions::disk_load;
use crate::cases::plugging::operating::{Step, found};
use crate::cases::{Context, Found, no_answer};
use crate::limits::ms;
use crate::session::{NoAnswer, Session};

/// How long processors are busy.
const BUSY: Duration = Duration::from_secs(20);

/// How much of what is available is filled, in hundredths, and how much at most.
const MEMORY_PERCENT: u8 = 20;
const MOST_MEMORY_BYTES: u64 = 256 << 20;

/// How long the service on the host may take for the last bytes of a transfer.
const LAST_BYTES: Duration = Duration::from_secs(10);

/// How long a small question may take afterwards.
const ANSWER: Duration = Duration::from_secs(30);

/// Loads everything, and asks something small afterwards.
pub(crate) fn soak(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Str01);
    let asked = SoakAsked {
        for_ms: ms(BUSY),
        disk: disk_load(context),
        transfer_bytes: context.plan.parameters.transfer_bytes,
        answer_ms: ms(ANSWER),
    };
    let talk = |session: &mut Session| -> Step<Finding> {
        let earlier = session.network_seen().echoed_bytes;
        let given = loads(context, asked).map(|task| session.give(task, limit));
        let [processors, memory, disk, network] = given;
        let processors = session.answer(&processors)?;
        let memory = session.answer(&memory)?;
        let disk = session.answer(&disk)?;
        let network = session.answer(&network)?;
        let seen = Soaked {
            processors: load(processors, |seen| match seen {
                Observation::Exercised(Exercised::Burnt(seen)) => Some(seen),
                _ => None,
            })?,
            memory: load(memory, |seen| match seen {
                Observation::Exercised(Exercised::Memory(seen)) => Some(seen),
                _ => None,
            })?,
            disk: load(disk, |seen| match seen {
                Observation::Exercised(Exercised::Disk(seen)) => Some(seen),
                _ => None,
            })?,
            network: match load(network, |seen| match seen {
                Observation::Transfer(seen) => Some(seen),
                _ => None,
            })? {
                Ok(transfer) => {
                    let echo = echo(session, &transfer.sent_sha256, earlier)?;
                    Ok((transfer, echo))
                }
                Err(why) => Err(why),
            },
            answered_ms: answered(session)?,
        };
        Ok(judge::str01(&seen, asked))
    };
    found(talk(session))
}

fn loads(context: &Context<'_>, asked: SoakAsked) -> [Task; 4] {
    let DiskLoad {
        workers,
        rounds,
        bytes,
    } = asked.disk;
    let seed = context.seed;
    [
        Task::Exercise(Exercise::BurnProcessors {
            for_ms: asked.for_ms,
        }),
        Task::Exercise(Exercise::StressMemory {
            percent: MEMORY_PERCENT,
            most_bytes: MOST_MEMORY_BYTES,
            seed,
            spoil: false,
        }),
        Task::Exercise(Exercise::LoadDisk {
            workers,
            bytes,
            rounds,
            seed,
            spoil: false,
        }),
        Task::TransferTcp {
            address: GATEWAY,
            port: ECHO_PORT,
            bytes: asked.transfer_bytes,
            seed,
        },
    ]
}

/// What came of one load. A guest that cannot do it has failed in it; one that is lost ends the case.
fn load<T>(
    seen: Result<(Observation, u64), NoAnswer>,
    pick: impl FnOnce(Observation) -> Option<T>,
) -> Step<Load<T>> {
    match seen {
        Ok((seen, _)) => Ok(pick(seen).ok_or_else(|| "another answer came".to_owned())),
        Err(NoAnswer::Failed(why)) => Ok(Err(why)),
        Err(nothing) => Err(no_answer(nothing).into()),
    }
}

/// What the service on the host saw of the transfer, beside what it saw `earlier`. The guest's word
/// may be here before the service has taken its last bytes.
fn echo(session: &mut Session, sha256: &str, earlier: u64) -> Step<EchoSeen> {
    // Late or not: what is there then is judged.
    session.wait(LAST_BYTES, |state| {
        (state.network_seen().echoed_sha256 == sha256).then_some(())
    })?;
    let seen = session.network_seen();
    Ok(EchoSeen {
        bytes: seen.echoed_bytes.saturating_sub(earlier),
        sha256: seen.echoed_sha256,
    })
}

/// How long a small question takes.
fn answered(session: &mut Session) -> Step<Option<u64>> {
    let begun = session.elapsed();
    let given = session.give(Task::CountCpus, ANSWER);
    let seen = session.answer(&given)?;
    Ok(seen
        .ok()
        .map(|_| ms(session.elapsed().saturating_sub(begun))))
}

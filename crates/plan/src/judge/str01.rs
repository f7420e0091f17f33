//! STR-01: processors, memory, disk and network are busy at once.

use detente_evidence::{Check, Comparator, Outcome};

use super::finding::{Finding, check, check_as, measured, number, seconds};
use super::{DiskLoad, mem08, net02, sto13};
use crate::judge::EchoSeen;
use crate::protocol::{DiskLoaded, MemoryStressed, ProcessorsBurnt, Transfer};

/// What came of one of the loads: what was seen, or why nothing was.
pub type Load<T> = Result<T, String>;

/// What was seen of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soaked {
    /// Processors.
    pub processors: Load<ProcessorsBurnt>,
    /// Memory.
    pub memory: Load<MemoryStressed>,
    /// Disk.
    pub disk: Load<DiskLoaded>,
    /// Network, with what the service on the host saw.
    pub network: Load<(Transfer, EchoSeen)>,
    /// How long the agent took to answer a small question afterwards; `None` if it did not.
    pub answered_ms: Option<u64>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoakAsked {
    /// How long processors were to be busy.
    pub for_ms: u64,
    /// Files.
    pub disk: DiskLoad,
    /// Bytes, each way.
    pub transfer_bytes: u64,
    /// How long a small question may take.
    pub answer_ms: u64,
}

/// Judges them.
#[must_use]
pub fn str01(seen: &Soaked, asked: SoakAsked) -> Finding {
    let mut checks = vec![processors(&seen.processors, asked.for_ms)];
    // How much memory there is is another case's business: any share will do.
    checks.push(part("memory", &seen.memory, |memory| mem08(memory, 0)));
    checks.push(part("disk", &seen.disk, |disk| sto13(disk, asked.disk)));
    checks.push(part("network", &seen.network, |(transfer, echo)| {
        net02(transfer, echo, asked.transfer_bytes)
    }));
    let answered = seen.answered_ms.is_some_and(|ms| ms <= asked.answer_ms);
    let message = match seen.answered_ms {
        Some(ms) => format!("afterwards the agent answered within {}", seconds(ms)),
        None => "afterwards the agent did not answer".to_owned(),
    };
    checks.push(check("answer", answered, message));
    let limit = Some((Comparator::AtMost, number(asked.answer_ms)));
    let taken = seen
        .answered_ms
        .map(|ms| measured("answer", number(ms), "ms", limit));
    Finding::of_checks(checks, taken.into_iter().collect())
}

fn processors(seen: &Load<ProcessorsBurnt>, for_ms: u64) -> Check {
    let burnt = match seen {
        Ok(burnt) => burnt,
        Err(why) => return check("processors", false, format!("processors: {why}")),
    };
    let fine = burnt.wrong == 0 && burnt.rounds > 0 && burnt.elapsed_ms >= for_ms;
    let message = format!(
        "processors: {} of {} rounds wrong in {}",
        burnt.wrong,
        burnt.rounds,
        seconds(burnt.elapsed_ms)
    );
    check("processors", fine, message)
}

/// One load by its own case's rule.
fn part<T>(name: &str, seen: &Load<T>, judge: impl Fn(&T) -> Finding) -> Check {
    match seen {
        Ok(seen) => {
            let finding = judge(seen);
            check_as(
                name,
                finding.outcome,
                format!("{name}: {}", finding.message),
            )
        }
        Err(why) => check_as(name, Outcome::Failed, format!("{name}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::DiskWorker;

    const ASKED: SoakAsked = SoakAsked {
        for_ms: 1000,
        disk: DiskLoad {
            workers: 1,
            rounds: 1,
            bytes: 4096,
        },
        transfer_bytes: 9,
        answer_ms: 5000,
    };

    fn sound() -> Soaked {
        let sha256 = "aa".to_owned();
        Soaked {
            processors: Ok(ProcessorsBurnt {
                workers: 2,
                elapsed_ms: 1001,
                rounds: 40,
                wrong: 0,
            }),
            memory: Ok(MemoryStressed {
                passes: 2,
                bytes: 1 << 20,
                ..MemoryStressed::default()
            }),
            disk: Ok(DiskLoaded {
                workers: vec![DiskWorker {
                    rounds: 1,
                    bytes: 4096,
                    ..DiskWorker::default()
                }],
                past_cache: true,
                elapsed_ms: 9,
            }),
            network: Ok((
                Transfer {
                    sent_bytes: 9,
                    sent_sha256: sha256.clone(),
                    received_bytes: 9,
                    received_sha256: sha256.clone(),
                    elapsed_ms: 1,
                },
                EchoSeen { bytes: 9, sha256 },
            )),
            answered_ms: Some(20),
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut Soaked), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = str01(&seen, ASKED);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn loads_that_all_go_well_pass() {
        verdict(
            |_| (),
            Outcome::Passed,
            "afterwards the agent answered within 0.0 s",
        );
    }

    #[test]
    fn each_load_that_fails_is_named() {
        let why = || "it is gone".to_owned();
        verdict(
            |seen| seen.processors.as_mut().unwrap().wrong = 1,
            Outcome::Failed,
            "processors: 1 of 40 rounds wrong",
        );
        verdict(
            |seen| seen.processors.as_mut().unwrap().elapsed_ms = 999,
            Outcome::Failed,
            "in 0.9 s",
        );
        verdict(
            |seen| seen.memory.as_mut().unwrap().wrong_words = 3,
            Outcome::Failed,
            "memory: 3 words",
        );
        verdict(
            |seen| seen.disk.as_mut().unwrap().workers[0].wrong = 1,
            Outcome::Failed,
            "disk: file 1 came back with another digest",
        );
        verdict(
            |seen| seen.network.as_mut().unwrap().0.received_sha256.clear(),
            Outcome::Failed,
            "network: ",
        );
        let mut seen = sound();
        seen.memory = Err(why());
        assert_eq!(str01(&seen, ASKED).message, "memory: it is gone");
    }

    #[test]
    fn an_agent_that_is_slow_or_silent_fails() {
        verdict(
            |seen| seen.answered_ms = None,
            Outcome::Failed,
            "did not answer",
        );
        verdict(
            |seen| seen.answered_ms = Some(5001),
            Outcome::Failed,
            "within 5.0 s",
        );
    }
}

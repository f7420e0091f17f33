//! CPU-03: processors go offline and come back.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check, measured, number};
use crate::protocol::{ProcessorCycle, ProcessorsCycled};

/// Judges what became of the processors.
#[must_use]
pub fn cpu03(seen: &ProcessorsCycled) -> Finding {
    if seen.cycles.is_empty() {
        let message = format!(
            "the kernel lets none of its {} processors go",
            seen.before.len()
        );
        return Finding::plain(Outcome::NotRun, "none_go", message);
    }
    let mut checks: Vec<Check> = seen.cycles.iter().map(cycled).collect();
    checks.push(check(
        "all_back",
        !seen.before.is_empty() && seen.before == seen.after,
        format!(
            "{} processors were online before, {} are afterwards",
            seen.before.len(),
            seen.after.len()
        ),
    ));
    let back = seen.cycles.iter().filter(|cycle| cycle.came_back).count();
    let measurements = vec![measured("came back", number(back as u64), "count", None)];
    Finding::of_checks(checks, measurements)
}

fn cycled(cycle: &ProcessorCycle) -> Check {
    let which = format!("processor {}", cycle.number);
    let refused = cycle.refused.as_ref();
    let why = refused.map_or(String::new(), |refused| format!(": {refused}"));
    let wrong = if !cycle.was_online {
        Some(format!("{which} was not online to begin with"))
    } else if !cycle.went {
        Some(format!("{which} did not go offline{why}"))
    } else if !cycle.came_back {
        Some(format!("{which} did not come back{why}"))
    } else if !cycle.ran {
        Some(format!("nothing ran on {which} after it came back"))
    } else {
        None
    };
    let fine = wrong.is_none();
    let message = wrong.unwrap_or_else(|| format!("{which} went, came back and ran"));
    check("cycled", fine, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> ProcessorCycle {
        ProcessorCycle {
            number: 1,
            was_online: true,
            went: true,
            came_back: true,
            ran: true,
            channels: 0,
            refused: None,
        }
    }

    #[track_caller]
    fn verdict(cycles: &[ProcessorCycle], after: &[u32], outcome: Outcome, part: &str) {
        let finding = cpu03(&ProcessorsCycled {
            before: vec![0, 1],
            cycles: cycles.to_vec(),
            after: after.to_vec(),
        });
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn one_that_went_came_back_and_ran_passes() {
        verdict(
            &[sound()],
            &[0, 1],
            Outcome::Passed,
            "went, came back and ran",
        );
    }

    #[test]
    fn each_step_that_fails_is_named() {
        type Spoil = fn(&mut ProcessorCycle);
        let cases: [(Spoil, &str); 4] = [
            (|cycle| cycle.was_online = false, "was not online to begin"),
            (|cycle| cycle.went = false, "did not go offline: busy"),
            (|cycle| cycle.came_back = false, "did not come back: busy"),
            (|cycle| cycle.ran = false, "nothing ran on processor 1"),
        ];
        for (spoil, part) in cases {
            let mut cycle = sound();
            cycle.refused = Some("busy".to_owned());
            spoil(&mut cycle);
            verdict(&[cycle], &[0, 1], Outcome::Failed, part);
        }
    }

    #[test]
    fn one_that_stays_away_fails() {
        verdict(
            &[sound()],
            &[0],
            Outcome::Failed,
            "2 processors were online before, 1",
        );
    }

    #[test]
    fn a_kernel_that_lets_none_go_shows_nothing() {
        verdict(
            &[],
            &[0, 1],
            Outcome::NotRun,
            "the kernel lets none of its 2",
        );
    }
}

//! NET-03: offloads, each turned the other way round for a transfer.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::{Offload, OffloadsToggled, Transfer};

/// Judges the offloads; `bytes` is what each transfer was to move.
#[must_use]
pub fn net03(seen: &OffloadsToggled, bytes: u64) -> Finding {
    if seen.interface.is_empty() {
        return Finding::plain(Outcome::Failed, "no_card", "the network card is not there");
    }
    let mut checks = vec![whole("first", "as it was", seen.transfer.as_ref(), bytes)];
    for offload in &seen.offloads {
        checks.extend(judged(offload, bytes));
    }
    let turned = seen
        .offloads
        .iter()
        .filter(|offload| offload.turned)
        .count();
    if turned == 0 {
        let message = format!("no offload of {} can be turned", seen.interface);
        checks.push(check_as("turned", Outcome::NotRun, message));
        return not_run_unless_failed(checks);
    }
    let turned = vec![measured("turned", number(turned as u64), "count", None)];
    Finding::of_checks(checks, turned)
}

/// Without anything turned nothing is shown, but what failed has failed.
fn not_run_unless_failed(mut checks: Vec<Check>) -> Finding {
    if checks.iter().all(|check| check.outcome != Outcome::Failed) {
        checks.retain(|check| check.outcome == Outcome::NotRun);
    }
    Finding::of_checks(checks, Vec::new())
}

fn judged(offload: &Offload, bytes: u64) -> Vec<Check> {
    let name = offload.name.as_str();
    let why = offload.refused.as_ref();
    let why = why.map_or(String::new(), |refused| format!(": {refused}"));
    let Some(before) = offload.before else {
        let message = format!("{name} is not known to the driver{why}");
        return vec![check_as(name, Outcome::NotRun, message)];
    };
    let mut checks = vec![restored(offload, before)];
    if offload.turned {
        let how = format!("with {name} {}", if before { "off" } else { "on" });
        checks.push(match &offload.transfer {
            Some(transfer) => whole(name, &how, Some(transfer), bytes),
            None => check(name, false, format!("nothing came through {how}{why}")),
        });
    } else {
        let message = format!("{name} cannot be turned{why}");
        checks.push(check_as(name, Outcome::NotRun, message));
    }
    checks
}

fn restored(offload: &Offload, before: bool) -> Check {
    let state = |on: Option<bool>| match on {
        Some(true) => "on",
        Some(false) => "off",
        None => "unknown",
    };
    let message = format!(
        "{} was {} and is {} again",
        offload.name,
        state(Some(before)),
        state(offload.after)
    );
    check("restored", offload.after == Some(before), message)
}

fn whole(name: &str, how: &str, transfer: Option<&Transfer>, bytes: u64) -> Check {
    let Some(seen) = transfer else {
        return check(name, false, format!("there was no transfer {how}"));
    };
    let whole = seen.sent_bytes == bytes
        && seen.received_bytes == bytes
        && seen.sent_sha256 == seen.received_sha256
        && bytes > 0;
    let message = if seen.received_bytes == bytes && !whole {
        format!("what came back {how} has another digest than what was sent")
    } else {
        format!("{} of {bytes} bytes came back {how}", seen.received_bytes)
    };
    check(name, whole, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer() -> Transfer {
        Transfer {
            sent_bytes: 9,
            sent_sha256: "aa".to_owned(),
            received_bytes: 9,
            received_sha256: "aa".to_owned(),
            elapsed_ms: 1,
        }
    }

    fn sound() -> OffloadsToggled {
        OffloadsToggled {
            interface: "eth0".to_owned(),
            transfer: Some(transfer()),
            offloads: vec![Offload {
                name: "tso".to_owned(),
                before: Some(true),
                turned: true,
                transfer: Some(transfer()),
                after: Some(true),
                refused: None,
            }],
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut OffloadsToggled), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = net03(&seen, 9);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn offloads_that_lose_nothing_pass() {
        verdict(
            |_| (),
            Outcome::Passed,
            "9 of 9 bytes came back with tso off",
        );
    }

    #[test]
    fn each_spoiled_sign_fails() {
        verdict(|seen| seen.interface.clear(), Outcome::Failed, "not there");
        verdict(
            |seen| seen.transfer = None,
            Outcome::Failed,
            "no transfer as it was",
        );
        verdict(
            |seen| {
                seen.offloads[0]
                    .transfer
                    .as_mut()
                    .unwrap()
                    .received_sha256
                    .clear()
            },
            Outcome::Failed,
            "what came back with tso off has another digest",
        );
        verdict(
            |seen| seen.offloads[0].transfer.as_mut().unwrap().received_bytes = 8,
            Outcome::Failed,
            "8 of 9 bytes came back with tso off",
        );
        verdict(
            |seen| {
                seen.offloads[0].transfer = None;
                seen.offloads[0].refused = Some("cannot connect".to_owned());
            },
            Outcome::Failed,
            "nothing came through with tso off: cannot connect",
        );
        verdict(
            |seen| seen.offloads[0].after = Some(false),
            Outcome::Failed,
            "tso was on and is off again",
        );
    }

    #[test]
    fn what_cannot_be_turned_is_said() {
        let fixed = |seen: &mut OffloadsToggled| {
            seen.offloads.push(Offload {
                name: "rx-checksum".to_owned(),
                before: Some(true),
                after: Some(true),
                refused: Some("not supported".to_owned()),
                ..Offload::default()
            });
        };
        verdict(
            fixed,
            Outcome::Passed,
            "not run: rx-checksum cannot be turned: not supported",
        );
    }

    #[test]
    fn where_nothing_can_be_turned_nothing_is_shown() {
        verdict(
            |seen| seen.offloads.clear(),
            Outcome::NotRun,
            "no offload of eth0",
        );
    }
}

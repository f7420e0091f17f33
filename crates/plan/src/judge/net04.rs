//! NET-04: an MTU beyond the usual, and packets as long as it.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::{MtuChanged, MtuPings};

/// Judges the pings; `wanted` is the MTU that was to be set.
#[must_use]
pub fn net04(seen: &MtuChanged, wanted: u32) -> Finding {
    if seen.interface.is_empty() {
        return Finding::plain(Outcome::Failed, "no_card", "the network card is not there");
    }
    let mut checks = pinged("usual", seen.before, seen.pings_before);
    if let Some(refused) = &seen.refused {
        let message = format!("the card takes no MTU of {wanted}: {refused}");
        checks.push(check_as("taken", Outcome::NotRun, message));
    } else {
        let message = format!("the MTU is {} ({wanted} was set)", seen.changed);
        checks.push(check("taken", seen.changed == wanted, message));
        checks.extend(pinged("long", seen.changed, seen.pings_changed));
    }
    let message = format!("the MTU was {} and is {} again", seen.before, seen.after);
    checks.push(check("restored", seen.before == seen.after, message));
    let mtu = vec![measured("MTU", number(seen.changed.into()), "bytes", None)];
    if seen.refused.is_some() && checks.iter().all(|check| check.outcome != Outcome::Failed) {
        checks.retain(|check| check.outcome == Outcome::NotRun);
    }
    Finding::of_checks(checks, mtu)
}

fn pinged(name: &str, mtu: u32, pings: MtuPings) -> Vec<Check> {
    let fits = if pings.fits { "was" } else { "was not" };
    let longer = if pings.longer_refused {
        "was not"
    } else {
        "was"
    };
    vec![
        check(
            name,
            pings.fits,
            format!("a packet of {mtu} bytes {fits} answered"),
        ),
        check(
            name,
            pings.longer_refused,
            format!("one that is a byte longer {longer} sent"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> MtuChanged {
        let pings = MtuPings {
            fits: true,
            longer_refused: true,
        };
        MtuChanged {
            interface: "eth0".to_owned(),
            before: 1500,
            pings_before: pings,
            changed: 9000,
            refused: None,
            pings_changed: pings,
            after: 1500,
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut MtuChanged), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = net04(&seen, 9000);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn packets_that_pass_at_the_mtu_and_fail_above_pass() {
        verdict(
            |_| (),
            Outcome::Passed,
            "a packet of 9000 bytes was answered; one that is a byte",
        );
    }

    #[test]
    fn each_spoiled_sign_fails() {
        verdict(|seen| seen.interface.clear(), Outcome::Failed, "not there");
        verdict(
            |seen| seen.pings_before.fits = false,
            Outcome::Failed,
            "a packet of 1500 bytes was not answered",
        );
        verdict(
            |seen| seen.pings_changed.fits = false,
            Outcome::Failed,
            "a packet of 9000 bytes was not answered",
        );
        verdict(
            |seen| seen.pings_changed.longer_refused = false,
            Outcome::Failed,
            "one that is a byte longer was sent",
        );
        verdict(
            |seen| seen.changed = 1500,
            Outcome::Failed,
            "the MTU is 1500 (9000 was set)",
        );
        verdict(
            |seen| seen.after = 9000,
            Outcome::Failed,
            "was 1500 and is 9000 again",
        );
    }

    #[test]
    fn a_card_that_takes_no_such_mtu_shows_nothing() {
        let refuse = |seen: &mut MtuChanged| {
            seen.refused = Some("Invalid argument".to_owned());
            seen.changed = 1500;
        };
        verdict(
            refuse,
            Outcome::NotRun,
            "takes no MTU of 9000: Invalid argument",
        );
    }
}

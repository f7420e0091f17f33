//! KBD-01: the keyboard.

use super::finding::{Finding, check, measured, number};
use crate::protocol::Keys;

/// Judges the keyboard: `driver` is the profile's, `wanted` the codes of what was typed.
#[must_use]
pub fn kbd01(seen: &Keys, driver: &str, wanted: &[u16]) -> Finding {
    let checks = vec![
        check(
            "driver",
            seen.drivers.iter().any(|found| found == driver),
            format!(
                "keyboards are driven by {} (wanted: {driver})",
                super::finding::listed(&seen.drivers)
            ),
        ),
        check(
            "typed",
            contains(&seen.pressed, wanted),
            format!(
                "{} keys were pressed; the {} that were typed are {}among them",
                seen.pressed.len(),
                wanted.len(),
                if contains(&seen.pressed, wanted) {
                    ""
                } else {
                    "not "
                }
            ),
        ),
    ];
    let pressed = number(seen.pressed.len() as u64);
    Finding::of_checks(checks, vec![measured("keys", pressed, "count", None)])
}

/// Whether all of `wanted` came, one after the other.
fn contains(pressed: &[u16], wanted: &[u16]) -> bool {
    !wanted.is_empty() && pressed.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(pressed: &[u16], drivers: &[&str], outcome: Outcome) {
        let seen = Keys {
            keyboards: vec!["AT Translated Set 2 keyboard".to_owned()],
            drivers: drivers.iter().map(|&name| name.to_owned()).collect(),
            pressed: pressed.to_vec(),
        };
        let finding = kbd01(&seen, "hyperv_keyboard", &[32, 18]);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn what_was_typed_passes() {
        check(&[28, 32, 18], &["hyperv_keyboard"], Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(&[], &["hyperv_keyboard"], Outcome::Failed);
        check(&[18, 32], &["hyperv_keyboard"], Outcome::Failed);
        check(&[32, 18], &["atkbd"], Outcome::Failed);
    }
}

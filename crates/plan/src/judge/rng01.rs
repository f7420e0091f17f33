//! RNG-01: entropy device.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured};
use crate::protocol::Entropy;

/// The source that the profile shows, as the kernel names it (`virtio_rng.0`).
const SOURCE: &str = "virtio_rng";

/// Judges the entropy device.
#[must_use]
pub fn rng01(seen: &Entropy, wanted_bytes: u32) -> Finding {
    let checks = vec![
        check(
            "source",
            is_source(&seen.current),
            format!("the current source is {} (wanted: {SOURCE})", seen.current),
        ),
        check(
            "bytes",
            seen.bytes == wanted_bytes && wanted_bytes > 0,
            format!(
                "{} of {wanted_bytes} bytes came in {} ms",
                seen.bytes, seen.elapsed_ms
            ),
        ),
        check(
            "spread",
            seen.distinct > 1 && seen.distinct <= seen.bytes,
            format!(
                "{} different byte values among them (at least 2 wanted)",
                seen.distinct
            ),
        ),
    ];
    let limit = Some((Comparator::Equal, f64::from(wanted_bytes)));
    let measurements = vec![measured("read", f64::from(seen.bytes), "bytes", limit)];
    Finding::of_checks(checks, measurements)
}

/// Whether the name is the source's, alone or with the number of a device.
fn is_source(current: &str) -> bool {
    current
        .strip_prefix(SOURCE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    fn sound() -> Entropy {
        Entropy {
            current: "virtio_rng.0".to_owned(),
            available: vec!["virtio_rng.0".to_owned()],
            bytes: 64,
            distinct: 57,
            elapsed_ms: 2,
        }
    }

    #[track_caller]
    fn check(seen: &Entropy, outcome: Outcome, message: &str) {
        let finding = rng01(seen, 64);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn bytes_from_the_device_pass() {
        check(
            &sound(),
            Outcome::Passed,
            "the current source is virtio_rng.0 (wanted: virtio_rng); 64 of 64 bytes came in 2 ms; \
             57 different byte values among them (at least 2 wanted)",
        );
    }

    #[test]
    fn another_source_fails() {
        for current in ["none", "tpm-rng-0", "virtio_rngs"] {
            let seen = Entropy {
                current: current.to_owned(),
                ..sound()
            };
            let message = format!("the current source is {current} (wanted: virtio_rng)");
            check(&seen, Outcome::Failed, &message);
        }
    }

    #[test]
    fn fewer_bytes_fail() {
        let seen = Entropy {
            bytes: 63,
            ..sound()
        };
        check(&seen, Outcome::Failed, "63 of 64 bytes came in 2 ms");
    }

    #[test]
    fn bytes_that_are_all_alike_fail() {
        let seen = Entropy {
            distinct: 1,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "1 different byte values among them (at least 2 wanted)",
        );
    }

    #[test]
    fn no_bytes_are_no_pass() {
        let seen = Entropy {
            bytes: 0,
            ..sound()
        };
        let finding = rng01(&seen, 0);
        assert_eq!(finding.outcome, Outcome::Failed);
        assert!(finding.message.starts_with("0 of 0 bytes came"));
    }
}

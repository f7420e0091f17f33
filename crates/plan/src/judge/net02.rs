//! NET-02: transfer integrity.

use detente_evidence::{Check, Comparator};

use super::finding::{Finding, check, measured, number};
use crate::protocol::Transfer;

/// What the service on the host saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EchoSeen {
    /// Bytes received.
    pub bytes: u64,
    /// SHA-256 of them, hex.
    pub sha256: String,
}

/// Judges a transfer: what the guest sent, what the host saw, what came back.
#[must_use]
pub fn net02(seen: &Transfer, echo: &EchoSeen, wanted_bytes: u64) -> Finding {
    let checks = vec![
        check(
            "sent",
            seen.sent_bytes == wanted_bytes && wanted_bytes > 0,
            format!("the guest sent {} of {wanted_bytes} bytes", seen.sent_bytes),
        ),
        way("guest to host", "the host", seen, echo.bytes, &echo.sha256),
        way(
            "host to guest",
            "the guest",
            seen,
            seen.received_bytes,
            &seen.received_sha256,
        ),
    ];
    let limit = Some((Comparator::Equal, number(wanted_bytes)));
    let measurements = vec![
        measured("sent", number(seen.sent_bytes), "bytes", limit),
        measured("received", number(seen.received_bytes), "bytes", limit),
        measured("elapsed", number(seen.elapsed_ms), "ms", None),
    ];
    Finding::of_checks(checks, measurements)
}

/// One way of the transfer: whether what was sent reached `who`.
fn way(name: &str, who: &str, seen: &Transfer, got: u64, digest: &str) -> Check {
    let sent = seen.sent_bytes;
    if got != sent {
        return check(name, false, format!("{who} got {got} of {sent} bytes"));
    }
    if digest.is_empty() || seen.sent_sha256.is_empty() {
        let message = format!("{who} got {got} bytes, of which no digest was taken");
        return check(name, false, message);
    }
    if digest != seen.sent_sha256 {
        let message = format!(
            "{who} got {got} bytes with another digest than was sent ({digest} instead of {})",
            seen.sent_sha256
        );
        return check(name, false, message);
    }
    check(name, true, format!("{got} bytes reached {who} unchanged"))
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    const WANTED: u64 = 4_194_304;

    fn sound() -> (Transfer, EchoSeen) {
        let seen = Transfer {
            sent_bytes: WANTED,
            sent_sha256: "aa".to_owned(),
            received_bytes: WANTED,
            received_sha256: "aa".to_owned(),
            elapsed_ms: 300,
        };
        let echo = EchoSeen {
            bytes: WANTED,
            sha256: "aa".to_owned(),
        };
        (seen, echo)
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Transfer, &mut EchoSeen), outcome: Outcome, message: &str) {
        let (mut seen, mut echo) = sound();
        spoil(&mut seen, &mut echo);
        let finding = net02(&seen, &echo, WANTED);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn bytes_that_come_back_pass() {
        check(
            |_, _| {},
            Outcome::Passed,
            "the guest sent 4194304 of 4194304 bytes; 4194304 bytes reached the host unchanged; \
             4194304 bytes reached the guest unchanged",
        );
    }

    #[test]
    fn fewer_bytes_at_the_host_fail() {
        check(
            |_, echo| echo.bytes -= 1,
            Outcome::Failed,
            "the host got 4194303 of 4194304 bytes",
        );
    }

    #[test]
    fn fewer_bytes_back_fail() {
        check(
            |seen, _| seen.received_bytes = 5,
            Outcome::Failed,
            "the guest got 5 of 4194304 bytes",
        );
    }

    #[test]
    fn fewer_bytes_than_the_plan_wants_fail() {
        check(
            |seen, echo| {
                seen.sent_bytes = 7;
                seen.received_bytes = 7;
                echo.bytes = 7;
            },
            Outcome::Failed,
            "the guest sent 7 of 4194304 bytes",
        );
    }

    #[test]
    fn other_bytes_at_the_host_fail() {
        check(
            |_, echo| echo.sha256 = "bb".to_owned(),
            Outcome::Failed,
            "the host got 4194304 bytes with another digest than was sent (bb instead of aa)",
        );
    }

    #[test]
    fn other_bytes_back_fail() {
        check(
            |seen, _| seen.received_sha256 = "bb".to_owned(),
            Outcome::Failed,
            "the guest got 4194304 bytes with another digest than was sent (bb instead of aa)",
        );
    }

    #[test]
    fn digests_that_were_never_taken_are_no_pass() {
        check(
            |seen, echo| {
                seen.sent_sha256.clear();
                seen.received_sha256.clear();
                echo.sha256.clear();
            },
            Outcome::Failed,
            "the host got 4194304 bytes, of which no digest was taken; \
             the guest got 4194304 bytes, of which no digest was taken",
        );
    }

    #[test]
    fn no_bytes_are_no_pass() {
        let (mut seen, mut echo) = sound();
        (seen.sent_bytes, seen.received_bytes, echo.bytes) = (0, 0, 0);
        let finding = net02(&seen, &echo, 0);
        assert_eq!(finding.outcome, Outcome::Failed);
        assert_eq!(finding.message, "the guest sent 0 of 0 bytes");
    }

    #[test]
    fn sizes_are_measured_against_the_plan() {
        let (seen, echo) = sound();
        let finding = net02(&seen, &echo, WANTED);
        let limits: Vec<_> = finding.measurements.iter().map(|m| m.limit).collect();
        assert_eq!(limits, [Some(4_194_304.0), Some(4_194_304.0), None]);
    }
}

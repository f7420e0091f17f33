//! CON-02: a stretch of bytes to the guest and back, by the virtio serial port.

use super::finding::{Finding, check, measured, number, seconds};

/// What went there and back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortSeen {
    /// How much was sent.
    pub sent_bytes: u64,
    /// SHA-256 of it, hex.
    pub sent_sha256: String,
    /// How much came back.
    pub received_bytes: u64,
    /// SHA-256 of it, hex.
    pub received_sha256: String,
    /// Whether every piece came by the virtio port.
    pub by_virtio: bool,
    /// How long all took.
    pub elapsed_ms: u64,
}

/// Judges it; `bytes` is what was to be sent.
#[must_use]
pub fn con02(seen: &PortSeen, bytes: u64) -> Finding {
    let checks = vec![
        check(
            "port",
            seen.by_virtio,
            if seen.by_virtio {
                "everything came by the virtio port"
            } else {
                "not everything came by the virtio port"
            },
        ),
        check(
            "bytes",
            seen.sent_bytes == bytes && seen.received_bytes == bytes && bytes > 0,
            format!(
                "{} of {bytes} bytes went there and {} came back in {}",
                seen.sent_bytes,
                seen.received_bytes,
                seconds(seen.elapsed_ms)
            ),
        ),
        check(
            "digest",
            seen.sent_sha256 == seen.received_sha256,
            if seen.sent_sha256 == seen.received_sha256 {
                "with the same digest"
            } else {
                "what came back has another digest than what was sent"
            },
        ),
    ];
    let took = vec![measured("took", number(seen.elapsed_ms), "ms", None)];
    Finding::of_checks(checks, took)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn verdict(spoil: fn(&mut PortSeen), outcome: Outcome, part: &str) {
        let mut seen = PortSeen {
            sent_bytes: 9,
            sent_sha256: "aa".to_owned(),
            received_bytes: 9,
            received_sha256: "aa".to_owned(),
            by_virtio: true,
            elapsed_ms: 1,
        };
        spoil(&mut seen);
        let finding = con02(&seen, 9);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn bytes_that_come_back_pass() {
        verdict(
            |_| (),
            Outcome::Passed,
            "9 of 9 bytes went there and 9 came back",
        );
    }

    #[test]
    fn each_spoiled_sign_fails() {
        verdict(
            |seen| seen.by_virtio = false,
            Outcome::Failed,
            "not everything",
        );
        verdict(
            |seen| seen.received_bytes = 8,
            Outcome::Failed,
            "8 came back",
        );
        verdict(|seen| seen.sent_bytes = 8, Outcome::Failed, "8 of 9");
        verdict(
            |seen| seen.received_sha256.clear(),
            Outcome::Failed,
            "another digest",
        );
    }
}

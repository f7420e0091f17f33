//! NET-02: transfer integrity.

use detente_evidence::Comparator;

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
    let there = seen.sent_bytes == wanted_bytes
        && echo.bytes == wanted_bytes
        && echo.sha256 == seen.sent_sha256;
    let back = seen.received_bytes == wanted_bytes && seen.received_sha256 == seen.sent_sha256;
    let checks = vec![
        check(
            "guest to host",
            there,
            way(there, wanted_bytes, echo.bytes, "the host", &echo.sha256),
        ),
        check(
            "host to guest",
            back,
            way(
                back,
                wanted_bytes,
                seen.received_bytes,
                "the guest",
                &seen.received_sha256,
            ),
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

fn way(whole: bool, wanted: u64, got: u64, who: &str, digest: &str) -> String {
    if whole {
        return format!("{wanted} bytes reached {who} unchanged");
    }
    format!("{who} got {got} of {wanted} bytes, with another digest than was sent ({digest})")
}

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
            seen.current.starts_with(SOURCE),
            format!("the current source is {} (wanted: {SOURCE})", seen.current),
        ),
        check(
            "bytes",
            seen.bytes == wanted_bytes,
            format!(
                "{} of {wanted_bytes} bytes came in {} ms",
                seen.bytes, seen.elapsed_ms
            ),
        ),
        check(
            "spread",
            seen.distinct > 1,
            format!("{} different byte values", seen.distinct),
        ),
    ];
    let limit = Some((Comparator::Equal, f64::from(wanted_bytes)));
    let measurements = vec![measured("read", f64::from(seen.bytes), "bytes", limit)];
    Finding::of_checks(checks, measurements)
}

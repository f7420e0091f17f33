//! STO-03: a disk grows while the guest uses it.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};
use super::sto02::{appeared, came_back};
use crate::protocol::DiskUsed;

/// How far the guest's length may lie from the true one: a two-hundredth, as in tp-qemu's
/// `block_resize` (its `accept_ratio` is 0.005).
const TOLERANCE: u64 = 200;

/// What was seen of a disk that grew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrownDisk {
    /// Before.
    pub before: DiskUsed,
    /// After.
    pub after: DiskUsed,
}

/// Judges it: the disk grew `from_bytes` `to_bytes`.
#[must_use]
pub fn sto03(seen: &GrownDisk, from_bytes: u64, to_bytes: u64) -> Finding {
    let (before, after) = (&seen.before, &seen.after);
    let mut checks = vec![appeared(before, from_bytes)];
    if before.disk.is_some() {
        checks.push(came_back(before));
        let near = after.len_bytes.abs_diff(to_bytes) <= to_bytes / TOLERANCE;
        checks.push(check(
            "length",
            near,
            format!(
                "the guest sees {} of {to_bytes} bytes after {} ms",
                after.len_bytes, after.waited_ms
            ),
        ));
        let kept = after.read_sha256.is_some() && after.read_sha256 == before.written_sha256;
        let words = if kept {
            "what was written before is still there"
        } else {
            "what was written before is not there any more"
        };
        checks.push(check("old data", kept, words));
    }
    let limit = Some((Comparator::Equal, number(to_bytes)));
    let length = measured("length", number(after.len_bytes), "bytes", limit);
    Finding::of_checks(checks, vec![length])
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    fn sound() -> GrownDisk {
        let before = DiskUsed {
            disk: Some("vdb".to_owned()),
            len_bytes: 1000,
            written_sha256: Some("aa".to_owned()),
            read_sha256: Some("aa".to_owned()),
            ..DiskUsed::default()
        };
        GrownDisk {
            after: DiskUsed {
                len_bytes: 1500,
                written_sha256: None,
                ..before.clone()
            },
            before,
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut GrownDisk), outcome: Outcome) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = sto03(&seen, 1000, 1500);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_disk_that_grew_and_kept_its_data_passes() {
        check(|_| {}, Outcome::Passed);
        check(|seen| seen.after.len_bytes = 1493, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.before.disk = None, Outcome::Failed);
        check(|seen| seen.before.read_sha256 = None, Outcome::Failed);
        check(|seen| seen.after.len_bytes = 1000, Outcome::Failed);
        check(|seen| seen.after.len_bytes = 1492, Outcome::Failed);
        check(|seen| seen.after.read_sha256 = None, Outcome::Failed);
        check(
            |seen| seen.after.read_sha256 = Some("bb".to_owned()),
            Outcome::Failed,
        );
    }
}

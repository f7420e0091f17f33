//! STO-04: what the guest discards is given back.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};
use super::sto02::{appeared, came_back};
use crate::protocol::DiskUsed;

/// What a file system of the host may keep of a file with nothing in it.
const KEPT_BYTES: u64 = 65_536;

/// What was seen of a disk that was filled and discarded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiscardedDisk {
    /// What the agent wrote.
    pub filled: DiskUsed,
    /// What came of discarding.
    pub discarded: DiskUsed,
    /// What the disk's file took up on the host when it was empty, filled, discarded.
    pub stored_bytes: [u64; 3],
}

/// Judges it: `bytes` were written.
#[must_use]
pub fn sto04(seen: &DiscardedDisk, len_bytes: u64, bytes: u64) -> Finding {
    let [empty, filled, discarded] = seen.stored_bytes;
    let mut checks = vec![appeared(&seen.filled, len_bytes)];
    if seen.filled.disk.is_some() {
        checks.push(came_back(&seen.filled));
        checks.push(check(
            "filled",
            filled >= bytes,
            format!("{filled} bytes are stored after {bytes} were written"),
        ));
        checks.push(match &seen.discarded.refused {
            None => check("discard", true, "the disk takes the order to discard"),
            Some(why) => check("discard", false, format!("the guest {why}")),
        });
        let most = empty.saturating_add(KEPT_BYTES);
        checks.push(check(
            "given back",
            discarded <= most,
            format!("{discarded} bytes are stored after everything was discarded"),
        ));
    }
    let limit = Some((Comparator::AtMost, number(empty.saturating_add(KEPT_BYTES))));
    let left = measured("stored at last", number(discarded), "bytes", limit);
    Finding::of_checks(checks, vec![left])
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    const BYTES: u64 = 1 << 20;

    fn sound() -> DiscardedDisk {
        let filled = DiskUsed {
            disk: Some("vdb".to_owned()),
            len_bytes: BYTES,
            written_sha256: Some("aa".to_owned()),
            read_sha256: Some("aa".to_owned()),
            ..DiskUsed::default()
        };
        DiscardedDisk {
            discarded: DiskUsed {
                written_sha256: None,
                read_sha256: None,
                ..filled.clone()
            },
            filled,
            stored_bytes: [0, BYTES, 4096],
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut DiscardedDisk), outcome: Outcome) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = sto04(&seen, BYTES, BYTES);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn what_is_given_back_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.filled.disk = None, Outcome::Failed);
        check(|seen| seen.stored_bytes = [0, 4096, 0], Outcome::Failed);
        check(
            |seen| seen.stored_bytes = [0, BYTES, BYTES],
            Outcome::Failed,
        );
        check(
            |seen| seen.discarded.refused = Some("cannot discard".to_owned()),
            Outcome::Failed,
        );
    }
}

//! STO-14: a disk that may only be read.

use super::finding::{Finding, check};
use super::sto02::appeared;
use crate::protocol::DiskUsed;

/// Judges what the agent saw of a disk of `len_bytes` whose content has the digest `content`; the
/// file had the digest `after` when the guest was done with it.
#[must_use]
pub fn sto14(seen: &DiskUsed, len_bytes: u64, content: &str, after: &str) -> Finding {
    let mut checks = vec![appeared(seen, len_bytes)];
    if seen.disk.is_some() {
        checks.push(check(
            "read-only",
            seen.read_only,
            if seen.read_only {
                "the kernel knows that it is read-only"
            } else {
                "the kernel does not know that it is read-only"
            },
        ));
        checks.push(match &seen.refused {
            Some(why) => check("refused", true, format!("a write was refused ({why})")),
            None => check("refused", false, "a write was taken"),
        });
        checks.push(check(
            "data",
            seen.read_sha256.as_deref() == Some(content),
            "what the guest reads, held against what was put there",
        ));
        checks.push(check(
            "unchanged",
            after == content,
            "the disk's file, held against what was put there",
        ));
    }
    Finding::of_checks(checks, Vec::new())
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut DiskUsed), after: &str, outcome: Outcome) {
        let mut seen = DiskUsed {
            disk: Some("vdb".to_owned()),
            len_bytes: 4096,
            read_only: true,
            read_sha256: Some("aa".to_owned()),
            refused: Some("cannot write".to_owned()),
            ..DiskUsed::default()
        };
        spoil(&mut seen);
        let finding = sto14(&seen, 4096, "aa", after);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_disk_that_refuses_writes_and_reads_right_passes() {
        check(|_| {}, "aa", Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.disk = None, "aa", Outcome::Failed);
        check(|seen| seen.read_only = false, "aa", Outcome::Failed);
        check(|seen| seen.refused = None, "aa", Outcome::Failed);
        check(|seen| seen.read_sha256 = None, "aa", Outcome::Failed);
        check(|_| {}, "bb", Outcome::Failed);
    }
}

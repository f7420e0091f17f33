//! STO-02: a disk is plugged in and taken away.

use detente_evidence::{Check, Comparator};

use super::finding::{Finding, check, measured, number};
use crate::protocol::DiskUsed;

/// What was seen of a disk that came and went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HotDisk {
    /// What the agent did with it.
    pub used: DiskUsed,
    /// SHA-256 of what lies in its file after all, hex.
    pub on_host_sha256: String,
    /// Whether the guest let go of it when it was asked to.
    pub let_go: bool,
    /// What the agent saw at last.
    pub gone: DiskUsed,
}

/// Judges it: the disk is `len_bytes` long and may take `limit_ms` to appear.
#[must_use]
pub fn sto02(seen: &HotDisk, len_bytes: u64, limit_ms: u64) -> Finding {
    let used = &seen.used;
    let mut checks = vec![appeared(used, len_bytes)];
    if used.disk.is_some() {
        checks.push(came_back(used));
        checks.push(check(
            "on the host",
            !seen.on_host_sha256.is_empty()
                && used.written_sha256.as_ref() == Some(&seen.on_host_sha256),
            "what the guest wrote, held against what lies in the disk's file",
        ));
        checks.push(check(
            "let go",
            seen.let_go,
            if seen.let_go {
                "the guest let go of it when it was taken away"
            } else {
                "the guest did not let go of it when it was taken away"
            },
        ));
        checks.push(match &seen.gone.disk {
            None => check("gone", true, "it is gone from the guest"),
            Some(disk) => check("gone", false, format!("{disk} is still in the guest")),
        });
    }
    let limit = Some((Comparator::AtMost, number(limit_ms)));
    let appeared = measured("appeared after", number(used.waited_ms), "ms", limit);
    Finding::of_checks(checks, vec![appeared])
}

/// Whether a disk that was plugged in has come, as long as it is.
pub(super) fn appeared(used: &DiskUsed, len_bytes: u64) -> Check {
    match &used.disk {
        None => check(
            "appeared",
            false,
            format!("no such disk after {} ms", used.waited_ms),
        ),
        Some(disk) => check(
            "appeared",
            used.len_bytes == len_bytes,
            format!(
                "{disk} appeared after {} ms with {} of {len_bytes} bytes",
                used.waited_ms, used.len_bytes
            ),
        ),
    }
}

/// Whether the guest has read what it has written.
pub(super) fn came_back(used: &DiskUsed) -> Check {
    let same = used.written_sha256.is_some() && used.written_sha256 == used.read_sha256;
    let words = if same {
        "what was written came back"
    } else {
        "what was written did not come back"
    };
    check("data", same, words)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    fn sound() -> HotDisk {
        HotDisk {
            used: DiskUsed {
                disk: Some("vdb".to_owned()),
                len_bytes: 4096,
                waited_ms: 700,
                written_sha256: Some("aa".to_owned()),
                read_sha256: Some("aa".to_owned()),
                ..DiskUsed::default()
            },
            on_host_sha256: "aa".to_owned(),
            let_go: true,
            gone: DiskUsed::default(),
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut HotDisk), outcome: Outcome, says: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = sto02(&seen, 4096, 30_000);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(says), "{}", finding.message);
    }

    #[test]
    fn a_disk_that_comes_works_and_goes_passes() {
        check(|_| {}, Outcome::Passed, "vdb appeared after 700 ms");
    }

    #[test]
    fn each_spoiled_sign_fails() {
        use Outcome::Failed;
        check(|seen| seen.used.disk = None, Failed, "no such disk");
        check(|seen| seen.used.len_bytes = 512, Failed, "512 of 4096");
        check(
            |seen| seen.used.read_sha256 = Some("bb".to_owned()),
            Failed,
            "did not come back",
        );
        check(|seen| seen.used.written_sha256 = None, Failed, "");
        check(|seen| seen.on_host_sha256.clear(), Failed, "file");
        check(|seen| seen.let_go = false, Failed, "did not let go");
        check(
            |seen| seen.gone.disk = Some("vdb".to_owned()),
            Failed,
            "still in the guest",
        );
    }
}

//! STO-01: root disk, its controller and its data.

use detente_evidence::Comparator;
use detente_machine::Hardware;

use super::finding::{Finding, check, listed, measured, number};
use crate::protocol::RootDisk;

/// Judges the root disk.
#[must_use]
pub fn sto01(seen: &RootDisk, hardware: &Hardware, wanted_bytes: u64) -> Finding {
    let driver = hardware.storage_driver;
    let bound = seen
        .drivers
        .iter()
        .any(|name| name.replace('-', "_") == driver);
    let same = seen.bytes == wanted_bytes
        && wanted_bytes > 0
        && !seen.written_sha256.is_empty()
        && seen.written_sha256 == seen.read_sha256;
    let checks = vec![
        check(
            "driver",
            bound,
            format!(
                "{} is driven by {} (wanted: {driver})",
                seen.disk,
                listed(&seen.drivers)
            ),
        ),
        check("data", same, data(seen, wanted_bytes, same)),
        check(
            "past the cache",
            seen.past_cache,
            if seen.past_cache {
                "read back past the page cache"
            } else {
                "the page cache answered the reading"
            },
        ),
    ];
    let limit = Some((Comparator::Equal, number(wanted_bytes)));
    let measurements = vec![
        measured("written and read back", number(seen.bytes), "bytes", limit),
        measured("write and sync", number(seen.write_ms), "ms", None),
        measured("read", number(seen.read_ms), "ms", None),
    ];
    Finding::of_checks(checks, measurements)
}

fn data(seen: &RootDisk, wanted: u64, same: bool) -> String {
    let bytes = seen.bytes;
    if same {
        return format!(
            "{bytes} bytes on {} came back as they were written",
            seen.filesystem
        );
    }
    let [written, read] = [&seen.written_sha256, &seen.read_sha256].map(|digest| named(digest));
    format!("{bytes} of {wanted} bytes written with digest {written}, read with {read}")
}

fn named(digest: &str) -> &str {
    if digest.is_empty() { "none" } else { digest }
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;
    use detente_machine::Profile;

    use super::*;

    const WANTED: u64 = 8_388_608;

    fn sound() -> RootDisk {
        RootDisk {
            disk: "vda".to_owned(),
            filesystem: "ext4".to_owned(),
            drivers: vec!["virtio_blk".to_owned(), "virtio-pci".to_owned()],
            bytes: WANTED,
            written_sha256: "aa".to_owned(),
            read_sha256: "aa".to_owned(),
            past_cache: true,
            write_ms: 40,
            read_ms: 20,
        }
    }

    #[track_caller]
    fn check(seen: &RootDisk, outcome: Outcome, message: &str) {
        let finding = sto01(seen, &Profile::Kvm.hardware(), WANTED);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn bytes_that_come_back_pass() {
        check(
            &sound(),
            Outcome::Passed,
            "vda is driven by virtio_blk, virtio-pci (wanted: virtio_blk); \
             8388608 bytes on ext4 came back as they were written; \
             read back past the page cache",
        );
    }

    #[test]
    fn a_dash_is_an_underscore() {
        let seen = RootDisk {
            drivers: vec!["virtio-blk".to_owned()],
            ..sound()
        };
        let finding = sto01(&seen, &Profile::Kvm.hardware(), WANTED);
        assert_eq!(finding.outcome, Outcome::Passed);
    }

    #[test]
    fn another_driver_fails() {
        let seen = RootDisk {
            drivers: vec!["sd".to_owned(), "ahci".to_owned()],
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "vda is driven by sd, ahci (wanted: virtio_blk)",
        );
    }

    #[test]
    fn no_driver_at_all_fails() {
        let seen = RootDisk {
            drivers: Vec::new(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "vda is driven by none (wanted: virtio_blk)",
        );
    }

    #[test]
    fn other_bytes_fail() {
        let seen = RootDisk {
            read_sha256: "bb".to_owned(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "8388608 of 8388608 bytes written with digest aa, read with bb",
        );
    }

    #[test]
    fn fewer_bytes_fail() {
        let seen = RootDisk {
            bytes: WANTED - 1,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "8388607 of 8388608 bytes written with digest aa, read with aa",
        );
    }

    #[test]
    fn digests_that_were_never_taken_are_no_pass() {
        let seen = RootDisk {
            written_sha256: String::new(),
            read_sha256: String::new(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "8388608 of 8388608 bytes written with digest none, read with none",
        );
    }

    #[test]
    fn no_bytes_are_no_pass() {
        let seen = RootDisk {
            bytes: 0,
            ..sound()
        };
        let finding = sto01(&seen, &Profile::Kvm.hardware(), 0);
        assert_eq!(finding.outcome, Outcome::Failed);
        assert_eq!(
            finding.message,
            "0 of 0 bytes written with digest aa, read with aa"
        );
    }

    #[test]
    fn an_answer_from_the_page_cache_fails() {
        let seen = RootDisk {
            past_cache: false,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the page cache answered the reading",
        );
    }
}

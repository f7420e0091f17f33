//! SUP-06: what a supporter wants to see can be collected.

use detente_evidence::{Check, Outcome};
use sha2::{Digest as _, Sha256};

use super::finding::{Finding, check, check_as, listed, measured, number};
use crate::protocol::{SupportData, SupportPiece};

/// Pieces without which nobody can begin: each is a choice, the first that is there counts.
const WANTED: &[(&str, &[&str])] = &[
    ("the system's log", &["journal.txt", "log.txt"]),
    ("the kernel's log", &["kernel-log.txt", "journal.txt"]),
    ("the release of the distribution", &["os-release.txt"]),
    ("the list of modules", &["modules.txt"]),
    ("the list of mounts", &["mounts.txt"]),
];

/// Judges the pieces, by what has arrived of them.
#[must_use]
pub fn sup06(seen: &SupportData) -> Finding {
    let mut checks: Vec<Check> = WANTED
        .iter()
        .map(|(what, names)| wanted(what, names, &seen.pieces))
        .collect();
    let spoiled = seen.pieces.iter().filter(|piece| !is_whole(piece));
    let spoiled: Vec<String> = spoiled.map(|piece| piece.name.clone()).collect();
    checks.push(check(
        "digests",
        spoiled.is_empty(),
        if spoiled.is_empty() {
            format!("{} pieces have arrived whole", seen.pieces.len())
        } else {
            format!("not as the guest sent it: {}", listed(&spoiled))
        },
    ));
    let more = listed(&seen.collectors);
    let message = format!("programs of the guest's that collect more: {more}");
    let outcome = if seen.collectors.is_empty() {
        Outcome::NotRun
    } else {
        Outcome::Passed
    };
    checks.push(check_as("collectors", outcome, message));
    let bytes = seen.pieces.iter().fold(0_u64, |sum, piece| {
        sum.saturating_add(piece.text.len() as u64)
    });
    Finding::of_checks(
        checks,
        vec![measured("collected", number(bytes), "bytes", None)],
    )
}

fn wanted(what: &str, names: &[&str], pieces: &[SupportPiece]) -> Check {
    let ours = || {
        pieces
            .iter()
            .filter(|piece| names.contains(&piece.name.as_str()))
    };
    if let Some(piece) = ours().find(|piece| !piece.text.trim().is_empty()) {
        let message = format!(
            "{what} is of {} ({} bytes)",
            piece.source, piece.whole_bytes
        );
        return check("piece", true, message);
    }
    let why: Vec<String> = ours().filter_map(|piece| piece.error.clone()).collect();
    let why = if why.is_empty() {
        "it is empty or was not found".to_owned()
    } else {
        why.join("; ")
    };
    check("piece", false, format!("{what} could not be had: {why}"))
}

fn is_whole(piece: &SupportPiece) -> bool {
    let digest = Sha256::digest(piece.text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex == piece.sha256
}

#[cfg(test)]
mod tests {
    use super::*;

    /// printf 'a log' | sha256sum
    const SHA256: &str = "5775e775a009a883570f8738b2efba72ebd889bebd792398088abf4b78a55133";

    fn piece(name: &str) -> SupportPiece {
        SupportPiece {
            name: name.to_owned(),
            source: format!("/{name}"),
            text: "a log".to_owned(),
            sha256: SHA256.to_owned(),
            whole_bytes: 5,
            error: None,
        }
    }

    fn sound() -> SupportData {
        let names = ["journal.txt", "os-release.txt", "modules.txt", "mounts.txt"];
        SupportData {
            collectors: vec!["sos".to_owned()],
            pieces: names.map(piece).to_vec(),
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut SupportData), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = sup06(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn pieces_that_arrive_whole_pass() {
        verdict(|_| (), Outcome::Passed, "4 pieces have arrived whole");
        verdict(
            |seen| seen.collectors.clear(),
            Outcome::Passed,
            "collect more: none",
        );
    }

    #[test]
    fn a_log_that_cannot_be_had_fails_with_the_reason() {
        let fail = |seen: &mut SupportData| {
            seen.pieces[0].text.clear();
            seen.pieces[0].error = Some("Missing".to_owned());
        };
        verdict(
            fail,
            Outcome::Failed,
            "the system's log could not be had: Missing",
        );
        verdict(
            |seen| drop(seen.pieces.remove(1)),
            Outcome::Failed,
            "the release of the distribution could not be had: it is empty",
        );
    }

    #[test]
    fn a_byte_that_changed_on_the_way_is_noticed() {
        verdict(
            |seen| seen.pieces[2].text.replace_range(0..1, "b"),
            Outcome::Failed,
            "not as the guest sent it: modules.txt",
        );
    }
}

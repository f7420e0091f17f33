//! SUP-06: what a supporter wants to see is collected, and kept beside the record.

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding};
use detente_plan::protocol::{Exercise, Exercised, SupportData};

use super::exercise;
use crate::Fault;
use crate::cases::plugging::operating::{Step, found};
use crate::cases::{Context, Found, SUPPORT_DATA};
use crate::folder::write_file;
use crate::session::Session;

/// The longest piece: all of them shall fit into one message.
const PIECE_BYTES: u32 = 32 * 1024;

/// POSIX.1-1988: an archive is made of blocks.
const BLOCK: usize = 512;

/// More pieces than the agent sends are not kept.
const MAX_PIECES: usize = 16;

/// Collects the pieces, keeps them as an archive, and looks whether they arrived as they were sent.
pub(crate) fn support_data(
    context: &Context<'_>,
    session: &mut Session,
) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Sup06);
    let talk = |session: &mut Session| -> Step<Finding> {
        let asked = Exercise::CollectSupportData {
            piece_bytes: PIECE_BYTES,
        };
        let mut seen = exercise(session, asked, limit, |seen| match seen {
            Exercised::SupportData(seen) => Some(seen),
            _ => None,
        })?;
        seen.pieces.truncate(MAX_PIECES);
        if context.has(Fault::SupportData) {
            spoil(&mut seen);
        }
        write_file(&context.work.join(SUPPORT_DATA), &archive(&seen))
            .map_err(|error| Finding::plain(Outcome::Error, "not_kept", error.to_string()))?;
        Ok(judge::sup06(&seen))
    };
    found(talk(session))
}

/// The first letter of the first piece becomes another one.
fn spoil(seen: &mut SupportData) {
    if let Some(piece) = seen.pieces.iter_mut().find(|piece| !piece.text.is_empty()) {
        piece.text.insert(0, '!');
    }
}

/// An archive in the format `ustar` (POSIX.1-1988), the same for the same pieces.
fn archive(seen: &SupportData) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (piece, number) in seen.pieces.iter().zip(1_u32..) {
        // The guest says the name: nothing but plain letters of it becomes a file's.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let name: String = piece.name.chars().filter(plain).take(60).collect();
        let text = piece.text.as_bytes();
        bytes.extend(header(
            &format!("support-data/{number:02}-{name}"),
            text.len(),
        ));
        bytes.extend(text);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }
    // Two empty blocks end it.
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

/// The header of a file.
fn header(name: &str, len: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let fields: [(usize, String); 8] = [
        (0, name.to_owned()),
        (100, "0000644\0".to_owned()),
        (108, "0000000\0".to_owned()),
        (116, "0000000\0".to_owned()),
        (124, format!("{len:011o}\0")),
        (136, "00000000000\0".to_owned()),
        // The sum is made with blanks in its own place; then comes the type: a file.
        (148, "        0".to_owned()),
        (257, "ustar\u{0}00".to_owned()),
    ];
    let mut put = |at: usize, text: &str| {
        for (to, from) in block.iter_mut().skip(at).zip(text.bytes()) {
            *to = from;
        }
    };
    for (at, text) in &fields {
        put(*at, text);
    }
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    let text = format!("{sum:06o}\0 ");
    for (to, from) in block.iter_mut().skip(148).zip(text.bytes()) {
        *to = from;
    }
    block
}

#[cfg(test)]
mod tests {
    use detente_plan::protocol::SupportPiece;

    use super::*;

    fn pieces(names: &[&str]) -> SupportData {
        let piece = |name: &&str| SupportPiece {
            name: (*name).to_owned(),
            text: "a log\n".to_owned(),
            ..SupportPiece::default()
        };
        SupportData {
            collectors: Vec::new(),
            pieces: names.iter().map(piece).collect(),
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
    fn an_archive_is_one_that_tar_reads() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.tar");
        std::fs::write(&file, archive(&pieces(&["journal.txt", "../etc/passwd"]))).unwrap();
        let tar = std::process::Command::new("tar")
            .arg("-tvf")
            .arg(&file)
            .output();
        let Ok(output) = tar else {
            eprintln!("skipped: an_archive_is_one_that_tar_reads: there is no tar");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].starts_with("-rw-r--r-- 0/0") && lines[0].contains(" 6 "),
            "{text}"
        );
        assert!(lines[0].ends_with("support-data/01-journal.txt"), "{text}");
        assert!(lines[1].ends_with("support-data/02-..etcpasswd"), "{text}");
    }

    #[test]
    fn a_spoiled_piece_differs() {
        let mut spoiled = pieces(&["journal.txt"]);
        spoil(&mut spoiled);
        assert_ne!(spoiled, pieces(&["journal.txt"]));
    }
}

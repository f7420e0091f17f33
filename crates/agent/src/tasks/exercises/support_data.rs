//! What a supporter wants to see of a guest, in pieces of bounded length.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use detente_plan::protocol::{RunTool, SupportData, SupportPiece, ToolEnd};

use crate::seeded::sha256_hex;
use crate::task_error::TaskError;
use crate::tasks::{Limits, run_tool};
use crate::worker::Report;

/// Programs that collect more than we do; a supporter will ask for what they make.
const COLLECTORS: [&str; 3] = ["sos", "sosreport", "supportconfig"];

/// What a program says: the piece's name, and the program with its arguments.
const SAID: &[(&str, &[&str])] = &[
    (
        "journal.txt",
        &[
            "journalctl",
            "-b",
            "-q",
            "--no-pager",
            "-o",
            "short-monotonic",
        ],
    ),
    ("kernel-log.txt", &["dmesg"]),
];

/// Logs of guests without a journal, the first that there is.
const LOGS: [&str; 2] = ["var/log/messages", "var/log/syslog"];

/// Files: the piece's name, and where it is.
const FILES: &[(&str, &str)] = &[
    ("os-release.txt", "etc/os-release"),
    ("command-line.txt", "proc/cmdline"),
    ("version.txt", "proc/version"),
    ("processors.txt", "proc/cpuinfo"),
    ("memory.txt", "proc/meminfo"),
    ("modules.txt", "proc/modules"),
    ("mounts.txt", "proc/mounts"),
    ("interrupts.txt", "proc/interrupts"),
    ("partitions.txt", "proc/partitions"),
    ("fstab.txt", "etc/fstab"),
];

/// No piece is longer, whatever was asked.
const MAX_PIECE_BYTES: u32 = 64 * 1024;

/// Collects it below `root`, the guest's.
pub(super) fn run(
    root: &Path,
    piece_bytes: u32,
    limits: &Limits,
    tell: &mut dyn FnMut(Report),
) -> Result<SupportData, TaskError> {
    let most = piece_bytes.min(MAX_PIECE_BYTES);
    let has = |name: &&str| run_tool::find(root, name).is_some();
    let mut pieces = Vec::new();
    for (name, argv) in SAID {
        pieces.push(said(name, argv, most, limits, tell)?);
    }
    let log = LOGS.iter().find(|place| root.join(place).is_file());
    pieces.extend(log.map(|place| file("log.txt", root, place, most)));
    for (name, place) in FILES {
        pieces.push(file(name, root, place, most));
    }
    Ok(SupportData {
        collectors: COLLECTORS
            .iter()
            .filter(|name| has(name))
            .map(|name| (*name).to_owned())
            .collect(),
        pieces,
    })
}

/// What a program says.
fn said(
    name: &str,
    argv: &[&str],
    most: u32,
    limits: &Limits,
    tell: &mut dyn FnMut(Report),
) -> Result<SupportPiece, TaskError> {
    let order = RunTool {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: Vec::new(),
        folder: None,
        tail_bytes: most,
    };
    let ran = run_tool::run(&order, limits, tell)?;
    let error = match ran.end {
        ToolEnd::Exited { status: 0 } => None,
        other => Some(format!("{other:?}: {}", ran.error_tail.trim())),
    };
    let piece = piece(name, argv.join(" "), ran.output_tail, ran.output_bytes);
    Ok(SupportPiece { error, ..piece })
}

/// The end of a file.
fn file(name: &str, root: &Path, place: &str, most: u32) -> SupportPiece {
    let source = format!("/{place}");
    match tail(&root.join(place), most) {
        Ok((text, whole)) => piece(name, source, text, whole),
        Err(error) => SupportPiece {
            error: Some(error.to_string()),
            ..piece(name, source, String::new(), 0)
        },
    }
}

fn piece(name: &str, source: String, text: String, whole_bytes: u64) -> SupportPiece {
    SupportPiece {
        name: name.to_owned(),
        source,
        sha256: sha256_hex(text.as_bytes()),
        text,
        whole_bytes,
        error: None,
    }
}

/// The last bytes of a file, and how long it is. Files of `/proc` do not say their length: those are
/// read from their beginning.
fn tail(path: &Path, most: u32) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let whole = file.metadata()?.len();
    if whole > u64::from(most) {
        file.seek(SeekFrom::End(-i64::from(most)))?;
    }
    let mut bytes = Vec::new();
    file.take(most.into()).read_to_end(&mut bytes)?;
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok((
        String::from_utf8_lossy(&bytes).into_owned(),
        whole.max(read),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_the_end_of_a_file_and_says_how_long_that_is() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("log"), "one two three").unwrap();
        let seen = file("log.txt", place.path(), "log", 5);
        assert_eq!((seen.text.as_str(), seen.whole_bytes), ("three", 13));
        // printf three | sha256sum
        assert_eq!(
            seen.sha256,
            "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f"
        );
        assert_eq!((seen.source.as_str(), seen.error), ("/log", None));
    }

    #[test]
    fn what_is_not_there_says_why() {
        let place = tempfile::tempdir().unwrap();
        let seen = file("log.txt", place.path(), "log", 5);
        assert!(seen.error.is_some() && seen.text.is_empty());
    }
}

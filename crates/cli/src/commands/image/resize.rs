//! `detente image resize`: a larger or a smaller disk.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use detente_copy::{ResizeOptions, Shrink, resize};

use super::asked;
use super::bytes;
use super::progress;
use super::source::Source;
use super::watcher::{self, Watcher};
use super::written::{Document, Names, failure};
use crate::args::Format;
use crate::interrupt;
use crate::output::Output;

/// Change the size of a disk.
///
/// The image is made anew and takes the old one's name when all of it is on stable storage. What is
/// in the disk (partitions, file systems) stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente image resize server.vhdx 80G\n  \
    detente image resize server.qcow2 +10G\n\n\
    Exit codes: 0 fine, 2 not resized, 64 wrong usage, 130 interrupted.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// The image.
    image: PathBuf,
    /// The new size, or what is added: 80G, +10G; or what is taken away: -10G.
    #[arg(value_parser = parse, allow_hyphen_values = true)]
    size: Change,
    /// Let it become smaller, if what is cut off is zero.
    #[arg(long)]
    shrink: bool,
    /// Let it become smaller, whatever is cut off.
    #[arg(long)]
    discard_data: bool,
    /// Read the new image back and compare it before it takes the old one's place.
    #[arg(long)]
    verify: bool,
    /// Read the image though another program may be writing to it.
    #[arg(long)]
    ignore_locks: bool,
    #[command(flatten)]
    source: Source,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the size is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    To(u64),
    By(u64),
    Less(u64),
}

fn parse(text: &str) -> Result<Change, String> {
    if let Some(more) = text.strip_prefix('+') {
        return bytes::parse(more).map(Change::By);
    }
    match text.strip_prefix('-') {
        Some(less) => bytes::parse(less).map(Change::Less),
        None => bytes::parse(text).map(Change::To),
    }
}

impl Change {
    /// The size that one of `now` becomes; none if there is no such size.
    fn of(self, now: u64) -> Option<u64> {
        match self {
            Self::To(size) => Some(size),
            Self::By(more) => now.checked_add(more),
            Self::Less(less) => now.checked_sub(less),
        }
    }
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let path = &arguments.image;
    let image = arguments.source.open(path)?;
    let now = image.reader.len_bytes();
    let Some(size) = arguments.size.of(now) else {
        let what = format!("there is no such size: the disk has {now} bytes");
        return Err(crate::failure::Failure::usage(what, "say the new size: 80G").into());
    };
    let cancel = interrupt::watch()?;
    let watcher = Watcher::new(&cancel);
    let names = Names {
        source: None,
        target: path,
    };
    let reading = || watcher::reading(std::slice::from_ref(&watcher));
    let report = progress::shown(reading, || {
        resize(&image, size, &arguments.options(), &watcher)
    });
    let report = report.map_err(|error| failure(names, error))?;
    let mut document = Document::new("resize");
    document.wrote(names, &report, arguments.verify);
    document.print(arguments.format, out)
}

impl Arguments {
    fn options(&self) -> ResizeOptions {
        ResizeOptions {
            shrink: match (self.discard_data, self.shrink) {
                (true, _) => Shrink::DiscardData,
                (false, true) => Shrink::OnlyZeroes,
                (false, false) => Shrink::Refuse,
            },
            verification: asked::verification(self.verify),
            source_lock: asked::source_lock(self.ignore_locks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_whole_or_as_a_change() {
        assert_eq!(parse("80G").unwrap().of(1), Some(80 << 30));
        assert_eq!(parse("+1K").unwrap().of(512), Some(1536));
        assert_eq!(parse("-512").unwrap().of(1536), Some(1024));
        assert_eq!(parse("-512").unwrap().of(511), None);
        assert_eq!(parse("+1").unwrap().of(u64::MAX), None);
        assert!(parse("++1").is_err() && parse("").is_err() && parse("-").is_err());
    }
}

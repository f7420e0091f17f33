//! `detente image check`: which rules of its format an image breaks.

mod answer;
mod repair;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use detente_block::{BlockRead as _, ReadError};
use detente_disk::{CheckReport, Format as DiskFormat, OpenError};

use super::Format;
use super::source::Source;
use crate::failure::Failure;
use crate::output::Output;
use crate::page::clean;
use crate::{BAD, CANNOT_TELL, FINE, disks};

/// Look for broken rules in an image, and name each with its place and its specification.
///
/// The image's own file is looked at, not the files that it rests on; it is never written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente image check server.vhdx\n  \
    detente image check --format json server.qcow2\n  \
    detente image check --repair sound.vhdx server.vhdx\n\n\
    Exit codes: 0 sound, 1 rules are broken or room is lost, 2 could not tell, 64 wrong usage; \
    with --repair: 0 the copy is sound and whole, 1 something was lost, 2 no copy, 130 interrupted.")]
pub(crate) struct Arguments {
    /// The image.
    image: PathBuf,
    /// Copy what can be reached into a new image of the same kind, and check that.
    #[arg(long, value_name = "NEW")]
    repair: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// No rule is broken, no room is lost.
    Sound,
    /// Room of the file is lost; the content is right.
    Leaks,
    /// A rule is broken.
    Corrupt,
    /// Not everything could be looked at.
    Unknown,
}

impl Verdict {
    fn of(report: &CheckReport) -> Self {
        if report.corruptions > 0 {
            Self::Corrupt
        } else if !report.complete {
            Self::Unknown
        } else if report.leaks > 0 {
            Self::Leaks
        } else {
            Self::Sound
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Leaks => "leaks",
            Self::Corrupt => "corrupt",
            Self::Unknown => "unknown",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Sound => FINE,
            Self::Leaks | Self::Corrupt => BAD,
            Self::Unknown => CANNOT_TELL,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let path = &arguments.image;
    let file = disks::open_file(path)?;
    let report = match arguments.source.format() {
        Some(format) => detente_disk::check_as(&*file, format),
        None => detente_disk::check(&*file),
    };
    let report = report.map_err(|error| {
        let hint = match &error {
            _ if file.len_bytes() == 0 => {
                Some("the file has no bytes: copy it again and compare checksums".to_owned())
            }
            ReadError::Unsupported { .. } => Some(disks::unsupported_hint(path.display())),
            _ => None,
        };
        Failure::cannot_tell(anyhow::Error::new(error).context(named(path)), hint)
    })?;
    let verdict = Verdict::of(&report);
    let copy = match &arguments.repair {
        Some(new) => Some(repair::copy(path, &arguments.source, new)?),
        None => None,
    };
    match arguments.format {
        Format::Text => out.bytes(answer::text(path, &report, copy.as_ref()).as_bytes())?,
        Format::Json => out.json(&answer::ours(path, &report, copy.as_ref()))?,
        Format::QemuJson => out.json(&answer::as_qemu(path, &report))?,
    }
    if verdict == Verdict::Corrupt && arguments.format == Format::Text && copy.is_none() {
        out.aside(&clean(&format!("hint: {}", way_out(arguments))));
    }
    if verdict == Verdict::Unknown && report.format == DiskFormat::Vmdk {
        out.aside("hint: its extents are files of their own: check each of them");
    }
    let code = copy.map_or(verdict.code(), |copy| copy.verdict().code());
    Ok(ExitCode::from(code))
}

impl repair::Copy {
    /// What the copy comes to: one that lost something is no sound one.
    fn verdict(&self) -> Verdict {
        match Verdict::of(&self.check) {
            Verdict::Sound if self.report.lost_bytes > 0 => Verdict::Corrupt,
            verdict => verdict,
        }
    }
}

/// What is to be done about a corrupt image: only one that opens can be copied.
fn way_out(arguments: &Arguments) -> String {
    let name = named(&arguments.image);
    match arguments.source.open(&arguments.image) {
        Ok(image) if repair::can_be_made_anew(&image) => {
            format!("`detente image check --repair NEW {name}` copies what can still be reached")
        }
        Ok(_) => {
            format!("`detente image convert --salvage {name} NEW` copies what can still be reached")
        }
        Err(failure) => match failure.error.downcast_ref::<OpenError>() {
            Some(OpenError::Gate(_) | OpenError::DataFile(_) | OpenError::Loop { .. }) => {
                failure.hint.unwrap_or_default()
            }
            _ => "with this the image does not open, and nothing can be copied from it: copy the \
                  file again and compare checksums"
                .to_owned(),
        },
    }
}

fn named(path: &Path) -> String {
    path.display().to_string()
}

//! `detente image commit`: what an overlay shows becomes the content of its backing file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use detente_copy::{CommitTo, ConvertError, OnExisting, commit, commit_target};
use detente_disk::{Details, Image, OpenOptions, Target};

use super::parent::Parent;
use super::progress;
use super::rebase::{Writing, failed};
use super::source::Source;
use super::watcher::{self, Watcher};
use super::written::{Document, Names};
use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::{disks, interrupt};

/// Make what an overlay shows the content of the file that it rests on.
///
/// A new file is made, in the backing file's format and with its options, and the overlay is not
/// needed any more. The overlay is not written. With --in-place the new file takes the backing file's
/// name in one step once all of it is on stable storage, and the old one stays beside it, named
/// BASE.before. Other overlays on that file are broken by it, as by every write to it: there is no
/// list of them, so see that there are none.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("to").required(true),
    after_help = "Examples:\n  detente image commit -o server2.vhdx trial.vhdx\n  \
    detente image commit --in-place --verify trial.qcow2\n\n\
    Exit codes: 0 fine, 2 not done, 64 wrong usage, 130 interrupted."
)]
pub(crate) struct Arguments {
    /// The overlay.
    image: PathBuf,
    /// The new file.
    #[arg(short = 'o', long, value_name = "NEW", group = "to")]
    output: Option<PathBuf>,
    /// Let the new file take the backing file's place.
    #[arg(long, group = "to", conflicts_with = "force")]
    in_place: bool,
    /// Do not keep the old backing file.
    #[arg(long, requires = "in_place")]
    no_keep: bool,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    source: Source,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let image = arguments.source.open(&arguments.image)?;
    let Some(base) = image.layers.get(1).map(|layer| layer.path.clone()) else {
        return Err(no_overlay(&arguments.image).into());
    };
    let (new, to) = match &arguments.output {
        Some(path) => (path, CommitTo::NewFile(path)),
        None => (&base, CommitTo::InPlace),
    };
    let names = Names {
        source: Some(&arguments.image),
        target: new,
    };
    let failed = |error| with_hint(names, &base, arguments.in_place, error);
    let target = commit_target(&image);
    let mut target = target.map_err(|error| no_target(&arguments.image, &base, error))?;
    let below = arguments.put_below(&image, &mut target, new)?;
    let mut options = arguments.writing.options();
    if arguments.in_place {
        options.on_existing = match arguments.no_keep {
            true => OnExisting::Replace,
            false => OnExisting::KeepOld,
        };
    }
    let cancel = interrupt::watch()?;
    let watcher = Watcher::new(&cancel);
    let report = progress::shown(
        || watcher::reading(std::slice::from_ref(&watcher)),
        || commit(&image, below.as_ref(), &target, to, &options, &watcher),
    );
    let report = report.map_err(failed)?;
    let mut document = Document::new("commit");
    document.wrote(names, &report, arguments.writing.verify);
    let code = document.print(arguments.format, out)?;
    if arguments.in_place && !arguments.no_keep {
        let base = base.display();
        out.aside(&format!("the old file is {base}.before now"));
    }
    Ok(code)
}

impl Arguments {
    /// What the backing file rests on in turn goes under the new file, too.
    fn put_below(
        &self,
        image: &Image,
        target: &mut Target,
        new: &Path,
    ) -> Result<Option<Image>, Failure> {
        let (Some(base), Some(below)) = (image.layers.get(1), image.layers.get(2)) else {
            return Ok(None);
        };
        let options = OpenOptions {
            format: Some(below.format),
            ..OpenOptions::default()
        };
        let opened = disks::open_with(&below.path, self.source.allowed(), &options)?;
        // In its own place, the file names it as before.
        let name = match &base.details {
            Details::Qcow2(details) if self.in_place => details.backing.as_ref(),
            _ => None,
        };
        let name = name.map(|backing| backing.name.as_str());
        Parent::of(&below.path, &opened).put_under(target, new, name)?;
        Ok(Some(opened))
    }
}

fn no_overlay(image: &Path) -> Failure {
    Failure::usage(
        format!("{} rests on no other image", image.display()),
        "`detente image convert` copies an image; `detente image info` says what it rests on",
    )
}

/// What the overlay rests on cannot be made anew, under whatever name.
fn no_target(image: &Path, base: &Path, error: ConvertError) -> Failure {
    let (image, base) = (image.display(), base.display());
    let error = anyhow::Error::new(error).context(format!("{image}: {base}"));
    let hint = format!(
        "`detente image convert {image} NEW` makes an image of its own of what the overlay shows, in \
         the format that NEW ends with"
    );
    Failure::cannot_tell(error, Some(hint))
}

fn with_hint(names: Names<'_>, base: &Path, in_place: bool, error: ConvertError) -> Failure {
    let hint = match (&error, in_place) {
        (ConvertError::DestinationExists { path }, true) => Some(format!(
            "remove {}, or keep no old file with --no-keep",
            path.display()
        )),
        (ConvertError::Shrinks { .. }, true) => Some(
            "what lies behind the overlay's end would be lost; -o NEW makes another file"
                .to_owned(),
        ),
        _ => None,
    };
    let failure = failed(names, Some(base), error);
    Failure {
        hint: hint.or(failure.hint),
        ..failure
    }
}

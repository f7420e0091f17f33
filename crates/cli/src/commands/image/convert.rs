//! `detente image convert`: the same disk in another file format.

mod jobs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use detente_copy::{ConvertOptions, OnUnreadable, Zeroes};

use super::asked;
use super::source::Source;
use super::target::TargetArguments;
use super::written::Document;
use crate::args::Format;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;
use jobs::Job;

/// Make the same disk in another file format.
///
/// The source is not written. The new image gets its name when all of it is on stable storage;
/// until then, and if it fails, nothing of that name is there.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente image convert server.vhdx server.qcow2\n  \
    detente image convert --compress zstd --verify server.vhdx server.qcow2\n  \
    detente image convert --to-dir hyperv -O vhdx disk0.qcow2 disk1.qcow2\n\n\
    Exit codes: 0 fine, 1 some of it was lost (with --salvage), 2 not converted, 64 wrong usage, \
    130 interrupted."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// The source, then the new image; with --to-dir, sources alone.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The folder for the new images, which are named as their sources are.
    #[arg(long, value_name = "DIR", requires = "target_format")]
    to_dir: Option<PathBuf>,
    /// How many images are made at a time with --to-dir.
    #[arg(long, value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// Replace a file that has the new image's name.
    #[arg(long)]
    force: bool,
    /// Read the new image back and compare it with the source before it gets its name.
    #[arg(long)]
    verify: bool,
    /// Write zeroes for what cannot be read, and list it.
    #[arg(long)]
    salvage: bool,
    /// What becomes of zeroes that the source stores.
    #[arg(long, value_enum, default_value_t)]
    zeroes: ZeroPolicy,
    /// Take all the room that the file may need, now.
    #[arg(long)]
    preallocate: bool,
    /// Read the source though another program may be writing to it.
    #[arg(long)]
    ignore_locks: bool,
    /// Take what this internal snapshot holds, by its name or id (qcow2).
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    target: TargetArguments,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What becomes of zeroes that the source stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ZeroPolicy {
    /// They are copied: fastest, since nothing is looked at.
    #[default]
    Keep,
    /// Blocks of 4 KiB of them take no room.
    Detect,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let jobs = arguments.jobs()?;
    let cancel = interrupt::watch()?;
    let results = jobs::run(arguments, &jobs, &cancel);
    let mut document = Document::new("convert");
    let alone = jobs.len() == 1;
    for (job, result) in jobs.iter().zip(results) {
        match result {
            Ok(report) => document.wrote(job.names(), &report, arguments.verify),
            // Ctrl-C is meant for all of them.
            Err(failure) if alone || failure.code == crate::INTERRUPTED => {
                return Err(failure.into());
            }
            Err(failure) => {
                let error = anyhow::Error::from(failure);
                document.failed(job.names(), crate::failure::text(&error));
                // Said like an error of its own; the others go on.
                let _ = crate::failure::report(&error, out);
            }
        }
    }
    document.print(arguments.format, out)
}

impl Arguments {
    fn options(&self) -> ConvertOptions {
        ConvertOptions {
            zeroes: match self.zeroes {
                ZeroPolicy::Keep => Zeroes::AsMapped,
                ZeroPolicy::Detect => Zeroes::Detect,
            },
            on_existing: asked::on_existing(self.force),
            on_unreadable: if self.salvage {
                OnUnreadable::Zero
            } else {
                OnUnreadable::Fail
            },
            preallocation: asked::preallocation(self.preallocate),
            verification: asked::verification(self.verify),
            source_lock: asked::source_lock(self.ignore_locks),
            stamp: None,
        }
    }

    /// Which image is to be made of which.
    fn jobs(&self) -> Result<Vec<Job>, Failure> {
        match (&self.to_dir, self.images.as_slice()) {
            (Some(folder), sources) => self.jobs_into(folder, sources),
            (None, [source, target]) => {
                let format = self.target.format_for(target)?;
                Ok(vec![Job {
                    source: source.clone(),
                    path: target.clone(),
                    target: self.target.target(format)?,
                }])
            }
            (None, _) => Err(Failure::usage(
                format!(
                    "convert takes a source and a new image, not {}",
                    self.images.len()
                ),
                "several sources go to a folder: --to-dir DIR -O FORMAT",
            )),
        }
    }

    fn jobs_into(&self, folder: &Path, sources: &[PathBuf]) -> Result<Vec<Job>, Failure> {
        let mut jobs: Vec<Job> = Vec::new();
        for source in sources {
            let format = self.target.format_for(source)?;
            let stem = source.file_stem().ok_or_else(|| {
                let what = format!("{} names no file", source.display());
                Failure::usage(what, "name image files")
            })?;
            let mut name = stem.to_os_string();
            name.push(".");
            name.push(format.extension());
            let path = folder.join(name);
            if let Some(first) = jobs.iter().find(|job| job.path == path) {
                let (first, path) = (first.source.display(), path.display());
                let what = format!("{first} and {} would both become {path}", source.display());
                return Err(Failure::usage(what, "convert one of them by itself"));
            }
            let target = self.target.target(format)?;
            jobs.push(Job {
                source: source.clone(),
                path,
                target,
            });
        }
        Ok(jobs)
    }
}

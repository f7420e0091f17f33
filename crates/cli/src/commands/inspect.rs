//! `detente inspect`: what is in a guest's disks.

mod batch;
mod render;
mod virt_inspector;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use detente_guest::facts::{Facts, Verdict};
use detente_guest::{Options, inspect};

use crate::failure::Failure;
use crate::output::Output;
use crate::{BAD, CANNOT_TELL, FINE, disks};

/// More machines at a time would only wait for each other.
const MAX_JOBS: usize = 256;

/// Say what is in a server's disks: operating system, boot chain, kernels.
///
/// The disks are read, never written; nothing in them is run. No root, no mount, no KVM is needed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente inspect server.qcow2\n  \
    detente inspect --format json disk0.qcow2 disk1.qcow2\n  \
    detente inspect --batch /srv/images --jobs 4 --format json\n\n\
    Exit codes: 0 the guest can be started, 1 it would not boot, 2 could not tell, \
    64 wrong usage.")]
pub(crate) struct Arguments {
    /// The disks of one machine, the boot disk first.
    #[arg(required_unless_present = "batch", value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Many machines: a folder of images, or a list with a machine a line (its disks parted by tabs).
    /// The answer is a table, or with `--format json` a document a line.
    #[arg(long, value_name = "FOLDER|LIST", conflicts_with = "images")]
    batch: Option<PathBuf>,
    /// How many machines of a batch are looked at at a time; each takes up to 64 MiB.
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,
    /// List the kernel modules in the initramfs, which has to be unpacked for it.
    #[arg(long)]
    initramfs: bool,
    /// List the installed packages, as the guest's package databases say.
    #[arg(long)]
    packages: bool,
    /// A further folder that the image may name files in (backing files, parents, data files, extents).
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a guest is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: a document with a `schema`.
    Json,
    /// For programs made for libguestfs: the XML of its virt-inspector.
    VirtInspector,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    if let Some(from) = &arguments.batch {
        return batch::run(&batch(arguments, from)?, out);
    }
    if arguments.jobs.is_some() {
        let said = "--jobs is of no use without --batch".to_owned();
        return Err(Failure::usage(said, "give a folder or a list with --batch").into());
    }
    let images = disks::open_all(&arguments.images, &arguments.allow_path)?;
    let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
    let names: Vec<String> = arguments
        .images
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let guest = inspect(&readers, options(arguments)).map_err(|error| {
        let hint = error.hint();
        let named = anyhow::Error::new(error).context(names.join(", "));
        Failure::cannot_tell(named, hint)
    })?;
    match arguments.format {
        Format::Text => out.bytes(render::text(guest.facts(), &names).as_bytes())?,
        Format::Json => out.json(guest.facts())?,
        Format::VirtInspector => out.bytes(&virt_inspector::document(guest.facts())?)?,
    }
    Ok(ExitCode::from(code(guest.facts())))
}

fn options(arguments: &Arguments) -> Options {
    Options {
        initramfs_contents: arguments.initramfs,
        packages: arguments.packages,
    }
}

/// Many machines at once.
fn batch<'a>(arguments: &'a Arguments, from: &'a Path) -> Result<batch::Batch<'a>, Failure> {
    let answer = match arguments.format {
        Format::Text => batch::Answer::Table,
        Format::Json => batch::Answer::Lines,
        Format::VirtInspector => {
            return Err(Failure::usage(
                "a batch is no one document".to_owned(),
                "ask for one machine after the other, or for --format json",
            ));
        }
    };
    let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Ok(batch::Batch {
        from,
        jobs: arguments
            .jobs
            .map_or_else(processors, NonZeroUsize::get)
            .min(MAX_JOBS),
        options: options(arguments),
        allow_path: &arguments.allow_path,
        answer,
    })
}

/// A guest that would not boot is a bad finding; one of which we do not know how is none at all.
fn code(facts: &Facts) -> u8 {
    if facts
        .problems
        .iter()
        .any(|problem| problem.verdict == Verdict::Bad)
    {
        BAD
    } else if facts.problems.is_empty() {
        FINE
    } else {
        CANNOT_TELL
    }
}

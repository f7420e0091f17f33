//! `detente prepare`: make a server ready for other hardware without breaking it for its own.

mod asked;
mod batch;
mod document;
mod done;
mod hosts;
mod live;
pub(in crate::commands) mod one;
mod packages;
mod plan_page;
mod smoke;
mod undo;
pub(in crate::commands) mod within;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use detente_disk::Image;
use detente_guest::{Guest, Options, inspect};
use detente_host::local::AccelerationChoice;
use detente_validate::DiskInput;
use detente_validate::prepare::{Destination, OnBootFailure, PrepareError, Settled, settle_folder};

use crate::args::Format;
use crate::commands::image::target::TargetFormat;
use crate::failure::Failure;
use crate::output::Output;
use crate::{FINE, INTERRUPTED, interrupt};

/// Make a server ready for other virtual hardware, and keep it ready for its own.
///
/// The server is booted on hardware that it supports already, on a copy-on-write overlay; its own
/// tools change what `detente check` finds, and no more. The image is never written: the result is
/// a new file, with a journal beside it that takes everything back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente prepare server.qcow2 --dry-run\n  \
    detente prepare server.qcow2 -o both.qcow2\n  \
    detente prepare server.qcow2 -o server.vhdx --profile kvm --profile hyperv-gen2 --validate\n  \
    detente prepare --in-place server.qcow2\n  \
    detente prepare --undo both.qcow2.journal -o before.qcow2\n  \
    detente prepare --batch list.toml --jobs 2\n\n\
    Exit codes: 0 prepared and ready, or nothing to do, 1 not ready for one of the profiles all the \
    same, 2 not prepared, 64 wrong usage, 130 interrupted.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// The disks of one machine, the boot disk first.
    #[arg(required_unless_present_any = ["undo", "batch"], value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The new file; where there are several disks, a new folder for them.
    #[arg(
        short,
        long,
        value_name = "OUT",
        required_unless_present_any = ["in_place", "dry_run", "batch"],
        conflicts_with = "in_place"
    )]
    out: Option<PathBuf>,
    /// The format of the new disks; without it, what the name of OUT ends with, else that of each
    /// image.
    #[arg(
        short = 'O',
        long,
        value_enum,
        value_name = "FORMAT",
        conflicts_with = "in_place"
    )]
    target_format: Option<TargetFormat>,
    /// Put the new disk where the image is, which gets `.before` behind its name.
    #[arg(long)]
    in_place: bool,
    /// Say what would be done, and do nothing.
    #[arg(long, conflicts_with_all = ["in_place", "undo", "validate"])]
    dry_run: bool,
    /// Take back what this journal says; the disks need not be named.
    #[arg(long, value_name = "JOURNAL")]
    undo: Option<PathBuf>,
    /// The virtual hardware: kvm, kvm-legacy, hyperv-gen1, hyperv-gen2, hyperv-vmbus, or all. May be
    /// given again; without it, KVM's and Hyper-V's that fit this guest's firmware.
    #[arg(long = "profile", value_name = "PROFILE", conflicts_with = "undo")]
    profiles: Vec<String>,
    /// Boot the result on each of these and run the test plan `smoke` inside.
    #[arg(long)]
    validate: bool,
    /// A folder of packages that may be installed (agents of the other side).
    #[arg(long, value_name = "DIR", conflicts_with = "undo")]
    packages: Option<PathBuf>,
    /// The address of a network card of the machine, with the interface's name before it if that is
    /// known. May be given again.
    #[arg(long = "mac", value_name = "[NAME=]MAC", conflicts_with = "undo")]
    macs: Vec<String>,
    /// What to do when the guest does not boot on hardware that it should support.
    #[arg(long, value_enum, default_value_t)]
    on_boot_failure: BootFailure,
    /// Prepare the machines that this list names; `docs/guide/prepare.md` says what is in it.
    #[arg(long, value_name = "LIST.toml", conflicts_with_all = ["images", "out", "target_format",
        "in_place", "dry_run", "undo", "profiles", "validate", "packages", "macs", "allow_path"])]
    batch: Option<PathBuf>,
    /// How many machines are prepared at a time with --batch; each is booted.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "batch",
        value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// A further folder that the image may name files in (backing files, parents, data files, extents).
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
    /// Run in software even where the processor could do it.
    #[arg(long)]
    emulate: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What to do when the guest does not boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum BootFailure {
    /// Try the next hardware, and in the end give it drivers from its own disk for that one boot.
    #[default]
    TryNext,
    /// Stop.
    Stop,
}

impl From<BootFailure> for OnBootFailure {
    fn from(asked: BootFailure) -> Self {
        match asked {
            BootFailure::TryNext => Self::TryNext,
            BootFailure::Stop => Self::Stop,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    if let Some(journal) = &arguments.undo {
        return undo::run(arguments, journal, out);
    }
    if let Some(list) = &arguments.batch {
        return batch::run(list, arguments, out);
    }
    if !arguments.dry_run {
        let near = arguments.out.as_deref();
        settle(near.or(one::first(&arguments.images)), out)?;
    }
    let wanted = arguments.wanted(arguments.images.clone());
    let looked = wanted.look()?;
    if arguments.dry_run {
        match arguments.format {
            Format::Json => out.json(&looked.plan)?,
            Format::Text => out.bytes(plan_page::text(&looked.guest, &looked.plan).as_bytes())?,
        }
        return Ok(ExitCode::from(FINE));
    }
    let mut live = live::Live::new(out);
    live.begin(&looked.guest, &looked.plan);
    let hosts = hosts::Found::new(choice(arguments));
    let cancel = interrupt::watch()?;
    let profiles = looked.plan.profiles.clone();
    let destination = arguments.destination()?;
    let outcome = wanted.carry_out(looked, destination, &hosts, &cancel, &mut live)?;
    let validation = match arguments.validate {
        true => Some(smoke::run(&outcome, &profiles, &hosts, &cancel, out)?),
        false => None,
    };
    done::print(&outcome, validation.as_ref(), arguments.format, out)
}

impl Arguments {
    fn wanted(&self, images: Vec<PathBuf>) -> one::Wanted {
        one::Wanted {
            images,
            allow_path: self.allow_path.clone(),
            profiles: self.profiles.clone(),
            macs: self.macs.clone(),
            packages: self.packages.clone(),
            on_boot_failure: self.on_boot_failure.into(),
            acceleration: choice(self),
        }
    }

    fn destination(&self) -> Result<Destination, Failure> {
        let path = match (&self.out, self.in_place) {
            (_, true) => return Ok(Destination::InPlace),
            (Some(path), false) => path.clone(),
            (None, false) => {
                return Err(Failure::usage(
                    "there is no output".to_owned(),
                    "name a new file with -o, or say --in-place",
                ));
            }
        };
        let named = || {
            let is_one = self.images.len() < 2;
            is_one.then(|| TargetFormat::of_name(&path)).flatten()
        };
        let format = self.target_format.or_else(named);
        let target = format.map(TargetFormat::target);
        Ok(Destination::New { path, target })
    }
}

fn choice(arguments: &Arguments) -> AccelerationChoice {
    if arguments.emulate {
        AccelerationChoice::Emulated
    } else {
        AccelerationChoice::Proved
    }
}

/// Cleans up after a run that was killed, before anything is opened: it may have been about to put
/// a disk in place.
fn settle(near: Option<&Path>, out: &mut Output) -> Result<(), Failure> {
    let Some(near) = near else {
        return Ok(());
    };
    let folder = match near.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let settled = settle_folder(folder).map_err(|error| Failure::cannot_tell(error, None))?;
    for one in settled {
        out.aside(&match one {
            Settled::Removed { work } => format!(
                "a run that was killed had left {}: removed, its images are as they were",
                work.display()
            ),
            Settled::Finished { disks } => {
                let names: Vec<_> = disks
                    .iter()
                    .map(|disk| disk.display().to_string())
                    .collect();
                format!(
                    "a run that was killed had put the first of its disks in place: finished, {}",
                    names.join(", ")
                )
            }
        });
    }
    Ok(())
}

/// What the disks hold, with all that rules and planners ask for.
fn look(images: &[Image], paths: &[PathBuf]) -> Result<Guest, Failure> {
    let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
    let options = Options {
        initramfs_contents: true,
        packages: true,
    };
    inspect(&readers, options).map_err(|error| {
        let hint = error.hint();
        let named = one::first(paths).map_or_else(String::new, |path| path.display().to_string());
        Failure::cannot_tell(anyhow::Error::new(error).context(named), hint)
    })
}

fn with_paths(paths: &[PathBuf], images: Vec<Image>) -> Vec<DiskInput> {
    let disks = paths.iter().cloned().zip(images);
    disks
        .map(|(path, image)| DiskInput { path, image })
        .collect()
}

/// The error with what the guest said last, the way out and the exit code.
fn failure(error: PrepareError) -> Failure {
    let hint = error.hint();
    let code = match &error {
        PrepareError::Interrupted => INTERRUPTED,
        PrepareError::Exists { .. } | PrepareError::Name { .. } => crate::USAGE,
        _ => crate::CANNOT_TELL,
    };
    let said = live::last_words(&error);
    let error = anyhow::Error::new(error);
    Failure {
        error: match said {
            Some(said) => error.context(said),
            None => error,
        },
        hint,
        code,
    }
}

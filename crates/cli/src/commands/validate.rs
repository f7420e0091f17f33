//! `detente validate`: boot a guest and run a plan inside it.

mod batch;
pub(super) mod choice;
pub(super) mod hosts;
pub(super) mod live;
mod one;
pub(crate) mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use detente_evidence::{Run, Verdict};
use detente_host::local::AccelerationChoice;
use detente_machine::Profile;
use detente_validate::{Fault, OwnCase};

use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::{environment, interrupt};

/// Boot a server's disks on virtual hardware and run a test plan inside.
///
/// The guest is started with its own kernel, initramfs and command line; nothing is installed in
/// it, and its image is never written.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[command(after_help = "Examples:\n  detente validate server.qcow2\n  \
    detente validate server.qcow2 --profile hyperv-vmbus --out result\n\n\
    Exit codes: 0 every required case passed, 1 one failed, 2 not everything was seen, \
    64 wrong usage, 130 interrupted.")]
pub(crate) struct Arguments {
    /// The disks of one machine, the boot disk first.
    #[arg(required_unless_present = "batch", value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The virtual hardware: kvm, kvm-legacy, hyperv-vmbus. May be given again; without it, kvm and
    /// hyperv-vmbus.
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    #[command(flatten)]
    choice: choice::ChoiceArguments,
    /// A folder of your own cases: executables that are run in the guest after the plan's.
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// The folder to write the run to; must not exist. Without it, one below the state folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep the throw-away overlays in the run's folder.
    #[arg(long)]
    keep: bool,
    /// After a failure leave the machine up, and say how to get in, until Ctrl-C.
    #[arg(long)]
    keep_on_failure: bool,
    /// Validate the machines that this list names; `docs/guide/validate.md` says what is in it.
    #[arg(long, value_name = "LIST.toml", conflicts_with_all = ["images", "out", "rerun_failed",
        "keep_on_failure"])]
    batch: Option<PathBuf>,
    /// How many machines are validated at a time with --batch; each is booted.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "batch",
        value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// A further folder that the image may name files in (backing files, parents, data files, extents).
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
    /// How long a boot may take, instead of the plan's limit.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    boot_limit: Option<u64>,
    /// How long a shutdown may take, instead of the plan's limit.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    shutdown_limit: Option<u64>,
    /// How long each case may take at most, where the plan allows it more; boot and shutdown have
    /// limits of their own.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    case_limit: Option<u64>,
    /// Run in software even where the processor could do it.
    #[arg(long)]
    emulate: bool,
    /// Do not reproduce failures on the other side's hardware, where one side alone was asked for.
    #[arg(long)]
    no_control: bool,
    /// Print the run document instead of the table.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Spoil the machine on purpose (the project's own tests).
    #[arg(long = "fault", hide = true)]
    faults: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let (asked, profiles) = asked(arguments)?;
    if let Some(list) = &arguments.batch {
        return batch::run(list, arguments, &asked, &profiles, out);
    }
    let folder = match &arguments.out {
        Some(folder) => folder.clone(),
        None => environment::new_run_folder()?,
    };
    let wanted = one::Wanted {
        images: &arguments.images,
        allow_path: &arguments.allow_path,
        profiles: &profiles,
        out: folder.clone(),
    };
    let interrupt = interrupt::watch()?;
    let run = asked.validate(wanted, &interrupt, &mut live::Live::new(out))?;
    render(arguments, &run, &folder, out)?;
    Ok(ExitCode::from(exit_code(run.verdict)))
}

/// What holds for every machine, and the profiles of those that say nothing themselves.
fn asked(arguments: &Arguments) -> Result<(one::Asked, Vec<Profile>), Failure> {
    let own_cases = own_cases(arguments.cases.as_deref())?;
    let names: Vec<String> = own_cases.iter().map(|case| case.id.clone()).collect();
    let choice::Choice { plan, scope } = arguments.choice.choose(&names)?;
    let profiles = choice::profiles(profiles(&arguments.profiles)?, &scope);
    let asked = one::Asked {
        plan,
        scope,
        own_cases,
        faults: faults(&arguments.faults)?,
        choice: if arguments.emulate {
            AccelerationChoice::Emulated
        } else {
            AccelerationChoice::Proved
        },
        control: !arguments.no_control,
        keep: arguments.keep,
        keep_on_failure: match arguments.keep_on_failure {
            true => Some(environment::runtime_folder()?),
            false => None,
        },
        boot_limit: arguments.boot_limit.map(Duration::from_secs),
        shutdown_limit: arguments.shutdown_limit.map(Duration::from_secs),
        case_limit: arguments.case_limit.map(Duration::from_secs),
    };
    Ok((asked, profiles))
}

/// The user's own cases.
fn own_cases(folder: Option<&Path>) -> Result<Vec<OwnCase>, Failure> {
    let Some(folder) = folder else {
        return Ok(Vec::new());
    };
    OwnCase::read_all(folder).map_err(|error| Failure {
        error: error.into(),
        hint: Some("docs/guide/own-cases.md says what a case may be".to_owned()),
        code: crate::USAGE,
    })
}

fn profiles(names: &[String]) -> Result<Vec<Profile>, Failure> {
    let mut profiles = Vec::new();
    for name in names {
        let profile: Profile = name
            .parse()
            .map_err(|error: detente_machine::UnknownProfile| {
                Failure::usage(
                    error.to_string(),
                    "`detente validate --help` says what they are",
                )
            })?;
        if !profiles.contains(&profile) {
            profiles.push(profile);
        }
    }
    Ok(profiles)
}

fn faults(names: &[String]) -> Result<Vec<Fault>, Failure> {
    names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, detente_validate::UnknownFault>>()
        .map_err(|error| {
            let known: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
            Failure::usage(
                error.to_string(),
                &format!("the faults are: {}", known.join(", ")),
            )
        })
}

fn render(arguments: &Arguments, run: &Run, folder: &Path, out: &mut Output) -> anyhow::Result<()> {
    match arguments.format {
        Format::Json => out.json(run)?,
        Format::Text => {
            for line in table::table(run) {
                out.line(&line)?;
            }
        }
    }
    out.aside(&format!("run written to {}", folder.display()));
    let report = folder.join("report.html");
    out.aside(&format!("report: {}", report.display()));
    Ok(())
}

fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => crate::FINE,
        Verdict::Failed => crate::BAD,
        Verdict::Incomplete => crate::CANNOT_TELL,
        Verdict::Interrupted => crate::INTERRUPTED,
    }
}

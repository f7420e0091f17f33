//! `detente check`: would this guest run over there.

mod document;
pub(super) mod explain;
mod render;
mod sarif;
mod support;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use detente_guest::check::{Profile, State, UnknownProfile, check, check_unread, fitting};
use detente_guest::{Facts, Options, inspect};

use self::document::Document;
use crate::failure::Failure;
use crate::output::Output;
use crate::{BAD, CANNOT_TELL, FINE, disks};

/// Say whether a server would run on other virtual hardware, and what stands in the way.
///
/// The disks are read, never written; nothing is booted. Each finding has its proof, what follows
/// and what helps. What vendors say of this release stands beside it, and is another matter.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente check server.qcow2\n  \
    detente check --profile hyperv-gen2 --format json disk0.vhdx disk1.vhdx\n  \
    detente check --explain linux.initramfs.storvsc-missing\n\n\
    Exit codes: 0 ready, with remarks or without, 1 not ready for one of the profiles, \
    2 could not tell, 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The disks of one machine, the boot disk first.
    #[arg(required_unless_present_any = ["explain", "list"], value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The virtual hardware: kvm, kvm-legacy, hyperv-gen1, hyperv-gen2, hyperv-vmbus, or all. May be
    /// given again; without it, all but the generation of Hyper-V that this guest's firmware rules out.
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// A further folder that the image may name files in (backing files, parents, data files, extents).
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
    /// Say what a rule looks at, what follows from a finding and what helps.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["images", "list", "format", "profiles"])]
    explain: Option<String>,
    /// List all rules.
    #[arg(long, conflicts_with_all = ["images", "format", "profiles"])]
    list: bool,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum CheckFormat {
    /// For people.
    #[default]
    #[value(alias = "human")]
    Text,
    /// For programs: a document with a `schema`.
    Json,
    /// For programs that show findings: SARIF 2.1.0.
    Sarif,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    if arguments.list {
        out.bytes(explain::list().as_bytes())?;
        return Ok(ExitCode::from(FINE));
    }
    if let Some(id) = &arguments.explain {
        out.bytes(explain::rule(id)?.as_bytes())?;
        return Ok(ExitCode::from(FINE));
    }
    let named = named(&arguments.profiles)?;
    let names: Vec<String> = arguments
        .images
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let document = document(arguments, named, names)?;
    match arguments.format {
        CheckFormat::Text => out.bytes(render::text(&document).as_bytes())?,
        CheckFormat::Json => out.json(&document)?,
        CheckFormat::Sarif => out.json(&sarif::log(&document))?,
    }
    Ok(ExitCode::from(code(document.state)))
}

/// The profiles that were asked for, each once; `None` if none was.
fn named(names: &[String]) -> Result<Option<Vec<Profile>>, Failure> {
    let mut profiles = Vec::new();
    for name in names {
        let own = if name == "all" {
            Profile::ALL.to_vec()
        } else {
            vec![name.parse().map_err(|error: UnknownProfile| {
                let hint = "`detente check --help` says what they are";
                Failure::usage(error.to_string(), hint)
            })?]
        };
        profiles.extend(own);
    }
    let asked = |profile: &Profile| profiles.contains(profile);
    let profiles: Vec<Profile> = Profile::ALL.into_iter().filter(asked).collect();
    Ok((!names.is_empty()).then_some(profiles))
}

/// Reads the disks, the contents of initramfs files with them (rules ask for those), and applies
/// the rules.
fn document(
    arguments: &Arguments,
    named: Option<Vec<Profile>>,
    names: Vec<String>,
) -> anyhow::Result<Document> {
    let images = disks::open_all(&arguments.images, &arguments.allow_path)?;
    let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
    let options = Options {
        initramfs_contents: true,
        ..Options::default()
    };
    let error = match inspect(&readers, options) {
        Ok(guest) => return Ok(answer(guest.facts(), names, named)),
        Err(error) => error,
    };
    let profiles = named.unwrap_or_else(|| Profile::ALL.to_vec());
    if let Some(readiness) = check_unread(&error, &profiles) {
        return Ok(Document::unread(
            names,
            readiness,
            support::unknown(&profiles),
        ));
    }
    let hint = error.hint();
    let named = anyhow::Error::new(error).context(names.join(", "));
    Err(Failure::cannot_tell(named, hint).into())
}

fn answer(facts: &Facts, names: Vec<String>, named: Option<Vec<Profile>>) -> Document {
    let (profiles, left_out) = named.map_or_else(|| fitting(facts), |own| (own, Vec::new()));
    let readiness = check(facts, &profiles);
    let support = support::said(facts, &profiles);
    Document::new(facts, names, readiness, left_out, support)
}

fn code(state: State) -> u8 {
    match state {
        State::NotReady => BAD,
        State::Unknown => CANNOT_TELL,
        State::NotApplicable | State::Ready | State::ReadyWithRemarks => FINE,
    }
}

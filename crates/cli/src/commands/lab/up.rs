//! `detente lab up`: boot a lab and keep it.

use std::process::ExitCode;

use clap::Args;
use detente_host::hyperv::{HypervOptions, Route, route};
use detente_host::lab::warm::{self, Up};
use detente_host::lab::{LabHost, LabOptions, Programs, fetch, find_kernel};
use detente_host::{Host as _, HostError};
use detente_plan::Plan;

use super::report::{Report, State};
use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::{FINE, environment};

/// Boot a lab and keep it until `detente lab down`.
///
/// Its kernel is this host's own if that has what is needed, else one that was fetched before.
/// With `--fetch-kernel` one is fetched with the distribution's own tools (apt-get download, dnf
/// download) and unpacked into the cache folder, as the user who asks; nothing is installed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente lab up\n  detente lab up --fetch-kernel --memory 4096\n\n\
    Exit codes: 0 a lab is up, 2 it could not be had, 64 wrong usage, 130 interrupted."
)]
pub(crate) struct Arguments {
    /// The memory of the largest guest, in MiB. Without it, what the built-in plans want.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(128..=1_048_576))]
    memory: Option<u64>,
    /// Fetch the distribution's kernel package if no kernel here serves: some 30 MB, over the
    /// network.
    #[arg(long)]
    fetch_kernel: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let options = HypervOptions {
        folders: environment::search_path(),
        runtime: environment::runtime_folder()?,
        cache: environment::cache_folder()?,
        ..HypervOptions::default()
    };
    if arguments.fetch_kernel && find_kernel(&options.cache).is_err() {
        out.aside("fetching the distribution's kernel package");
        let kernel = fetch(&options.folders, &options.cache).map_err(cannot)?;
        out.aside(&format!(
            "unpacked Linux {} {} into {}",
            kernel.release,
            kernel.origin,
            options.cache.display()
        ));
    }
    let host = host(&options, out).map_err(cannot)?;
    let memory = arguments.memory.unwrap_or_else(plans_memory_mib);
    let report = match warm::up(&host, memory).map_err(cannot)? {
        Up::Booted(lab) => Report::new(State::Up, true, "the lab is up", Some(lab)),
        Up::Already(lab) => Report::new(State::Up, false, "a lab was up already", Some(lab)),
        Up::Busy(lab) => Report::new(State::InUse, false, "a lab is up and in use", lab),
    };
    report.print(arguments.format, out)?;
    Ok(ExitCode::from(FINE))
}

fn host(options: &HypervOptions, out: &mut Output) -> Result<LabHost, HostError> {
    let because = match route(options) {
        Route::Lab(because) => because,
        Route::Kvm(proof) => {
            out.aside(&format!(
                "note: validation will not use it: this host's own KVM serves ({proof})"
            ));
            "it was asked for".to_owned()
        }
    };
    let host = LabHost::find(&LabOptions {
        folders: options.folders.clone(),
        runtime: options.runtime.clone(),
        cache: options.cache.clone(),
        programs: Programs::embedded(),
        shown: options.shown,
        because,
    })?;
    out.aside(&format!("lab: {}", host.facts().acceleration_proof));
    Ok(host)
}

/// What the plans that come with us want of a guest.
fn plans_memory_mib() -> u64 {
    Plan::built_in()
        .iter()
        .map(|plan| plan.parameters.memory_mib)
        .max()
        .unwrap_or_default()
}

fn cannot(error: HostError) -> Failure {
    let hint = "`detente doctor` says what is missing and how to get it";
    Failure::cannot_tell(error, Some(hint.to_owned()))
}

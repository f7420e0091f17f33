//! `--validate`: boots the result on each hardware that was asked for and is to be had here.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_guest::check::Profile as Hardware;
use detente_machine::Profile;
use detente_plan::Plan;
use detente_validate::prepare::PrepareOutcome;
use detente_validate::{Request, Scope, validate};

use super::document::Validation;
use super::hosts::Found;
use crate::commands::validate::live::Live;
use crate::failure::Failure;
use crate::output::Output;
use crate::{disks, environment, tool};

pub(super) fn run(
    outcome: &PrepareOutcome,
    asked: &[Hardware],
    hosts: &Found,
    cancel: &Arc<AtomicBool>,
    out: &mut Output,
) -> anyhow::Result<Validation> {
    let paths: Vec<PathBuf> = outcome
        .disks
        .iter()
        .map(|disk| PathBuf::from(&disk.path))
        .collect();
    let folder = environment::new_run_folder()?;
    let mut not_booted = Vec::new();
    let mut columns = Vec::new();
    for profile in profiles(asked) {
        match hosts.column(profile) {
            Ok(column) => columns.push(column),
            Err(failure) => not_booted.push(format!("{profile}: {:#}", failure.error)),
        }
    }
    let mut validation = Validation {
        folder: folder.display().to_string(),
        not_booted,
        run: None,
    };
    if columns.is_empty() || paths.is_empty() {
        return Ok(validation);
    }
    let images = disks::open_all(&paths, &[])?;
    let guest = super::look(&images, &paths)?;
    let plan = Plan::named("smoke").expect("it is built in");
    let mut live = Live::new(out);
    live.begin(&guest, &plan, columns.iter().map(|column| column.host));
    let request = Request {
        disks: super::with_paths(&paths, images),
        guest: &guest,
        plan,
        scope: Scope::default(),
        own_cases: Vec::new(),
        keep_on_failure: None,
        profiles: columns,
        control: None,
        out: folder,
        keep: false,
        faults: Vec::new(),
        boot_limit: None,
        shutdown_limit: None,
        case_limit: None,
        tool: tool::record(),
        interrupt: cancel.clone(),
    };
    let run = validate(request, &mut live).map_err(|error| {
        let hint = error.hint();
        Failure::cannot_tell(error, hint)
    })?;
    validation.run = Some(run);
    Ok(validation)
}

/// The machines that show what was asked for, as near as it can be shown here.
fn profiles(asked: &[Hardware]) -> Vec<Profile> {
    let mut profiles = Vec::new();
    for hardware in asked {
        let profile = match hardware {
            Hardware::Kvm => Profile::Kvm,
            Hardware::KvmLegacy => Profile::KvmLegacy,
            Hardware::HypervGen1 | Hardware::HypervGen2 | Hardware::HypervVmbus => {
                Profile::HypervVmbus
            }
        };
        if !profiles.contains(&profile) {
            profiles.push(profile);
        }
    }
    profiles
}

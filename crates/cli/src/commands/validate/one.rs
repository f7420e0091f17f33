//! One machine: its disks are opened, looked at and validated.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use detente_disk::Image;
use detente_evidence::Run;
use detente_guest::Guest;
use detente_host::Host;
use detente_host::local::AccelerationChoice;
use detente_machine::Profile;
use detente_plan::Plan;
use detente_validate::{DiskInput, Fault, Observer, OwnCase, Request, Scope, ValidateError};

use super::hosts::Hosts;
use crate::failure::Failure;
use crate::{disks, tool};

/// What holds for every machine of a command.
pub(super) struct Asked {
    pub(super) plan: Plan,
    pub(super) scope: Scope,
    pub(super) own_cases: Vec<OwnCase>,
    pub(super) faults: Vec<Fault>,
    pub(super) choice: AccelerationChoice,
    pub(super) control: bool,
    pub(super) keep: bool,
    pub(super) keep_on_failure: Option<PathBuf>,
    pub(super) boot_limit: Option<Duration>,
    pub(super) shutdown_limit: Option<Duration>,
    pub(super) case_limit: Option<Duration>,
}

/// One machine.
pub(super) struct Wanted<'a> {
    /// The disks, the boot disk first.
    pub(super) images: &'a [PathBuf],
    pub(super) allow_path: &'a [PathBuf],
    pub(super) profiles: &'a [Profile],
    /// The folder of the run.
    pub(super) out: PathBuf,
}

/// Is told what is going to be done, and then what happens.
pub(super) trait Audience: Observer {
    /// Before anything takes time.
    fn begin(&mut self, guest: &Guest, plan: &Plan, hosts: &mut dyn Iterator<Item = &dyn Host>);
}

impl Asked {
    /// Everything that bears on what a machine's run says, in one line.
    pub(super) fn name(&self) -> String {
        let own: Vec<_> = self.own_cases.iter().map(OwnCase::record).collect();
        let limits = (self.boot_limit, self.shutdown_limit, self.case_limit);
        let (digest, scope, choice) = (self.plan.digest(), &self.scope, self.choice);
        format!(
            "{digest} {scope:?} {own:?} {limits:?} {choice:?} {:?}",
            self.faults
        )
    }

    /// Validates one machine.
    pub(super) fn validate(
        &self,
        wanted: Wanted<'_>,
        interrupt: &Arc<AtomicBool>,
        audience: &mut dyn Audience,
    ) -> Result<Run, Failure> {
        let images = disks::open_all(wanted.images, wanted.allow_path)?;
        let guest = inspect(&images, wanted.images)?;
        let hosts = Hosts::find(wanted.profiles, self.choice)?;
        audience.begin(&guest, &self.plan, &mut hosts.all());
        let control = || hosts.control(wanted.profiles);
        let request = Request {
            disks: with_paths(wanted.images, images),
            guest: &guest,
            plan: self.plan.clone(),
            scope: self.scope.clone(),
            own_cases: self.own_cases.clone(),
            profiles: hosts.columns(wanted.profiles),
            control: self.control.then_some(&control),
            out: wanted.out,
            keep: self.keep,
            keep_on_failure: self.keep_on_failure.clone(),
            faults: self.faults.clone(),
            boot_limit: self.boot_limit,
            shutdown_limit: self.shutdown_limit,
            case_limit: self.case_limit,
            tool: tool::record(),
            interrupt: interrupt.clone(),
        };
        detente_validate::validate(request, audience).map_err(|error| {
            let hint = error.hint().or_else(|| host_hint(&error));
            Failure::cannot_tell(error, hint)
        })
    }
}

/// What the disks hold; without an operating system there is nothing to boot.
fn inspect(images: &[Image], paths: &[PathBuf]) -> Result<Guest, Failure> {
    let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
    detente_guest::inspect(&readers, detente_guest::Options::default()).map_err(|error| {
        let hint = error.hint();
        let named = paths.first().map(|path| Path::display(path).to_string());
        let error = anyhow::Error::new(error).context(named.unwrap_or_default());
        Failure::cannot_tell(error, hint)
    })
}

fn with_paths(paths: &[PathBuf], images: Vec<Image>) -> Vec<DiskInput> {
    paths
        .iter()
        .zip(images)
        .map(|(path, image)| DiskInput {
            path: path.clone(),
            image,
        })
        .collect()
}

fn host_hint(error: &ValidateError) -> Option<String> {
    match error {
        ValidateError::Host(_) => Some("`detente doctor` says what this machine can do".to_owned()),
        _ => None,
    }
}

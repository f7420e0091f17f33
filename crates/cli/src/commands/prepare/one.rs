//! One machine: what is asked, what is found, what is done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_disk::Image;
use detente_guest::Guest;
use detente_guest::check::check;
use detente_guest::prepare::{Options, Plan, plan};
use detente_host::local::AccelerationChoice;
use detente_validate::prepare::{
    Destination, OnBootFailure, PrepareObserver, PrepareOutcome, PrepareRequest, Surroundings,
    carry_out,
};

use super::{asked, failure, hosts, look, packages, with_paths};
use crate::disks;
use crate::failure::Failure;

/// What is asked.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Wanted {
    /// The disks, the boot disk first.
    pub(in crate::commands) images: Vec<PathBuf>,
    pub(in crate::commands) allow_path: Vec<PathBuf>,
    /// The hardware by its names; none for both sides'.
    pub(in crate::commands) profiles: Vec<String>,
    /// The addresses of cards.
    pub(in crate::commands) macs: Vec<String>,
    /// A folder of packages that may be installed.
    pub(in crate::commands) packages: Option<PathBuf>,
    pub(in crate::commands) on_boot_failure: OnBootFailure,
    pub(in crate::commands) acceleration: AccelerationChoice,
}

/// What is there, and what is to be done.
pub(super) struct Looked {
    images: Vec<Image>,
    pub(super) guest: Guest,
    pub(super) plan: Plan,
    packages: Vec<PathBuf>,
}

impl Wanted {
    /// Looks at the disks, and plans. Nothing is written.
    pub(super) fn look(&self) -> Result<Looked, Failure> {
        let asked = asked::named(&self.profiles)?;
        let macs = asked::macs(&self.macs)?;
        let packages = packages::list(self.packages.as_deref())?;
        let images = disks::open_all(&self.images, &self.allow_path)?;
        let guest = look(&images, &self.images)?;
        let profiles = asked::profiles(guest.facts(), asked);
        let readiness = check(guest.facts(), &profiles);
        let options = Options {
            profiles,
            macs,
            packages: packages.iter().map(|(own, _)| own.clone()).collect(),
        };
        let plan = plan(&guest, &readiness, &options)
            .map_err(|error| Failure::cannot_tell(error, None))?;
        Ok(Looked {
            images,
            guest,
            plan,
            packages: packages.into_iter().map(|(_, path)| path).collect(),
        })
    }

    /// Does what was planned.
    pub(super) fn carry_out(
        &self,
        looked: Looked,
        destination: Destination,
        hosts: &hosts::Found,
        cancel: &Arc<AtomicBool>,
        observer: &mut dyn PrepareObserver,
    ) -> Result<PrepareOutcome, Failure> {
        let request = PrepareRequest {
            disks: with_paths(&self.images, looked.images),
            guest: &looked.guest,
            plan: looked.plan,
            packages: looked.packages,
            with: self.surroundings(destination, hosts, cancel),
        };
        carry_out(request, observer).map_err(failure)
    }

    /// Where, how, and until when.
    pub(super) fn surroundings<'a>(
        &self,
        destination: Destination,
        hosts: &'a hosts::Found,
        cancel: &Arc<AtomicBool>,
    ) -> Surroundings<'a> {
        Surroundings {
            hosts,
            destination,
            on_boot_failure: self.on_boot_failure,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            interrupt: cancel.clone(),
        }
    }
}

/// The first of the disks.
pub(super) fn first(images: &[PathBuf]) -> Option<&Path> {
    images.first().map(PathBuf::as_path)
}

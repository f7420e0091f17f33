//! The Hyper-V-compatible machine: on this host's KVM where that works, else in the lab
//! ([`crate::lab`]). It is not Hyper-V.
//!
//! ```no_run
//! use detente_host::Host as _;
//! use detente_host::hyperv::{HypervHost, HypervOptions};
//!
//! # fn options() -> HypervOptions { unimplemented!() }
//! let host = HypervHost::find(&options())?;
//! println!("{}", host.facts().acceleration_proof);
//! # Ok::<(), detente_host::HostError>(())
//! ```

mod config;
mod kvm;
mod launch;
mod log;
mod machine;
mod network;
mod spoil;
mod stream;

use std::path::{Path, PathBuf};

use detente_machine::LaunchSpec;

use crate::lab::{LabHost, LabOptions, Programs};
use crate::local::AccelerationChoice;
use crate::{Host, HostError, HostFacts, Machine};

pub use config::Shown;
pub(crate) use config::{Found, config, whole};
use kvm::KvmHost;
pub(crate) use launch::{Joined, join};
pub(crate) use machine::{Ender, HypervMachine};

/// What the machine is called. It is not Hyper-V.
pub const PRODUCT: &str = "détente's Hyper-V-compatible machine";

/// How the machine is looked for on this host.
#[derive(Debug, Clone, Default)]
pub struct HypervOptions {
    /// The folders where programs are, best first: what `PATH` says.
    pub folders: Vec<PathBuf>,
    /// Our folder for sockets.
    pub runtime: PathBuf,
    /// Our cache folder, where a fetched kernel for the lab is.
    pub cache: PathBuf,
    /// What the machine shows.
    pub shown: Shown,
    /// Whether this host's KVM may be used.
    pub choice: AccelerationChoice,
}

/// Which way the machine is run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// On this host's KVM; what showed that it works.
    Kvm(String),
    /// In the lab; why not on this host's KVM.
    Lab(String),
}

/// The machine, on whichever way works here.
pub enum HypervHost {
    /// On this host's KVM.
    Kvm(Box<dyn Host>),
    /// In the lab.
    Lab(Box<LabHost>),
}

impl HypervHost {
    /// Tries out this host's KVM, else finds what the lab needs.
    ///
    /// # Errors
    /// [`HostError::Missing`] when neither is to be had, [`HostError::Failed`] when something is
    /// there and does not work.
    pub fn find(options: &HypervOptions) -> Result<Self, HostError> {
        match kvm(options) {
            Ok(host) => Ok(Self::Kvm(Box::new(host))),
            Err(because) => {
                let options = LabOptions {
                    folders: options.folders.clone(),
                    runtime: options.runtime.clone(),
                    cache: options.cache.clone(),
                    programs: Programs::embedded(),
                    shown: options.shown,
                    because,
                };
                LabHost::find(&options).map(|host| Self::Lab(Box::new(host)))
            }
        }
    }

    fn host(&self) -> &dyn Host {
        match self {
            Self::Kvm(host) => host.as_ref(),
            Self::Lab(host) => host.as_ref(),
        }
    }
}

impl Host for HypervHost {
    fn facts(&self) -> &HostFacts {
        self.host().facts()
    }

    fn fills_overlays(&self) -> bool {
        // On KVM the machine keeps what is written in a file of its own, whose map is in memory.
        matches!(self, Self::Lab(_))
    }

    fn start(&self, spec: &LaunchSpec, work: &Path) -> Result<Box<dyn Machine>, HostError> {
        self.host().start(spec, work)
    }
}

/// Which way would be taken, without looking whether the lab has all that it needs.
#[must_use]
pub fn route(options: &HypervOptions) -> Route {
    match kvm(options) {
        Ok(host) => Route::Kvm(host.facts().acceleration_proof.clone()),
        Err(because) => Route::Lab(because),
    }
}

fn kvm(options: &HypervOptions) -> Result<KvmHost, String> {
    match options.choice {
        AccelerationChoice::Emulated => Err("software emulation was asked for".to_owned()),
        AccelerationChoice::Proved => KvmHost::find(&Programs::embedded().machine, options.shown),
    }
}

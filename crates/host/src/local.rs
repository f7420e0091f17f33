//! QEMU on this machine.

pub(crate) mod acceleration;
pub(crate) mod bounded;
pub(crate) mod child;
pub(crate) mod console;
mod devices;
mod firmware;
mod launch;
mod machine;
mod operate;
mod picture;
pub(crate) mod ports;
mod pretend;
pub(crate) mod process;
mod processor;
pub(crate) mod program;
pub(crate) mod qmp;
pub(crate) mod resources;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use detente_machine::LaunchSpec;
use detente_machine::qemu::Accelerator;

use crate::{Acceleration, Host, HostError, HostFacts, Implementation, Machine};

pub use console::CONSOLE_LIMIT_BYTES;
pub use program::OLDEST_QEMU;
pub use resources::{DISK_MIB, memory_wanted_mib};

/// How QEMU is looked for on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalOptions {
    /// The folders where programs are, best first: what `PATH` says.
    pub folders: Vec<PathBuf>,
    /// What executes the guest's instructions.
    pub choice: AccelerationChoice,
}

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccelerationChoice {
    /// The processor if that can be proved to work, else software.
    #[default]
    Proved,
    /// Software.
    Emulated,
}

/// QEMU on this machine.
///
/// ```no_run
/// use detente_host::local::{LocalHost, LocalOptions};
/// use detente_host::Host;
///
/// let options = LocalOptions {
///     folders: vec!["/usr/bin".into()],
///     ..LocalOptions::default()
/// };
/// let host = LocalHost::find(&options)?;
/// println!("{}: {}", host.facts().version, host.facts().acceleration_proof);
/// # Ok::<(), detente_host::HostError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LocalHost {
    facts: HostFacts,
    accelerator: Accelerator,
    sandbox: bool,
}

impl LocalHost {
    /// Finds QEMU, asks it for its version, and proves how it executes instructions by running a
    /// test program of a few instructions in it.
    ///
    /// # Errors
    /// [`HostError::Missing`] without QEMU, [`HostError::Failed`] when it does not work.
    pub fn find(options: &LocalOptions) -> Result<Self, HostError> {
        let program = program::find(&options.folders)?;
        let version = program::version(&program)?;
        // The package's name is asked for beside the proof, which takes as long.
        let (proved, package) = std::thread::scope(|scope| {
            let package = scope.spawn(|| program::package(&program, &options.folders));
            let proved = acceleration::prove(&program, options.choice);
            (proved, package.join().ok().flatten())
        });
        let proved = proved?;
        let system = rustix::system::uname();
        Ok(Self {
            facts: HostFacts {
                product: "QEMU".to_owned(),
                version,
                implementation: if package.as_ref().is_some_and(|p| p.is_vendors) {
                    Implementation::VendorProduct
                } else {
                    Implementation::UpstreamBuild
                },
                package: package.map(|package| package.name),
                acceleration: proved.acceleration,
                acceleration_proof: proved.sentence,
                host_kernel: system.release().to_string_lossy().into_owned(),
                host_cpu: acceleration::processor_name(),
                program,
            },
            accelerator: match proved.acceleration {
                Acceleration::Hardware | Acceleration::Nested => Accelerator::Kvm,
                Acceleration::Emulated => Accelerator::Tcg,
            },
            sandbox: proved.sandbox,
        })
    }

    /// Refuses a QEMU that does not know the arguments of our machines.
    ///
    /// # Errors
    /// [`HostError::Missing`] when it is older than [`OLDEST_QEMU`].
    pub fn refuse_old(&self) -> Result<(), HostError> {
        program::refuse_old(&self.facts.version, &self.facts.program)
    }

    /// What executes the guest's instructions, as QEMU is told.
    #[must_use]
    pub fn accelerator(&self) -> Accelerator {
        self.accelerator
    }

    /// Whether this QEMU can confine itself.
    pub(crate) fn sandbox(&self) -> bool {
        self.sandbox
    }

    /// The devices that this QEMU has, by the names and aliases that its `-device` takes.
    ///
    /// # Errors
    /// [`HostError`] when it does not say.
    pub fn devices(&self) -> Result<BTreeSet<String>, HostError> {
        devices::names(&self.facts.program)
    }
}

impl Host for LocalHost {
    fn facts(&self) -> &HostFacts {
        &self.facts
    }

    fn start(&self, spec: &LaunchSpec, work: &Path) -> Result<Box<dyn Machine>, HostError> {
        resources::check(spec, self.accelerator, work)?;
        let order = launch::Order {
            program: &self.facts.program,
            accelerator: self.accelerator,
            sandbox: self.sandbox,
            spec,
            work,
        };
        Ok(Box::new(launch::start(&order)?))
    }
}

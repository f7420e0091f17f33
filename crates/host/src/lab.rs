//! The lab: where this host has no usable KVM, a small Linux in QEMU, whose translator shows it
//! AMD's virtualization, loads KVM and runs the Hyper-V-compatible machine.
//!
//! A lab boots in seconds and serves one guest after another. It ends with the process that
//! started it, unless it was deliberately kept warm ([`warm`]).
//!
//! ```no_run
//! use detente_host::Host as _;
//! use detente_host::lab::{LabHost, LabOptions, Programs};
//!
//! let options = LabOptions {
//!     folders: vec!["/usr/bin".into()],
//!     runtime: "/run/user/1000/detente".into(),
//!     cache: "/home/me/.cache/detente".into(),
//!     programs: Programs::embedded(),
//!     shown: Default::default(),
//!     because: "there is no /dev/kvm".to_owned(),
//! };
//! let host = LabHost::find(&options)?;
//! println!("{}", host.facts().acceleration_proof);
//! # Ok::<(), detente_host::HostError>(())
//! ```

mod archive;
mod arguments;
mod embedded;
mod fetch;
mod guest;
mod kernel;
mod link;
mod modules;
mod place;
mod plug;
mod qemu;
mod running;
mod sink;
pub mod warm;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use detente_machine::LaunchSpec;
use detente_machine::qemu::Accelerator;

use crate::hyperv::{PRODUCT, Shown};
use crate::local::{AccelerationChoice, LocalHost, LocalOptions, resources};
use crate::{Acceleration, Host, HostError, HostFacts, Implementation, Machine};

use arguments::Size;
use guest::Slot;
use place::Place;
use qemu::{Life, Order};
use running::Lab;

pub use archive::Programs;
pub use arguments::DEVICES;
pub use fetch::fetch;
pub use kernel::{LabKernel, find as find_kernel};

/// What the lab's Linux needs beside its guest's memory.
const OWN_MEMORY_MIB: u64 = 512;

/// Processors of a lab: one. QEMU's translator runs each in a thread, and what one does to another
/// that is in its guest goes wrong now and then (decision 0016).
const PROCESSORS: u32 = 1;

/// How a lab is looked for on this machine.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// The folders where programs are, best first: what `PATH` says.
    pub folders: Vec<PathBuf>,
    /// Our folder for sockets.
    pub runtime: PathBuf,
    /// Our cache folder, where a fetched kernel is.
    pub cache: PathBuf,
    /// What runs in the lab.
    pub programs: Programs,
    /// What its machines show.
    pub shown: Shown,
    /// Why the lab is used, and not this host's KVM.
    pub because: String,
}

/// The lab on this machine.
pub struct LabHost {
    facts: HostFacts,
    sandbox: bool,
    kernel: LabKernel,
    options: LabOptions,
    slot: Slot,
}

impl LabHost {
    /// Finds QEMU, proves its translator, and finds a kernel. No lab is booted yet.
    ///
    /// # Errors
    /// [`HostError::Missing`] without QEMU or a kernel, [`HostError::Failed`] when QEMU does not
    /// work.
    pub fn find(options: &LabOptions) -> Result<Self, HostError> {
        let kernel = kernel::find(&options.cache)?;
        let local = LocalHost::find(&LocalOptions {
            folders: options.folders.clone(),
            choice: AccelerationChoice::Emulated,
        })?;
        local.refuse_old()?;
        let qemu = local.facts();
        let proof = format!(
            "{}; the machine runs in a lab of Linux {} ({}) in the translator of QEMU {}, on KVM \
             with nested paging",
            options.because, kernel.release, kernel.origin, qemu.version
        );
        Ok(Self {
            facts: HostFacts {
                product: PRODUCT.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                package: None,
                implementation: Implementation::CompatibleImplementation,
                acceleration: Acceleration::Emulated,
                acceleration_proof: proof,
                host_kernel: qemu.host_kernel.clone(),
                host_cpu: qemu.host_cpu.clone(),
                program: qemu.program.clone(),
            },
            sandbox: local.sandbox(),
            kernel,
            options: options.clone(),
            slot: Slot::default(),
        })
    }

    /// The kernel that it runs.
    #[must_use]
    pub fn kernel(&self) -> &LabKernel {
        &self.kernel
    }

    fn order(&self, size: Size) -> Order<'_> {
        Order {
            program: self.facts.program.clone(),
            sandbox: self.sandbox,
            kernel: &self.kernel,
            programs: &self.options.programs,
            size,
        }
    }

    /// The lab that served last, or the one that is kept warm, or a new one.
    fn lab(&self, spec: &LaunchSpec, work: &Path) -> Result<Lab, HostError> {
        let waiting = self
            .slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let size = size_for(spec.memory_mib);
        if let Some(lab) = waiting
            && lab.size.memory_mib >= size.memory_mib
        {
            return Ok(lab);
        }
        if let Some(lab) = warm::borrow(self, size) {
            return Ok(lab);
        }
        let mut wanted = spec.clone();
        wanted.memory_mib = size.memory_mib;
        resources::check(&wanted, Accelerator::Tcg, work)?;
        let place = Place::passing(&self.options.runtime.join("labs"))?;
        Lab::boot(&self.order(size), place, Life::WithUs)
    }
}

impl Host for LabHost {
    fn facts(&self) -> &HostFacts {
        &self.facts
    }

    fn start(&self, spec: &LaunchSpec, work: &Path) -> Result<Box<dyn Machine>, HostError> {
        let lab = self.lab(spec, work)?;
        let slot = Arc::clone(&self.slot);
        let machine = guest::start(lab, spec, self.options.shown, work, slot)?;
        Ok(Box::new(machine))
    }
}

/// The memory that a lab wants of the host for a guest, in MiB.
#[must_use]
pub fn memory_wanted_mib(guest_memory_mib: u64) -> u64 {
    let lab = size_for(guest_memory_mib).memory_mib;
    resources::memory_wanted_mib(lab, Accelerator::Tcg)
}

/// The lab for a guest.
fn size_for(guest_memory_mib: u64) -> Size {
    Size {
        processors: PROCESSORS,
        memory_mib: guest_memory_mib.saturating_add(OWN_MEMORY_MIB),
    }
}

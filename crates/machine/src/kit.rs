//! The kit: a folder from which a Hyper-V host makes a machine, and which comes back.
//!
//! A kit has the disks as VHDX, `machine.json` (the neutral definition), `kit.json` (the same in
//! Hyper-V's words, with the digests of the disks) and [`SCRIPT`], which an operator runs on the
//! host. All that is to be decided is decided here, in [`definition()`], and tested; the script only
//! carries it out. It is the same text in each kit: nothing that a user wrote is ever part of it.
//!
//! What Hyper-V has no word for is noted on the machine itself, so that an [inventory] finds it.
//!
//! [inventory]: crate::hyperv_inventory
//!
//! ```
//! use detente_machine::kit::{self, Switches};
//! use detente_machine::spec::{Firmware, MachineSpec};
//!
//! let spec = MachineSpec::new("web", 2, 2 << 30, Firmware::Bios);
//! let (machine, losses) = kit::definition(&spec, &Switches::default())?;
//! assert_eq!(machine.generation, 1);
//! assert!(losses.covers("clock"));
//! # Ok::<(), kit::KitError>(())
//! ```

mod definition;
mod document;
mod extras;

use std::collections::BTreeMap;

pub use definition::definition;
pub use document::{Kit, KitFile, ReadKitError};
pub(crate) use extras::{extras_of, notes_of};

use crate::spec::SpecError;

/// The script that makes the machine: the same bytes in each kit.
pub const SCRIPT: &str = include_str!("../scripts/New-DetenteVM.ps1");
/// What the script is called.
pub const SCRIPT_FILE: &str = "New-DetenteVM.ps1";
/// What to do with a kit: the same text in each.
pub const README: &str = include_str!("../scripts/README.txt");
/// What it is called.
pub const README_FILE: &str = "README.txt";
/// The neutral definition.
pub const MACHINE_FILE: &str = "machine.json";
/// What the script reads.
pub const KIT_FILE: &str = "kit.json";

/// Which switch of the Hyper-V host stands for which network, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches(pub BTreeMap<String, String>);

/// The name of a disk's file in a kit, by its place among the machine's disks.
#[must_use]
pub fn disk_file(index: usize) -> String {
    format!("disk{index}.vhdx")
}

/// Why a definition cannot be made on Hyper-V.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// It breaks a rule of all platforms.
    #[error("the definition breaks a rule")]
    Rule(#[from] SpecError),
    /// It has more than Hyper-V gives a machine.
    #[error("Hyper-V gives a machine of generation {generation} {limit} {what}, not {count}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Of which generation.
        generation: u8,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

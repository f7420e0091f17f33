//! What a virtual machine consists of: hardware profiles, [`MachineSpec`], QEMU's arguments for it.
//!
//! ```
//! use detente_machine::Profile;
//!
//! let profile: Profile = "kvm-legacy".parse()?;
//! assert_eq!(profile.hardware().storage_driver, "ahci");
//! # Ok::<(), detente_machine::UnknownProfile>(())
//! ```
#![forbid(unsafe_code)]

pub mod hyperv;
pub mod lab;
mod profile;
pub mod qemu;
mod spec;

pub use profile::{Discovery, Hardware, Profile, UnknownProfile};
pub use spec::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, DiskSpec, ImageFormat, MachineSpec, NetworkSpec,
    ServiceFaults, Synthetic, Topology,
};

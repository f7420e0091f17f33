//! What a virtual machine consists of: hardware profiles, [`LaunchSpec`], QEMU's arguments for it.
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
mod launch;
mod profile;
pub mod qemu;
#[expect(dead_code, reason = "the readers of OVF and of Hyper-V use it")]
mod xml;

pub use launch::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, LaunchSpec,
    ServiceFaults, Synthetic, Topology,
};
pub use profile::{Discovery, Hardware, Profile, UnknownProfile};
pub use xml::XmlError;

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

mod encoding;
mod extras;
mod firmware;
pub mod hyperv;
pub mod hyperv_inventory;
pub mod hyperv_xml;
pub mod kit;
pub mod kubevirt;
pub mod kvm;
pub mod lab;
mod launch;
pub mod libvirt;
pub mod loss;
pub mod ovf;
mod profile;
pub mod qemu;
pub mod qemu_definition;
pub mod spec;
mod tpm_state;
pub mod vmcx;
mod xml;
mod yaml;

pub use encoding::NotText;
pub use extras::{Extras, OnReset, Pretended, PretendedSet};
pub use firmware::{Firmware, FirmwareFiles, SecureBoot};
pub use launch::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, LaunchSpec,
    ServiceFaults, Synthetic, Topology, uuid,
};
pub use loss::{Fate, Gate, Loss, Losses};
pub use profile::{Discovery, Hardware, Profile, UnknownProfile};
pub use spec::MachineSpec;
pub use xml::XmlError;

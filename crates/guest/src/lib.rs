//! What is inside a guest: operating system, boot chain, kernels.
//!
//! [`inspect`] looks into the disks of one machine and yields a [`Guest`]: its [`Facts`], and with
//! [`Guest::boot_files`] the kernel, initramfs and command line of the entry that its boot loader
//! would start. Nothing is written and nothing of the guest is run. GRUB's configuration is
//! interpreted, not searched: what counts is what GRUB itself would do with it.
//!
//! ```
//! use std::sync::Arc;
//! use detente_block::{BlockRead, MemoryBackend};
//! use detente_guest::{InspectError, Options, inspect};
//!
//! let empty: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(vec![0; 1 << 20]));
//! let error = inspect(&[empty], Options::default()).err().expect("nothing is in it");
//! assert!(matches!(error, InspectError::NoOperatingSystem { .. }));
//! assert!(error.hint().is_some());
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
#![cfg_attr(
    test,
    expect(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic,
        reason = "a test may panic"
    )
)]

mod architecture;
mod boot;
mod boot_facts;
mod boot_files;
mod chain;
pub mod check;
mod command_line;
mod describe;
mod device_spec;
mod disk_files;
mod error;
mod exercise;
pub mod facts;
mod files;
mod free_space;
mod fstab;
mod guest;
mod initramfs;
mod joined;
mod kernels;
mod modprobe;
mod modules;
mod network;
mod os_release;
mod packages;
pub mod prepare;
mod rescue;
mod root;
mod secure_boot;
mod security;
mod services;
mod settings;
mod storage_config;
mod system;
#[cfg(test)]
mod tests;
mod time;
mod usr;
mod volumes;

pub use boot_files::{BootFiles, BootLimits};
pub use command_line::parameters as command_line_parameters;
pub use disk_files::{DiskFiles, VolumeName};
pub use error::{BootFilesError, BootProblem, InspectError};
#[doc(hidden)]
pub use exercise::{exercise, exercise_program};
pub use facts::Facts;
pub use guest::{Guest, Options, inspect};
pub use rescue::{Rescue, RescueError, RescueModule};

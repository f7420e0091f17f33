//! The Hyper-V-compatible machine: a process that boots a Linux guest on KVM and shows it
//! Hyper-V's synthetic hardware.
//!
//! It shows the processor's leaves and registers, the synthetic interrupt controller, the VMBus
//! with its devices (from `detente-vmbus`), ACPI, SMBIOS, a clock chip and two serial ports. It is
//! not Hyper-V, and what runs on it has not run on Hyper-V.
//!
//! ```no_run
//! // Whether this computer can run the machine, and if not, why.
//! let report = detente_hyperv::kvm::probe();
//! assert!(report.usable, "{}", report.sentence);
//! ```
#![deny(unsafe_code)] // opened in three small modules of `kvm`, each with its reason

pub mod acpi;
pub mod arguments;
pub mod kvm;
#[doc(hidden)]
pub mod lab_init;
pub mod loader;
mod machine;
pub mod memory_map;
pub mod power;
pub mod process;
pub mod rtc;
pub mod serial;
pub mod smbios;
mod stream;

pub use stream::Endpoint;

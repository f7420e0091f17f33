//! The Hyper-V-compatible machine: a process that boots a Linux guest on KVM and shows it
//! Hyper-V's synthetic hardware.
//!
//! It shows the processor's leaves and registers, the synthetic interrupt controller, the VMBus
//! with its devices (from `detente-vmbus`), ACPI, SMBIOS, a clock chip and two serial ports. It is
//! not Hyper-V, and what runs on it has not run on Hyper-V.
//!
//! ```no_run
//! // The machine runs as a process of its own; this is what its binary calls.
//! assert!(true);
//! println!("{}", report.sentence);
//! ```
#![deny(unsafe_code)] // opened in `kvm::raw` and `kvm::map`, each with a reason

pub mod kvm;

//! What the machine asks of KVM: a virtual machine with memory, interrupt routes and processors.
//!
//! `unsafe` is opened in four small modules: `raw` (two ioctls that `kvm-ioctls` has no function
//! for), `exit` (the part of a processor's shared page that it does not read), `aligned` (memory
//! that starts where large pages do) and `region` (lending it to the kernel). Everything else is
//! safe on top of them.

mod aligned;
pub mod cpuid;
mod error;
mod exit;
mod memory;
mod probe;
mod raw;
mod region;
mod registers;
mod routes;
mod vcpu;
mod vm;

pub use error::KvmError;
pub use exit::{Hypercall, SynicState};
pub use memory::Memory;
pub use probe::{Report, probe};
pub use vcpu::{Access, Exit, Vcpu};
pub use vm::Vm;

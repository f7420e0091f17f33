//! libvirt's domain XML: reading and writing.
//!
//! What a domain says and [`MachineSpec`] has no word for is kept as it is, under the extensions of
//! `libvirt`, and said in the report; on the way back it is put in again. What a definition says
//! and libvirt has no place for stands in the domain's metadata.
//!
//! ```
//! use detente_machine::libvirt::{from_libvirt, to_libvirt};
//! use detente_machine::kvm::KvmOptions;
//!
//! let xml = b"<domain type='kvm'><name>a</name><memory unit='GiB'>1</memory><vcpu>2</vcpu>\
//!             <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>";
//! let (spec, _losses) = from_libvirt(xml)?;
//! assert_eq!(spec.processors.count, 2);
//! let (again, _losses) = to_libvirt(&spec, &KvmOptions::default())?;
//! assert!(again.contains("<vcpu>2</vcpu>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod read;
mod remainder;
mod standard;
mod tree;
mod write;

pub use read::{ReadError, from_libvirt};
pub(crate) use standard::enlightenments;
pub use write::to_libvirt;

#[cfg(doc)]
use crate::MachineSpec;

/// The name under which extensions of libvirt's are kept.
pub(crate) const SOURCE: &str = "libvirt";

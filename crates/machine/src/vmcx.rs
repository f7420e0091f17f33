//! `.vmcx` and `.vmrs`: Hyper-V's own files since 2016, known by their signature and not read.
//!
//! Microsoft does not publish the format, and the host says all of it when it is asked:
//! [`crate::hyperv_inventory::SCRIPT`].

/// Either of the two headers.
const SIGNATURE: [u8; 4] = 0x0128_2014_u32.to_le_bytes();
/// Where the second one is.
const SECOND: usize = 0x1000;

/// How many bytes of a file [`is_vmcx`] looks at.
pub const HEAD_BYTES: usize = SECOND + SIGNATURE.len();

/// Whether a file that begins like this is one of Hyper-V's own.
///
/// ```
/// assert!(detente_machine::vmcx::is_vmcx(b"\x14\x20\x28\x01"));
/// assert!(!detente_machine::vmcx::is_vmcx(b"<configuration>"));
/// ```
#[must_use]
pub fn is_vmcx(head: &[u8]) -> bool {
    let second = head.get(SECOND..).unwrap_or_default();
    head.starts_with(&SIGNATURE) || second.starts_with(&SIGNATURE)
}

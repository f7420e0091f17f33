//! Virtual PC's and Hyper-V's older format. Rules cite Microsoft's "Virtual Hard Disk Image Format
//! Specification" 1.0 as \[VHD\].

mod layout;
mod spec;

pub(crate) use layout::layout;
pub use spec::{VhdKind, VhdSpec};

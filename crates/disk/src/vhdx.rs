//! Hyper-V's format since Windows Server 2012. Rules cite \[MS-VHDX\].

mod layout;
mod spec;

pub(crate) use layout::layout;
pub use spec::{VhdxKind, VhdxParent, VhdxSpec};

//! Hyper-V's format since Windows Server 2012. Rules cite \[MS-VHDX\].
//!
//! Opening one takes little whatever its size: the BAT and the sector bitmaps are read by pages, of
//! which 4 MiB each are kept. A log that was not replayed is laid over the file as it is read.

mod areas;
mod bat;
mod bat_writer;
mod check;
mod check_bat;
mod details;
mod fault;
mod field;
mod file_identifier;
mod geometry;
mod header;
mod layout;
mod layout_fixed;
mod layout_sparse;
mod log;
mod log_entry;
mod metadata;
mod metadata_item;
mod new_file;
mod open;
mod parent_locator;
mod reader;
mod region;
mod replay;
mod sector_bitmap;
mod spec;
mod structures;

pub(crate) use check::check;
pub use details::{VhdxAllocation, VhdxDetails, VhdxLog};
pub(crate) use file_identifier::MAGIC;
pub(crate) use layout::layout;
pub(crate) use open::open;
pub use spec::{VhdxKind, VhdxParent, VhdxSpec};

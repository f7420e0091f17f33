//! Where the loader's own tables lie, all below 640 KiB, where the kernel takes what it needs
//! before it uses that memory.

/// The global descriptor table.
pub(super) const GDT: u64 = 0x500;
/// The interrupt descriptor table: empty, but it has to be somewhere.
pub(super) const IDT: u64 = 0x540;
/// The top of a stack, for whoever wants one.
pub(super) const STACK_TOP: u64 = 0x6ff0;
/// The boot parameters.
pub(super) const ZERO_PAGE: u64 = 0x7000;
/// The top of the page tables; the other five tables follow it.
pub(super) const PAGE_TABLES: u64 = 0x9000;
/// The command line.
pub(super) const COMMAND_LINE: u64 = 0x2_0000;
/// The room for it, with its NUL.
pub(super) const COMMAND_LINE_ROOM: u64 = 0x1_0000;

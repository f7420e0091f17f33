//! Direct boot of a Linux kernel: from files to memory and to the first processor's registers.
//!
//! Source: Linux `Documentation/arch/x86/boot.rst` (the 64-bit boot protocol) and
//! `zero-page.rst`. Kernel and initramfs come from somebody's disk, so they are hostile: whatever
//! they say of sizes and addresses is checked against the RAM that is there.

#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod bzimage;
mod copy;
mod elf;
mod entry_state;
mod error;
mod field;
mod layout;
#[cfg(test)]
mod test_kernels;
#[cfg(test)]
mod tests;
mod zero_page;

use detente_block::BlockRead;
use detente_vmbus::GuestMemory;

use crate::memory_map::{MemoryMap, Span};
use copy::copy_in;
pub(crate) use entry_state::write_tables;
pub use entry_state::{EntryState, Segment, TableRegister};
pub use error::{Corruption, LoadError, Part, Unsupported};
use zero_page::ZeroPage;

/// What is to be booted.
#[derive(Clone, Copy)]
pub struct Boot<'a> {
    /// A bzImage or an ELF `vmlinux`, with nothing before or behind it.
    pub kernel: &'a dyn BlockRead,
    /// The pieces of the initramfs, one behind the other; none if it is empty.
    pub initramfs: &'a [&'a dyn BlockRead],
    /// The command line, without a NUL.
    pub command_line: &'a str,
    /// Where the ACPI root pointer will lie.
    pub rsdp: u64,
}

/// What was put into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// How the first processor starts; the others wait to be started.
    pub state: EntryState,
    /// What kind of kernel it is.
    pub format: KernelFormat,
    /// The memory that the kernel takes until it knows the memory map.
    pub kernel: Span,
    /// Where the initramfs lies.
    pub initramfs: Option<Span>,
}

/// The formats of kernels that we load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelFormat {
    /// The compressed form that distributions ship.
    BzImage,
    /// The uncompressed ELF file inside it.
    Elf,
}

/// A kernel in memory, with what its boot parameters need.
struct Placed {
    format: KernelFormat,
    /// What it takes up, including what it clears and unpacks itself to.
    span: Span,
    entry: u64,
    page: ZeroPage,
    /// The longest command line, without the NUL.
    cmdline_bytes: u64,
    /// The last address that the initramfs may use.
    initramfs_max: u64,
}

/// Puts kernel, initramfs, command line, boot parameters, descriptor and page tables into memory,
/// which must read as zero before.
///
/// # Errors
/// [`LoadError`]; parts may have been written.
pub fn load(
    boot: &Boot<'_>,
    map: &MemoryMap,
    memory: &dyn GuestMemory,
) -> Result<Loaded, LoadError> {
    let mut placed = if bzimage::is_bzimage(boot.kernel)? {
        bzimage::place(boot.kernel, map, memory)?
    } else if elf::is_elf(boot.kernel)? {
        elf::place(boot.kernel, map, memory)?
    } else {
        return Err(Unsupported::KernelFormat.into());
    };
    let initramfs = place_initramfs(boot.initramfs, &placed, map, memory)?;
    write_command_line(boot.command_line, &placed, memory)?;
    placed.page.set_command_line(layout::COMMAND_LINE);
    placed.page.set_rsdp(boot.rsdp);
    placed.page.set_e820(&map.e820());
    if let Some(span) = initramfs {
        placed.page.set_initramfs(span);
    }
    memory.write(layout::ZERO_PAGE, placed.page.as_bytes())?;
    write_tables(memory)?;
    Ok(Loaded {
        state: EntryState::at(placed.entry),
        format: placed.format,
        kernel: placed.span,
        initramfs,
    })
}

/// Puts the initramfs as high as it may go, so that it is out of the kernel's way.
fn place_initramfs(
    pieces: &[&dyn BlockRead],
    kernel: &Placed,
    map: &MemoryMap,
    memory: &dyn GuestMemory,
) -> Result<Option<Span>, LoadError> {
    let len = pieces
        .iter()
        .fold(0_u64, |sum, piece| sum.saturating_add(piece.len_bytes()));
    if len == 0 {
        return Ok(None);
    }
    let top = map.low_end().min(kernel.initramfs_max.saturating_add(1));
    let start = top.checked_sub(len).map(|start| start & !0xfff);
    let Some(start) = start.filter(|start| *start >= kernel.span.end()) else {
        return Err(LoadError::TooLittleMemory {
            part: Part::Initramfs,
            needed: kernel.span.end().saturating_add(len),
            ram_end: top,
        });
    };
    let mut at = start;
    for piece in pieces {
        copy_in(
            *piece,
            Part::Initramfs,
            Span {
                start: 0,
                len: piece.len_bytes(),
            },
            memory,
            at,
        )?;
        at = at.saturating_add(piece.len_bytes());
    }
    Ok(Some(Span { start, len }))
}

fn write_command_line(
    text: &str,
    kernel: &Placed,
    memory: &dyn GuestMemory,
) -> Result<(), LoadError> {
    let bytes = text.as_bytes();
    if bytes.contains(&0) {
        return Err(LoadError::CommandLineNul);
    }
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let limit = kernel.cmdline_bytes.min(layout::COMMAND_LINE_ROOM - 1);
    if len > limit {
        return Err(LoadError::CommandLineTooLong { len, limit });
    }
    memory.write(layout::COMMAND_LINE, bytes)?;
    memory.write(layout::COMMAND_LINE.saturating_add(len), &[0])?;
    Ok(())
}

//! The uncompressed kernel, `vmlinux`: an ELF file with physical addresses.

use detente_block::BlockRead;
use detente_vmbus::GuestMemory;

use super::copy::{copy_in, head};
use super::error::{Corruption, LoadError, Part, Unsupported};
use super::field::{u16_at, u32_at, u64_at};
use super::zero_page::ZeroPage;
use super::{KernelFormat, Placed};
use crate::memory_map::{MIB_1, MemoryMap, Span};

const ELF_HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: u16 = 56;
/// `vmlinux` has five.
const MAX_PROGRAM_HEADERS: u16 = 64;
/// The kernel's `COMMAND_LINE_SIZE` on x86, with its NUL.
const COMMAND_LINE_SIZE: u64 = 2048;
/// What kernels say in `initrd_addr_max` where they have a header.
const INITRAMFS_MAX: u64 = 0x7fff_ffff;

/// Whether the file says that it is one.
pub(super) fn is_elf(file: &dyn BlockRead) -> Result<bool, LoadError> {
    let head: [u8; 4] = head(file)?;
    Ok(&head == b"\x7fELF")
}

/// Puts the segments where they say.
pub(super) fn place(
    file: &dyn BlockRead,
    map: &MemoryMap,
    memory: &dyn GuestMemory,
) -> Result<Placed, LoadError> {
    let head: [u8; ELF_HEADER_BYTES] = head(file)?;
    let (entry, table, count) = parse_header(&head, file.len_bytes())?;
    let mut extent: Option<(u64, u64)> = None;
    let mut entry_is_inside = false;
    for index in 0..count {
        let Some(segment) = read_segment(file, table, index)? else {
            continue;
        };
        let end = segment.check(file.len_bytes(), map)?;
        copy_in(file, Part::Kernel, segment.in_file, memory, segment.address)?;
        entry_is_inside |= (segment.address..end).contains(&entry);
        let (first, last) = extent.unwrap_or((segment.address, end));
        extent = Some((first.min(segment.address), last.max(end)));
    }
    let (start, end) = extent.ok_or(Corruption::NoSegments)?;
    if !entry_is_inside {
        return Err(Corruption::EntryOutside { entry }.into());
    }
    Ok(Placed {
        format: KernelFormat::Elf,
        span: Span {
            start,
            len: end.saturating_sub(start),
        },
        entry,
        page: ZeroPage::without_header(),
        cmdline_bytes: COMMAND_LINE_SIZE - 1,
        initramfs_max: INITRAMFS_MAX,
    })
}

/// The entry point, where the program headers are, and how many.
fn parse_header(head: &[u8], file_len: u64) -> Result<(u64, u64, u16), LoadError> {
    let truncated = Corruption::Truncated {
        len: file_len,
        what: "the ELF header",
    };
    if file_len < u64::try_from(ELF_HEADER_BYTES).unwrap_or(u64::MAX) {
        return Err(truncated.into());
    }
    // 64-bit, little-endian, version 1; then ET_EXEC and EM_X86_64.
    let is_x86_64 = head.get(4..7) == Some(&[2, 1, 1])
        && u16_at(head, 0x10) == Some(2)
        && u16_at(head, 0x12) == Some(62);
    if !is_x86_64 {
        return Err(Unsupported::ElfKind.into());
    }
    let entry = u64_at(head, 0x18).ok_or(truncated)?;
    let table = u64_at(head, 0x20).ok_or(truncated)?;
    let size = u16_at(head, 0x36).ok_or(truncated)?;
    let count = u16_at(head, 0x38).ok_or(truncated)?;
    if size != PROGRAM_HEADER_BYTES || count > MAX_PROGRAM_HEADERS {
        return Err(Unsupported::ProgramHeaders { count, size }.into());
    }
    let bytes = u64::from(size).saturating_mul(u64::from(count));
    match table.checked_add(bytes) {
        Some(end) if end <= file_len => Ok((entry, table, count)),
        Some(_) | None => Err(Corruption::Truncated {
            len: file_len,
            what: "the program headers",
        }
        .into()),
    }
}

/// A segment that is to be loaded.
struct LoadSegment {
    index: u16,
    in_file: Span,
    address: u64,
    in_memory: u64,
}

/// The program header `index`, if it is one of a segment to load.
fn read_segment(
    file: &dyn BlockRead,
    table: u64,
    index: u16,
) -> Result<Option<LoadSegment>, LoadError> {
    let mut bytes = [0; 56];
    let at = u64::from(PROGRAM_HEADER_BYTES).saturating_mul(u64::from(index));
    file.read_exact_at(table.saturating_add(at), &mut bytes)
        .map_err(|source| LoadError::Read {
            part: Part::Kernel,
            source,
        })?;
    let field = |offset| u64_at(&bytes, offset).unwrap_or(0);
    let segment = LoadSegment {
        index,
        in_file: Span {
            start: field(0x08),
            len: field(0x20),
        },
        address: field(0x18),
        in_memory: field(0x28),
    };
    // PT_LOAD is 1.
    let is_load = u32_at(&bytes, 0) == Some(1) && segment.in_memory > 0;
    Ok(is_load.then_some(segment))
}

impl LoadSegment {
    /// Where it ends in memory, once everything about it is known to be sound.
    fn check(&self, file_len: u64, map: &MemoryMap) -> Result<u64, LoadError> {
        if self.in_file.len > self.in_memory {
            return Err(Corruption::SegmentSizes {
                index: self.index,
                in_file: self.in_file.len,
                in_memory: self.in_memory,
            }
            .into());
        }
        let file_end = self.in_file.start.checked_add(self.in_file.len);
        if file_end.is_none_or(|end| end > file_len) {
            return Err(Corruption::Truncated {
                len: file_len,
                what: "a segment",
            }
            .into());
        }
        if self.address < MIB_1 {
            return Err(Corruption::LoadAddress {
                address: self.address,
            }
            .into());
        }
        let wraps = Corruption::Wraps {
            address: self.address,
            len: self.in_memory,
        };
        let end = self.address.checked_add(self.in_memory).ok_or(wraps)?;
        if end > map.low_end() {
            return Err(LoadError::TooLittleMemory {
                part: Part::Kernel,
                needed: end,
                ram_end: map.low_end(),
            });
        }
        Ok(end)
    }
}

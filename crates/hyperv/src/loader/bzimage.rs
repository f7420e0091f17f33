//! The form in which distributions ship kernels: setup code, then a kernel that unpacks itself.

use detente_block::BlockRead;
use detente_vmbus::GuestMemory;

use super::copy::{copy_in, head};
use super::error::{Corruption, LoadError, Part, Unsupported};
use super::field::{u16_at, u32_at, u64_at};
use super::zero_page::{HEADER, ZeroPage};
use super::{KernelFormat, Placed};
use crate::memory_map::{MIB_1, MemoryMap, Span};

/// The first bytes of the file, with the whole setup header: it ends at 0x202 plus one byte's
/// value, and never reaches the e820 table of the boot parameters.
const HEAD_BYTES: usize = 0x290;
/// The 64-bit entry point, from where the kernel is loaded (`XLF_KERNEL_64`).
const ENTRY: u64 = 0x200;

/// Whether the file says that it is one.
pub(super) fn is_bzimage(file: &dyn BlockRead) -> Result<bool, LoadError> {
    let head: [u8; HEAD_BYTES] = head(file)?;
    Ok(u16_at(&head, 0x1fe) == Some(0xaa55) && head.get(0x202..0x206) == Some(b"HdrS"))
}

/// Puts the kernel where it prefers to be.
pub(super) fn place(
    file: &dyn BlockRead,
    map: &MemoryMap,
    memory: &dyn GuestMemory,
) -> Result<Placed, LoadError> {
    let head: [u8; HEAD_BYTES] = head(file)?;
    let header = Header::parse(&head, file.len_bytes())?;
    let code = header.code(file.len_bytes())?;
    let span = header.span(code.len)?;
    if span.end() > map.low_end() {
        return Err(LoadError::TooLittleMemory {
            part: Part::Kernel,
            needed: span.end(),
            ram_end: map.low_end(),
        });
    }
    copy_in(file, Part::Kernel, code, memory, span.start)?;
    Ok(Placed {
        format: KernelFormat::BzImage,
        span,
        entry: span.start.saturating_add(ENTRY),
        page: ZeroPage::new(header.bytes),
        cmdline_bytes: u64::from(header.cmdline_size),
        initramfs_max: u64::from(header.initrd_addr_max),
    })
}

/// What of the setup header matters for loading.
struct Header<'a> {
    bytes: &'a [u8],
    setup_sects: u8,
    initrd_addr_max: u32,
    cmdline_size: u32,
    pref_address: u64,
    init_size: u32,
}

impl<'a> Header<'a> {
    fn parse(head: &'a [u8], file_len: u64) -> Result<Self, LoadError> {
        let truncated = Corruption::Truncated {
            len: file_len,
            what: "the setup header",
        };
        let [minor, major] = u16_at(head, 0x206).ok_or(truncated)?.to_le_bytes();
        if (major, minor) < (2, 12) {
            return Err(Unsupported::Protocol { major, minor }.into());
        }
        if u16_at(head, 0x236).ok_or(truncated)? & 1 == 0 {
            return Err(Unsupported::No64BitEntry.into());
        }
        // "The end of setup header can be calculated as: 0x0202 + byte value at offset 0x0201"
        let tail = usize::from(head.get(0x201).copied().unwrap_or(0));
        let end = 0x202_usize.saturating_add(tail).min(HEAD_BYTES);
        if u64::try_from(end).unwrap_or(u64::MAX) > file_len || end < 0x264 {
            return Err(truncated.into());
        }
        Ok(Self {
            bytes: head.get(HEADER..end).ok_or(truncated)?,
            setup_sects: head.get(HEADER).copied().ok_or(truncated)?,
            initrd_addr_max: u32_at(head, 0x22c).ok_or(truncated)?,
            cmdline_size: u32_at(head, 0x238).ok_or(truncated)?,
            pref_address: u64_at(head, 0x258).ok_or(truncated)?,
            init_size: u32_at(head, 0x260).ok_or(truncated)?,
        })
    }

    /// Where the protected-mode code is in the file.
    fn code(&self, file_len: u64) -> Result<Span, Corruption> {
        // "If the setup_sects field contains 0, the real value is 4."
        let sectors = match self.setup_sects {
            0 => 4_u64,
            sectors => u64::from(sectors),
        };
        let start = sectors.saturating_add(1).saturating_mul(512);
        match file_len.checked_sub(start) {
            Some(len) if len > ENTRY => Ok(Span { start, len }),
            Some(_) | None => Err(Corruption::Truncated {
                len: file_len,
                what: "the kernel behind the setup code",
            }),
        }
    }

    /// The memory that the kernel takes: what is loaded, or what it says that it needs.
    fn span(&self, code_len: u64) -> Result<Span, Corruption> {
        let start = self.pref_address;
        if start < MIB_1 {
            return Err(Corruption::LoadAddress { address: start });
        }
        let len = code_len.max(u64::from(self.init_size));
        match start.checked_add(len) {
            Some(_) => Ok(Span { start, len }),
            None => Err(Corruption::Wraps {
                address: start,
                len,
            }),
        }
    }
}

//! The boot parameters: the page that tells the kernel what a firmware would have told it.
//!
//! Source: Linux `Documentation/arch/x86/zero-page.rst`; offsets are into that page.

use super::layout::STACK_TOP;
use crate::memory_map::{RangeKind, Span};

/// Where the kernel's own setup header goes, at the offset that it has in the file too.
pub(super) const HEADER: usize = 0x1f1;
/// The most entries of the e820 table (`E820_MAX_ENTRIES_ZEROPAGE`).
const E820_ENTRIES: usize = 128;

/// The boot parameters.
pub(super) struct ZeroPage(Box<[u8; 4096]>);

impl ZeroPage {
    /// Boot parameters with this setup header, as it is in the file from offset 0x1f1.
    pub(super) fn new(header: &[u8]) -> Self {
        let mut page = Self(Box::new([0; 4096]));
        page.put(HEADER, header);
        // vid_mode "normal", type_of_loader "none of the known", LOADED_HIGH.
        page.put(0x1fa, &0xffff_u16.to_le_bytes());
        page.put(0x210, &[0xff]);
        let flags = page.0.get(0x211).copied().unwrap_or(0) | 1;
        page.put(0x211, &[flags]);
        page.put(0x224, &0_u16.to_le_bytes());
        page
    }

    /// Boot parameters for a kernel that has no setup header of its own.
    pub(super) fn without_header() -> Self {
        let mut page = Self::new(&[]);
        page.put(0x1fe, &0xaa55_u16.to_le_bytes());
        page.put(0x202, b"HdrS");
        page.put(0x206, &0x020c_u16.to_le_bytes());
        page.put(0x230, &0x0100_0000_u32.to_le_bytes());
        page
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Where the command line lies.
    pub(super) fn set_command_line(&mut self, address: u64) {
        self.put_split(0x228, 0xc8, address);
    }

    /// Where the ACPI root pointer lies.
    pub(super) fn set_rsdp(&mut self, address: u64) {
        self.put(0x70, &address.to_le_bytes());
    }

    /// Where the initramfs lies.
    pub(super) fn set_initramfs(&mut self, span: Span) {
        self.put_split(0x218, 0xc0, span.start);
        self.put_split(0x21c, 0xc4, span.len);
    }

    /// What memory there is.
    pub(super) fn set_e820(&mut self, ranges: &[(Span, RangeKind)]) {
        let mut count = 0_u8;
        for (index, (span, kind)) in ranges.iter().take(E820_ENTRIES).enumerate() {
            let at = index.saturating_mul(20).saturating_add(0x2d0);
            self.put(at, &span.start.to_le_bytes());
            self.put(at.saturating_add(8), &span.len.to_le_bytes());
            self.put(at.saturating_add(16), &number(*kind).to_le_bytes());
            count = count.saturating_add(1);
        }
        self.put(0x1e8, &[count]);
    }

    /// A 64-bit value whose halves lie apart.
    fn put_split(&mut self, low_at: usize, high_at: usize, value: u64) {
        let bytes = value.to_le_bytes();
        let (low, high) = bytes.split_at(4);
        self.put(low_at, low);
        self.put(high_at, high);
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        let end = at.saturating_add(bytes.len());
        if let Some(place) = self.0.get_mut(at..end) {
            place.copy_from_slice(bytes);
        }
    }
}

/// The type's number in an e820 entry.
fn number(kind: RangeKind) -> u32 {
    match kind {
        RangeKind::Ram => 1,
        RangeKind::Reserved => 2,
        RangeKind::Acpi => 3,
    }
}

const _: () = assert!(STACK_TOP < super::layout::ZERO_PAGE);

//! Where things are in the machine's address space: RAM, the hole below 4 GiB, and the places
//! below 1 MiB where tables lie.

use thiserror::Error;

/// RAM below 4 GiB ends here at the latest; above are windows for devices, the I/O APIC and the
/// local APICs.
pub const HOLE_START: u64 = 0xe000_0000;
/// RAM that does not fit below the hole goes on here.
pub const HIGH_RAM_START: u64 = 1 << 32;
/// Conventional memory ends here: the last KiB below 640 KiB is kept as a BIOS keeps it.
pub const LOW_RAM_END: u64 = 0x9_fc00;
/// Where the ACPI tables lie.
pub const ACPI_START: u64 = 0xe_0000;
/// Where the room for the ACPI tables ends.
pub const ACPI_END: u64 = 0xf_0000;
/// Where SMBIOS lies: without EFI, Linux looks for its anchor from here to 1 MiB.
pub const SMBIOS_START: u64 = 0xf_0000;
/// Where the room for SMBIOS ends, and RAM goes on.
pub const MIB_1: u64 = 0x10_0000;

/// The least RAM that a machine can have: a kernel has to fit in.
const MIN_RAM_BYTES: u64 = 32 << 20;
/// The most: what processors with 46 address bits can name, with room to spare for windows.
const MAX_RAM_BYTES: u64 = 16 << 40;
/// The window for devices above 4 GiB is this long.
const HIGH_WINDOW_BYTES: u64 = 512 << 20;
/// Where that window is in machines whose RAM ends below it: the top of 36 address bits.
const HIGH_WINDOW_START: u64 = (1 << 36) - HIGH_WINDOW_BYTES;

/// Where RAM is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryMap {
    low_end: u64,
    high_end: u64,
}

/// An amount of RAM that the machine cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// Too little, too much, or not a multiple of the page size.
    #[error("{bytes} bytes of RAM: the machine takes whole pages, 32 MiB to 16 TiB")]
    RamSize {
        /// How much was asked for.
        bytes: u64,
    },
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first address.
    pub start: u64,
    /// How many bytes.
    pub len: u64,
}

impl Span {
    /// The range from `start` to before `end`.
    const fn between(start: u64, end: u64) -> Self {
        Self {
            start,
            len: end.saturating_sub(start),
        }
    }

    /// The first address behind it.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }
}

/// What the firmware's map says of a range. The numbers are those of ACPI's address range types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum RangeKind {
    /// Free for the kernel.
    Ram = 1,
    /// Not to be touched.
    Reserved = 2,
    /// ACPI tables.
    Acpi = 3,
}

impl MemoryMap {
    /// The map of a machine with this much RAM.
    ///
    /// # Errors
    /// [`MapError`].
    pub const fn new(ram_bytes: u64) -> Result<Self, MapError> {
        if ram_bytes < MIN_RAM_BYTES || ram_bytes > MAX_RAM_BYTES || !ram_bytes.is_multiple_of(4096)
        {
            return Err(MapError::RamSize { bytes: ram_bytes });
        }
        let above = ram_bytes.saturating_sub(HOLE_START);
        Ok(Self {
            low_end: ram_bytes.saturating_sub(above),
            high_end: HIGH_RAM_START.saturating_add(above),
        })
    }

    /// Where RAM below 4 GiB ends.
    #[must_use]
    pub const fn low_end(&self) -> u64 {
        self.low_end
    }

    /// What has to be backed by memory: one range, or two around the hole. The places of tables
    /// below 1 MiB are backed too.
    #[must_use]
    pub fn backed(&self) -> Vec<Span> {
        let low = Span::between(0, self.low_end);
        let high = Span::between(HIGH_RAM_START, self.high_end);
        [low, high].into_iter().filter(|s| s.len > 0).collect()
    }

    /// What a kernel is told: the entries of its e820 table.
    #[must_use]
    pub fn e820(&self) -> Vec<(Span, RangeKind)> {
        let mut ranges = vec![
            (Span::between(0, LOW_RAM_END), RangeKind::Ram),
            (Span::between(LOW_RAM_END, 0xa_0000), RangeKind::Reserved),
            (Span::between(ACPI_START, ACPI_END), RangeKind::Acpi),
            (Span::between(SMBIOS_START, MIB_1), RangeKind::Reserved),
            (Span::between(MIB_1, self.low_end), RangeKind::Ram),
        ];
        if self.high_end > HIGH_RAM_START {
            let high = Span::between(HIGH_RAM_START, self.high_end);
            ranges.push((high, RangeKind::Ram));
        }
        ranges
    }

    /// Addresses below 4 GiB that devices of the bus may ask for.
    #[must_use]
    pub const fn low_window(&self) -> Span {
        Span::between(0xf800_0000, 0xfec0_0000)
    }

    /// Addresses above all RAM that devices of the bus may ask for.
    #[must_use]
    pub const fn high_window(&self) -> Span {
        let behind_ram = self.high_end.next_multiple_of(1 << 30);
        let start = if behind_ram > HIGH_WINDOW_START {
            behind_ram
        } else {
            HIGH_WINDOW_START
        };
        Span {
            start,
            len: HIGH_WINDOW_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MapError, MemoryMap, RangeKind, Span};

    fn spans(ram_bytes: u64) -> Vec<(u64, u64)> {
        let map = MemoryMap::new(ram_bytes).unwrap();
        let ranges = map.backed();
        ranges.iter().map(|span| (span.start, span.end())).collect()
    }

    #[test]
    fn ram_that_fits_lies_below_the_hole() {
        assert_eq!(spans(512 << 20), [(0, 512 << 20)]);
        assert_eq!(spans(0xe000_0000), [(0, 0xe000_0000)]);
    }

    #[test]
    fn ram_that_does_not_fit_goes_on_at_4_gib() {
        assert_eq!(
            spans(4 << 30),
            [(0, 0xe000_0000), (1 << 32, (1 << 32) + (512 << 20))]
        );
    }

    #[test]
    fn sizes_that_are_no_machine_are_refused() {
        for bytes in [0, (32 << 20) - 4096, (512 << 20) + 1, u64::MAX] {
            assert_eq!(MemoryMap::new(bytes), Err(MapError::RamSize { bytes }));
        }
    }

    #[test]
    fn the_kernels_table_is_in_order_and_leaves_the_bios_area_alone() {
        let table = MemoryMap::new(8 << 30).unwrap().e820();
        for pair in table.windows(2) {
            assert!(pair[0].0.end() <= pair[1].0.start, "{pair:?}");
        }
        let ram = table.iter().filter(|(_, kind)| *kind == RangeKind::Ram);
        for (span, _) in ram {
            assert!(
                span.end() <= 0x9_fc00 || span.start >= 0x10_0000,
                "{span:?}"
            );
        }
    }

    #[test]
    fn windows_are_behind_ram_and_off_the_interrupt_controllers() {
        for ram_bytes in [64 << 20, 4 << 30, 60 << 30, 100 << 30, 16 << 40] {
            let map = MemoryMap::new(ram_bytes).unwrap();
            let ram_end = map.backed().last().unwrap().end();
            assert!(map.high_window().start >= ram_end);
            assert_eq!(map.low_window().end(), 0xfec0_0000);
            assert!(map.low_window().start >= map.low_end());
        }
        let small = MemoryMap::new(64 << 20).unwrap().high_window();
        let top = Span {
            start: 0xf_e000_0000,
            len: 0x2000_0000,
        };
        assert_eq!(small, top);
    }
}

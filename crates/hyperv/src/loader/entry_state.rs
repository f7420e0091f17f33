//! How the first processor starts: in 64-bit mode, with flat segments and the first 4 GiB mapped
//! one to one, as Linux's 64-bit boot protocol asks.

use detente_vmbus::{GuestMemory, OutsideMemory};

use super::layout::{GDT, IDT, PAGE_TABLES, STACK_TOP, ZERO_PAGE};

/// `__BOOT_CS` and `__BOOT_DS` of the boot protocol; the task state follows them.
const BOOT_CS: u16 = 0x10;
const BOOT_DS: u16 = 0x18;
const BOOT_TSS: u16 = 0x20;
/// The descriptors behind the empty one: nothing, flat 64-bit code, flat data, a busy task state.
const DESCRIPTORS: [u64; 5] = [
    0,
    0,
    0x00af_9b00_0000_ffff,
    0x00cf_9300_0000_ffff,
    0x000f_8b00_0000_ffff,
];
/// Present and writable.
const TABLE_ENTRY: u64 = 0x03;
/// The same, and a page of 2 MiB.
const LARGE_PAGE: u64 = 0x83;

/// Registers of the first processor; those not named here are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryState {
    /// Where it starts.
    pub rip: u64,
    /// The boot parameters.
    pub rsi: u64,
    /// A stack.
    pub rsp: u64,
    /// Interrupts off; bit 1 is always set.
    pub rflags: u64,
    /// Protected mode, paging, write protection, and the bits that are always set.
    pub cr0: u64,
    /// The page tables.
    pub cr3: u64,
    /// Physical address extension.
    pub cr4: u64,
    /// Long mode, enabled and active.
    pub efer: u64,
    /// The global descriptor table.
    pub gdt: TableRegister,
    /// The interrupt descriptor table, which is empty.
    pub idt: TableRegister,
    /// The code segment.
    pub cs: Segment,
    /// The data segment: for DS, ES, FS, GS and SS.
    pub ds: Segment,
    /// The task state.
    pub tr: Segment,
}

/// Where a descriptor table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableRegister {
    /// Its address.
    pub base: u64,
    /// Its last byte.
    pub limit: u16,
}

/// A segment register with its hidden part, in KVM's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it starts.
    pub base: u64,
    /// Its last byte.
    pub limit: u32,
    /// The place of its descriptor in the table.
    pub selector: u16,
    /// The type bits.
    pub kind: u8,
    /// Whether it is a code or data segment.
    pub s: u8,
    /// Whether its operands have 32 bits.
    pub db: u8,
    /// Whether its code has 64 bits.
    pub l: u8,
    /// Whether the limit counts pages.
    pub g: u8,
    /// Whether it is there.
    pub present: u8,
}

impl EntryState {
    /// The state in which the kernel's 64-bit entry is called.
    pub(crate) fn at(entry: u64) -> Self {
        Self {
            rip: entry,
            rsi: ZERO_PAGE,
            rsp: STACK_TOP,
            rflags: 0x2,
            // PE, ET, NE, WP and PG.
            cr0: 0x8001_0031,
            cr3: PAGE_TABLES,
            cr4: 0x20,
            efer: 0x500,
            gdt: TableRegister {
                base: GDT,
                limit: 39,
            },
            idt: TableRegister {
                base: IDT,
                limit: 0,
            },
            cs: segment(BOOT_CS, 0xb, Width::Bits64),
            ds: segment(BOOT_DS, 0x3, Width::Bits32),
            tr: Segment {
                s: 0,
                db: 0,
                g: 0,
                limit: 0xfffff,
                ..segment(BOOT_TSS, 0xb, Width::Bits32)
            },
        }
    }
}

/// What a segment is made for.
enum Width {
    Bits32,
    Bits64,
}

/// A flat segment of 4 GiB.
const fn segment(selector: u16, kind: u8, width: Width) -> Segment {
    let (db, l) = match width {
        Width::Bits32 => (1, 0),
        Width::Bits64 => (0, 1),
    };
    Segment {
        base: 0,
        limit: 0xffff_ffff,
        selector,
        kind,
        s: 1,
        db,
        l,
        g: 1,
        present: 1,
    }
}

/// Writes the descriptor table and the page tables that [`EntryState`] names.
pub(crate) fn write_tables(memory: &dyn GuestMemory) -> Result<(), OutsideMemory> {
    write_words(memory, GDT, DESCRIPTORS.iter().copied())?;
    // One table of the top level, one below it, and one for each GiB.
    let directory = PAGE_TABLES.saturating_add(0x1000);
    let first = PAGE_TABLES.saturating_add(0x2000);
    write_words(memory, PAGE_TABLES, [directory | TABLE_ENTRY])?;
    let tables = (0..4_u64).map(|gib| first.saturating_add(gib << 12) | TABLE_ENTRY);
    write_words(memory, directory, tables)?;
    let pages = (0..2048_u64).map(|page| page << 21 | LARGE_PAGE);
    write_words(memory, first, pages)
}

fn write_words(
    memory: &dyn GuestMemory,
    at: u64,
    words: impl IntoIterator<Item = u64>,
) -> Result<(), OutsideMemory> {
    let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
    memory.write(at, &bytes)
}

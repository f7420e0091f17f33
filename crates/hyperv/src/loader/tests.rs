//! Kernels that load, and one spoiled twin for each rule.

#![expect(clippy::panic, reason = "a test fails so")]

use detente_block::{BlockRead, MemoryBackend};
use detente_vmbus::fake_guest::Memory;

use super::test_kernels::Kernel;
use super::{Boot, Corruption, KernelFormat, LoadError, Loaded, Part, Unsupported, load};
use crate::memory_map::{MemoryMap, Span};

const RAM_BYTES: u64 = 64 << 20;
const RSDP: u64 = 0xe_0000;

struct Tried {
    memory: Memory,
    result: Result<Loaded, LoadError>,
}

impl Tried {
    fn u32_at(&self, at: u64) -> u32 {
        u32::from_le_bytes(self.memory.bytes(at, 4).try_into().unwrap())
    }

    fn u64_at(&self, at: u64) -> u64 {
        u64::from_le_bytes(self.memory.bytes(at, 8).try_into().unwrap())
    }
}

fn try_all(kernel: Kernel, initramfs: &[&dyn BlockRead], command_line: &str) -> Tried {
    let memory = Memory::new(usize::try_from(RAM_BYTES / 4096).unwrap());
    let map = MemoryMap::new(RAM_BYTES).unwrap();
    let kernel = kernel.file();
    let boot = Boot {
        kernel: &kernel,
        initramfs,
        command_line,
        rsdp: RSDP,
    };
    let result = load(&boot, &map, &memory);
    Tried { memory, result }
}

fn error(kernel: Kernel) -> LoadError {
    try_all(kernel, &[], "").result.unwrap_err()
}

fn corruption(kernel: Kernel) -> Corruption {
    match error(kernel) {
        LoadError::Corrupt(rule) => rule,
        other => panic!("not corrupt but {other:?}"),
    }
}

fn unsupported(kernel: Kernel) -> Unsupported {
    match error(kernel) {
        LoadError::Unsupported(what) => what,
        other => panic!("not unsupported but {other:?}"),
    }
}

#[test]
fn a_bzimage_starts_at_its_64_bit_entry() {
    let tried = try_all(Kernel::bzimage(), &[], "console=ttyS0");
    let loaded = tried.result.as_ref().unwrap();
    assert_eq!(loaded.format, KernelFormat::BzImage);
    assert_eq!(loaded.state.rip, 0x100_0200);
    assert_eq!(
        loaded.kernel,
        Span {
            start: 0x100_0000,
            len: 0x10_0000
        }
    );
    assert_eq!(tried.memory.bytes(0x100_0000, 9), b"the first");
}

#[test]
fn boot_parameters_are_where_the_protocol_wants_them() {
    let piece = MemoryBackend::new(vec![7; 5000]);
    let more = MemoryBackend::new(b"more".to_vec());
    let tried = try_all(Kernel::bzimage(), &[&piece, &more], "console=ttyS0");
    let loaded = tried.result.as_ref().unwrap();
    let zero_page = loaded.state.rsi;
    // The header is the kernel's own, with what a boot loader fills in.
    assert_eq!(tried.memory.bytes(zero_page + 0x202, 4), b"HdrS");
    assert_eq!(tried.memory.bytes(zero_page + 0x210, 2), [0xff, 0x01]);
    assert_eq!(tried.u64_at(zero_page + 0x70), RSDP);
    assert_eq!(tried.memory.bytes(0x2_0000, 14), b"console=ttyS0\0");
    assert_eq!(tried.u32_at(zero_page + 0x228), 0x2_0000);
    // The initramfs ends in the last page of RAM, and its pieces are joined.
    let initramfs = loaded.initramfs.unwrap();
    assert_eq!(
        initramfs,
        Span {
            start: RAM_BYTES - 0x2000,
            len: 5004
        }
    );
    assert_eq!(u64::from(tried.u32_at(zero_page + 0x218)), initramfs.start);
    assert_eq!(tried.u32_at(zero_page + 0x21c), 5004);
    assert_eq!(tried.memory.bytes(initramfs.end() - 5, 5), b"\x07more");
}

#[test]
fn the_memory_map_is_in_the_boot_parameters() {
    let tried = try_all(Kernel::bzimage(), &[], "");
    let zero_page = tried.result.as_ref().unwrap().state.rsi;
    let count = tried.memory.bytes(zero_page + 0x1e8, 1)[0];
    let entries: Vec<_> = (0..u64::from(count))
        .map(|index| zero_page + 0x2d0 + 20 * index)
        .map(|at| {
            (
                tried.u64_at(at),
                tried.u64_at(at + 8),
                tried.u32_at(at + 16),
            )
        })
        .collect();
    let expected = [
        (0, 0x9_fc00, 1),
        (0x9_fc00, 0x400, 2),
        (0xe_0000, 0x1_0000, 3),
        (0xf_0000, 0x1_0000, 2),
        (0x10_0000, RAM_BYTES - 0x10_0000, 1),
    ];
    assert_eq!(entries, expected);
}

#[test]
fn the_first_4_gib_are_mapped_one_to_one() {
    let tried = try_all(Kernel::bzimage(), &[], "");
    let cr3 = tried.result.as_ref().unwrap().state.cr3;
    for address in [
        0,
        0x7000,
        0x100_0200,
        0x3fff_ffff,
        0x4000_0000,
        0xffff_ffff_u64,
    ] {
        let mut table = cr3;
        for shift in [39, 30] {
            let entry = tried.u64_at(table + 8 * (address >> shift & 0x1ff));
            assert_eq!(entry & 0x83, 3, "a table for {address:#x}");
            table = entry & !0xfff;
        }
        let entry = tried.u64_at(table + 8 * (address >> 21 & 0x1ff));
        assert_eq!(entry, (address & !0x1f_ffff) | 0x83);
    }
}

#[test]
fn segments_of_the_boot_protocol_are_in_the_descriptor_table() {
    let tried = try_all(Kernel::bzimage(), &[], "");
    let state = tried.result.as_ref().unwrap().state;
    for segment in [state.cs, state.ds, state.tr] {
        let descriptor = tried.u64_at(state.gdt.base + u64::from(segment.selector));
        let kind = u64::from(segment.kind) | u64::from(segment.s) << 4;
        assert_eq!(descriptor >> 40 & 0x1f, kind, "{segment:?}");
        assert_eq!(descriptor >> 47 & 1, u64::from(segment.present));
        assert_eq!(descriptor >> 53 & 1, u64::from(segment.l));
        assert_eq!(descriptor >> 54 & 1, u64::from(segment.db));
        assert_eq!(descriptor >> 55 & 1, u64::from(segment.g));
    }
    // boot.rst: "__BOOT_CS(0x10) and __BOOT_DS(0x18)".
    assert_eq!((state.cs.selector, state.ds.selector), (0x10, 0x18));
    assert!(u64::from(state.gdt.limit) >= u64::from(state.tr.selector) + 7);
}

#[test]
fn an_elf_kernel_starts_at_its_entry() {
    let tried = try_all(Kernel::elf(), &[], "quiet");
    let loaded = tried.result.as_ref().unwrap();
    assert_eq!(loaded.format, KernelFormat::Elf);
    assert_eq!(loaded.state.rip, 0x100_0000);
    assert_eq!(
        loaded.kernel,
        Span {
            start: 0x100_0000,
            len: 0x10_5000
        }
    );
    assert_eq!(tried.memory.bytes(0x100_0000, 10), b"startup_64");
    assert_eq!(tried.memory.bytes(0x110_0000, 8), b"the data");
    assert_eq!(tried.memory.bytes(loaded.state.rsi + 0x202, 4), b"HdrS");
    assert_eq!(tried.u32_at(loaded.state.rsi + 0x228), 0x2_0000);
}

#[test]
fn what_is_no_kernel_is_refused() {
    assert_eq!(unsupported(Kernel(Vec::new())), Unsupported::KernelFormat);
    assert_eq!(
        unsupported(Kernel(vec![0; 4096])),
        Unsupported::KernelFormat
    );
    let no_signature = Kernel::bzimage().spoil(0x1fe, &[0, 0]);
    assert_eq!(unsupported(no_signature), Unsupported::KernelFormat);
}

#[test]
fn a_kernel_before_linux_3_8_is_refused() {
    let old = Kernel::bzimage().spoil(0x206, &0x020b_u16.to_le_bytes());
    let expected = Unsupported::Protocol {
        major: 2,
        minor: 11,
    };
    assert_eq!(unsupported(old), expected);
}

#[test]
fn a_kernel_for_32_bits_is_refused() {
    let kernel = Kernel::bzimage().spoil(0x236, &[0x7e]);
    assert_eq!(unsupported(kernel), Unsupported::No64BitEntry);
}

#[test]
fn a_setup_header_that_ends_too_early_is_corrupt() {
    let shorter = Kernel::bzimage().spoil(0x201, &[0x10]);
    assert!(matches!(corruption(shorter), Corruption::Truncated { .. }));
    let cut = Kernel::bzimage().cut(0x240);
    assert!(matches!(
        corruption(cut),
        Corruption::Truncated { len: 0x240, .. }
    ));
}

#[test]
fn a_bzimage_without_code_is_corrupt() {
    let cut = Kernel::bzimage().cut(5 * 512 + 0x200);
    assert!(matches!(corruption(cut), Corruption::Truncated { .. }));
    let more_setup = Kernel::bzimage().spoil(0x1f1, &[255]);
    assert!(matches!(
        corruption(more_setup),
        Corruption::Truncated { .. }
    ));
}

#[test]
fn a_setup_of_no_sectors_means_four() {
    let tried = try_all(Kernel::bzimage().spoil(0x1f1, &[0]), &[], "");
    tried.result.as_ref().unwrap();
    assert_eq!(tried.memory.bytes(0x100_0000, 9), b"the first");
}

#[test]
fn a_kernel_that_wants_to_be_below_1_mib_is_corrupt() {
    let bzimage = Kernel::bzimage().spoil(0x258, &0x7000_u64.to_le_bytes());
    assert_eq!(
        corruption(bzimage),
        Corruption::LoadAddress { address: 0x7000 }
    );
    let elf = Kernel::elf().spoil(64 + 0x18, &0x7000_u64.to_le_bytes());
    assert_eq!(corruption(elf), Corruption::LoadAddress { address: 0x7000 });
}

#[test]
fn a_kernel_beyond_the_address_space_is_corrupt() {
    let address = u64::MAX - 0xfff;
    let bzimage = Kernel::bzimage().spoil(0x258, &address.to_le_bytes());
    assert!(matches!(corruption(bzimage), Corruption::Wraps { .. }));
    let elf = Kernel::elf().spoil(64 + 56 + 0x18, &address.to_le_bytes());
    assert!(matches!(corruption(elf), Corruption::Wraps { .. }));
}

#[test]
fn a_kernel_that_needs_more_ram_is_told_how_much() {
    let needed = 0x100_0000 + 0x7000_0000;
    let bzimage = Kernel::bzimage().spoil(0x260, &0x7000_0000_u32.to_le_bytes());
    let elf = Kernel::elf().spoil(64 + 0x28, &0x7000_0000_u64.to_le_bytes());
    for kernel in [bzimage, elf] {
        let LoadError::TooLittleMemory {
            part: Part::Kernel,
            needed: said,
            ram_end,
        } = error(kernel)
        else {
            panic!("another error");
        };
        assert_eq!((said, ram_end), (needed, RAM_BYTES));
    }
}

#[test]
fn an_initramfs_that_does_not_fit_is_refused() {
    let big = MemoryBackend::new(vec![1; 48 << 20]);
    let result = try_all(Kernel::bzimage(), &[&big], "").result;
    let Err(LoadError::TooLittleMemory { part, .. }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(part, Part::Initramfs);
}

#[test]
fn an_initramfs_stays_below_what_the_kernel_can_reach() {
    let kernel = Kernel::bzimage().spoil(0x22c, &0x27f_ffff_u32.to_le_bytes());
    let small = MemoryBackend::new(vec![1; 0x1000]);
    let loaded = try_all(kernel, &[&small], "").result.unwrap();
    assert_eq!(
        loaded.initramfs,
        Some(Span {
            start: 0x27f_f000,
            len: 0x1000
        })
    );
}

#[test]
fn a_command_line_is_as_long_as_the_kernel_reads() {
    let fits = "x".repeat(2047);
    try_all(Kernel::bzimage(), &[], &fits).result.unwrap();
    let long = "x".repeat(2048);
    for kernel in [Kernel::bzimage(), Kernel::elf()] {
        let result = try_all(kernel, &[], &long).result;
        let Err(LoadError::CommandLineTooLong { len, limit }) = result else {
            panic!("{result:?}");
        };
        assert_eq!((len, limit), (2048, 2047));
    }
    // A kernel cannot talk us into writing over what lies behind.
    let boasting = Kernel::bzimage().spoil(0x238, &u32::MAX.to_le_bytes());
    let result = try_all(boasting, &[], &"x".repeat(0x1_0000)).result;
    assert!(matches!(
        result,
        Err(LoadError::CommandLineTooLong { limit: 0xffff, .. })
    ));
}

#[test]
fn a_command_line_with_a_nul_is_refused() {
    let result = try_all(Kernel::bzimage(), &[], "a\0b").result;
    assert!(matches!(result, Err(LoadError::CommandLineNul)));
}

#[test]
fn an_elf_file_of_another_kind_is_refused() {
    // 32 bits; big-endian; a shared object; aarch64.
    for (at, value) in [(4, 1), (5, 2), (0x10, 3), (0x12, 183)] {
        let kernel = Kernel::elf().spoil(at, &[value]);
        assert_eq!(unsupported(kernel), Unsupported::ElfKind, "byte {at}");
    }
}

#[test]
fn program_headers_are_few_whole_and_of_one_size() {
    let many = Kernel::elf().spoil(0x38, &65_u16.to_le_bytes());
    let expected = Unsupported::ProgramHeaders {
        count: 65,
        size: 56,
    };
    assert_eq!(unsupported(many), expected);
    let small = Kernel::elf().spoil(0x36, &32_u16.to_le_bytes());
    let expected = Unsupported::ProgramHeaders { count: 3, size: 32 };
    assert_eq!(unsupported(small), expected);
    for table in [0x3000_u64, u64::MAX - 8] {
        let outside = Kernel::elf().spoil(0x20, &table.to_le_bytes());
        assert!(matches!(corruption(outside), Corruption::Truncated { .. }));
    }
    let cut = Kernel::elf().cut(40);
    assert!(matches!(
        corruption(cut),
        Corruption::Truncated { len: 40, .. }
    ));
}

#[test]
fn a_segment_with_more_bytes_in_the_file_than_in_memory_is_corrupt() {
    let kernel = Kernel::elf().spoil(64 + 0x28, &0x700_u64.to_le_bytes());
    let expected = Corruption::SegmentSizes {
        index: 0,
        in_file: 0x800,
        in_memory: 0x700,
    };
    assert_eq!(corruption(kernel), expected);
}

#[test]
fn a_segment_that_is_not_in_the_file_is_corrupt() {
    for offset in [0x2801_u64, u64::MAX] {
        let kernel = Kernel::elf().spoil(64 + 0x08, &offset.to_le_bytes());
        assert!(matches!(corruption(kernel), Corruption::Truncated { .. }));
    }
}

#[test]
fn an_elf_kernel_has_something_to_load_and_to_start_at() {
    let nothing = Kernel::elf().spoil(0x38, &[0]);
    assert_eq!(corruption(nothing), Corruption::NoSegments);
    let elsewhere = Kernel::elf().spoil(0x18, &0x200_0000_u64.to_le_bytes());
    assert_eq!(
        corruption(elsewhere),
        Corruption::EntryOutside { entry: 0x200_0000 }
    );
}

#[test]
fn spoiled_headers_never_panic() {
    let memory = Memory::new(usize::try_from(RAM_BYTES / 4096).unwrap());
    let map = MemoryMap::new(RAM_BYTES).unwrap();
    // A generator by Marsaglia (xorshift64), so that a failure can be repeated.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..2000 {
        let mut kernel = if round % 2 == 0 {
            Kernel::bzimage()
        } else {
            Kernel::elf()
        };
        for _ in 0..=round % 4 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let fields = if round % 2 == 0 { 0x1f1..0x270 } else { 0..232 };
            let at = fields.start + usize::try_from(random >> 32).unwrap() % fields.len();
            kernel = kernel.spoil(at, &[random.to_le_bytes()[0]]);
        }
        let file = kernel.file();
        let boot = Boot {
            kernel: &file,
            initramfs: &[],
            command_line: "",
            rsdp: RSDP,
        };
        // Whatever comes of it, nothing was written outside memory.
        let result = load(&boot, &map, &memory);
        assert!(
            !matches!(result, Err(LoadError::Memory(_))),
            "round {round}"
        );
    }
}

//! The tables against the specification's layout, against bytes that `iasl` made, and, where it is
//! installed, read back by `iasl`.

use std::path::Path;
use std::process::Command;

use super::{AcpiError, Tables, build};
use crate::memory_map::MemoryMap;

fn tables(processors: u32) -> Tables {
    build(processors, &MemoryMap::new(4 << 30).unwrap()).unwrap()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// The table at this address, by its own length.
fn at(tables: &Tables, address: u64) -> &[u8] {
    let start = usize::try_from(address - tables.start).unwrap();
    let len = usize::try_from(u32_at(&tables.bytes[start..], 4)).unwrap();
    &tables.bytes[start..start + len]
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// The tables as a guest finds them: from the root pointer on. The DSDT comes last.
fn walk(tables: &Tables) -> Vec<&[u8]> {
    let rsdp = &tables.bytes[..36];
    assert_eq!(
        (sum(&rsdp[..20]), sum(rsdp)),
        (0, 0),
        "the RSDP's checksums"
    );
    let xsdt = at(tables, u64_at(rsdp, 24));
    let mut found = vec![xsdt];
    for entry in xsdt[36..].chunks(8) {
        found.push(at(tables, u64_at(entry, 0)));
    }
    let fadt = found[1];
    found.push(at(tables, u64_at(fadt, 140)));
    found
}

fn table(tables: &Tables, signature: &[u8; 4]) -> Vec<u8> {
    let all = walk(tables);
    let found = all.iter().find(|table| table.starts_with(signature));
    found.expect("the table is there").to_vec()
}

#[test]
fn every_table_is_reached_and_its_checksum_is_right() {
    for processors in [1, 2, 300] {
        let tables = tables(processors);
        let all = walk(&tables);
        let signatures: Vec<&[u8]> = all.iter().map(|table| &table[..4]).collect();
        assert_eq!(signatures, [b"XSDT", b"FACP", b"APIC", b"DSDT"]);
        assert!(all.iter().all(|table| sum(table) == 0));
    }
}

#[test]
fn the_dsdt_is_what_iasl_makes_of_the_source() {
    let golden: String = include_str!("golden/dsdt.hex").split_whitespace().collect();
    let ours: String = table(&tables(2), b"DSDT")[36..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(ours, golden);
}

#[test]
fn sleep_and_reset_registers_have_ports_of_their_own() {
    let fadt = table(&tables(1), b"FACP");
    // Offsets of ACPI 6.5, table 5.9: reset, sleep control, sleep status.
    let registers =
        [116, 244, 256].map(|at| (fadt[at], fadt[at + 1], fadt[at + 3], u64_at(&fadt, at + 4)));
    assert_eq!(
        registers,
        [(1, 8, 1, 0x602), (1, 8, 1, 0x600), (1, 8, 1, 0x601)]
    );
    // Hardware-reduced (bit 20), reset register (bit 10).
    let flags = u32_at(&fadt, 112);
    assert_eq!(flags & (1 << 20 | 1 << 10), 1 << 20 | 1 << 10);
}

#[test]
fn processors_beyond_254_are_x2apics() {
    let madt = table(&tables(300), b"APIC");
    let mut rest = &madt[44..];
    let mut ids = Vec::new();
    let mut io_apics = 0;
    while let [kind, len, ..] = *rest {
        let (entry, behind) = rest.split_at(usize::from(len));
        match kind {
            0 => ids.push((0, u32::from(entry[3]))),
            1 => io_apics += 1,
            9 => ids.push((9, u32_at(entry, 4))),
            _ => panic!("an entry of type {kind}"),
        }
        rest = behind;
    }
    let expected: Vec<_> = (0..300)
        .map(|id| (if id < 255 { 0 } else { 9 }, id))
        .collect();
    assert_eq!(ids, expected);
    assert_eq!(io_apics, 1);
}

#[test]
fn processors_that_tables_have_no_room_for_are_refused() {
    let map = MemoryMap::new(64 << 20).unwrap();
    for processors in [0, 0x1001, u32::MAX] {
        assert_eq!(
            build(processors, &map),
            Err(AcpiError::Processors { processors })
        );
    }
    // By size: each takes 16 bytes in the MADT and about 30 in the DSDT, and there are 64 KiB.
    assert_eq!(
        build(4096, &map),
        Err(AcpiError::Processors { processors: 4096 })
    );
    assert!(build(1024, &map).is_ok());
}

/// The text that `iasl -d` makes of each table, all in one.
fn disassembled(tables: &Tables, folder: &Path) -> Option<String> {
    let mut text = String::new();
    for table in walk(tables) {
        let name = String::from_utf8(table[..4].to_vec()).unwrap();
        let file = folder.join(format!("{name}.dat"));
        std::fs::write(&file, table).unwrap();
        let run = Command::new("iasl").arg("-d").arg(&file).output().ok()?;
        assert!(
            run.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
        text += &std::fs::read_to_string(file.with_extension("dsl")).unwrap();
    }
    Some(text)
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
fn iasl_reads_the_tables_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(text) = disassembled(&tables(256), folder.path()) else {
        eprintln!("skipped: iasl_reads_the_tables_back: iasl is not installed");
        return;
    };
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "Hardware Reduced (V5) : 1",
        "Reset Register Supported (V2) : 1",
        "VGA Not Present (V4) : 1",
        "8042 Present on ports 60/64 (V2) : 0",
        "Local Apic Address : FEE00000",
        "[Processor Local x2APIC]",
        "Processor x2Apic ID : 000000FF",
        "Processor UID : 000000FF",
        "[I/O APIC]",
        "Name (_HID, \"VMBus\")",
        "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, ) { 0x00000004, }",
        "Device (C0FF)",
        "Package (0x04) // _S5_: S5 System State { 0x05, 0x05, Zero, Zero })",
    ] {
        assert!(words.contains(expected), "{expected} is not in it");
    }
    assert!(!text.contains("Incorrect checksum"));
}

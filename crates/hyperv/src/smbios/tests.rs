//! The tables read back: by hand, and by `dmidecode` where it is installed.

use std::process::Command;

use detente_vmbus::Guid;

use super::{Identity, Smbios, SmbiosError, build};

const UUID: &str = "6ec3f59a-2d54-4a3e-9c1b-0a1b2c3d4e5f";

fn identity(serial: &str) -> Identity {
    Identity {
        uuid: Guid::new(0x6ec3_f59a_2d54_4a3e_9c1b_0a1b_2c3d_4e5f),
        serial: serial.to_owned(),
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// The structures' types, lengths and strings, by the rules of the specification, section 6.1.
fn walk(tables: &Smbios) -> Vec<(u8, u8, Vec<String>)> {
    let mut rest = &tables.bytes[32..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (kind, len) = (rest[0], rest[1]);
        rest = &rest[usize::from(len)..];
        let end = rest.windows(2).position(|pair| pair == [0, 0]).unwrap();
        let strings = rest[..end].split(|byte| *byte == 0);
        let strings = strings.map(|text| String::from_utf8(text.to_vec()).unwrap());
        found.push((kind, len, strings.collect()));
        rest = &rest[end + 2..];
    }
    found
}

#[test]
fn the_entry_point_leads_to_the_structures() {
    let tables = build(&identity("0001")).unwrap();
    let entry = &tables.bytes[..24];
    assert_eq!((&entry[..5], sum(entry)), (&b"_SM3_"[..], 0));
    let address = u64::from_le_bytes(entry[16..24].try_into().unwrap());
    assert_eq!((tables.start, address), (0xf_0000, 0xf_0020));
    let len = u32::from_le_bytes(entry[12..16].try_into().unwrap());
    assert_eq!(usize::try_from(len).unwrap(), tables.bytes.len() - 32);
}

#[test]
fn structures_are_the_required_ones_and_end() {
    let tables = build(&identity("0001")).unwrap();
    let found: Vec<_> = walk(&tables)
        .iter()
        .map(|(kind, len, _)| (*kind, *len))
        .collect();
    // Lengths as SMBIOS 3.3 gives them (a board without contained objects has 15 bytes).
    assert_eq!(
        found,
        [(0, 26), (1, 27), (2, 15), (3, 22), (32, 11), (127, 4)]
    );
}

#[test]
fn it_is_told_as_guests_of_hyper_v_are_but_the_firmware_is_ours() {
    let tables = build(&identity("0001-0002")).unwrap();
    let strings: Vec<_> = walk(&tables)
        .into_iter()
        .map(|(_, _, strings)| strings)
        .collect();
    assert_eq!(
        strings[1],
        ["Microsoft Corporation", "Virtual Machine", "0001-0002"]
    );
    assert_eq!(strings[0][0], "detente");
}

#[test]
fn a_serial_number_that_breaks_strings_is_refused() {
    for serial in ["", "a\0b", "a\nb", "é", &"1".repeat(65)] {
        let expected = SmbiosError::Serial {
            serial: serial.to_owned(),
        };
        assert_eq!(build(&identity(serial)), Err(expected));
    }
    build(&identity(&"1".repeat(64))).unwrap();
}

/// A file as `dmidecode --dump-bin` writes it: the entry point names an offset in the file.
fn dump(tables: &Smbios) -> Vec<u8> {
    let mut bytes = tables.bytes.clone();
    bytes[16..24].copy_from_slice(&32_u64.to_le_bytes());
    bytes[5] = 0;
    bytes[5] = sum(&bytes[..24]).wrapping_neg();
    bytes
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
fn dmidecode_reads_the_tables_back() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let tables = build(&identity("0001-0002-0003")).unwrap();
    std::fs::write(file.path(), dump(&tables)).unwrap();
    let program = ["/usr/sbin/dmidecode", "/usr/bin/dmidecode"];
    let Some(program) = program
        .iter()
        .find(|path| std::path::Path::new(path).exists())
    else {
        eprintln!("skipped: dmidecode_reads_the_tables_back: dmidecode is not installed");
        return;
    };
    let run = Command::new(program)
        .arg("--from-dump")
        .arg(file.path())
        .output()
        .unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    for expected in [
        "SMBIOS 3.3.0 present.",
        "System is a virtual machine",
        "Manufacturer: Microsoft Corporation",
        "Product Name: Virtual Machine",
        "Serial Number: 0001-0002-0003",
        &format!("UUID: {UUID}"),
        "Type: Motherboard",
        "Status: No errors detected",
        "End Of Table",
    ] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
    assert!(
        !text.contains("<BAD INDEX>") && !text.contains("broken"),
        "{text}"
    );
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
}

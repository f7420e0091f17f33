//! Each rule of the VHD format, by a sound image with one field spoiled.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod vhd_support;

use detente_block::MemoryBackend;
use detente_disk::{CheckReport, Format, Severity, check_as};
use vhd_support::{
    SIZE, at, differencing, dynamic, fixed, footer, put, refusal, sign, sign_all, with_locator,
};

/// A dynamic image with one field of its header or table spoiled is refused with these words.
fn header_field(field: usize, value: &[u8], words: &str) {
    let mut image = dynamic();
    put(&mut image, field, value);
    sign_all(&mut image);
    let refusal = refusal(image);
    assert!(refusal.contains(words), "{refusal}");
}

/// The same for a field of both footers.
fn footer_field(field: usize, value: &[u8], words: &str) {
    let mut image = dynamic();
    let end = image.len() - 512;
    put(&mut image, field, value);
    put(&mut image, end + field, value);
    sign_all(&mut image);
    let refusal = refusal(image);
    assert!(refusal.contains(words), "{refusal}");
}

#[test]
fn two_bad_footers_are_refused() {
    let mut image = dynamic();
    let end = image.len() - 512;
    image[100] = 1;
    image[end + 100] = 1;
    let refusal = refusal(image);
    assert!(
        refusal.contains("0x2c40: the footer's checksum is"),
        "{refusal}"
    );
}

#[test]
fn another_version_is_not_supported() {
    footer_field(
        12,
        &0x0002_0000_u32.to_be_bytes(),
        "unsupported at offset 0x2c0c: version 0x00020000",
    );
}

#[test]
fn deprecated_disk_types_are_not_supported() {
    for disk_type in [0_u32, 1, 5, 6, 7] {
        let words = format!("unsupported at offset 0x2c3c: disk type {disk_type}");
        footer_field(60, &disk_type.to_be_bytes(), &words);
    }
}

#[test]
fn more_than_2040_gib_are_not_supported() {
    let size = (2040_u64 << 30) + 512;
    footer_field(
        48,
        &size.to_be_bytes(),
        "unsupported at offset 0x2c30: a VHD of",
    );
}

#[test]
fn a_header_past_the_end_is_corrupt() {
    for offset in [0x2c00_u64, u64::MAX, u64::MAX - 1000] {
        footer_field(
            16,
            &offset.to_be_bytes(),
            "offset 0x2c10: the dynamic disk header at",
        );
    }
    footer_field(
        16,
        &0x600_u64.to_be_bytes(),
        "offset 0x600: there is no dynamic disk header",
    );
}

#[test]
fn a_wrong_checksum_of_the_header_is_corrupt() {
    let mut image = dynamic();
    image[at::HEADER + 1000] = 1;
    let refusal = refusal(image);
    assert!(
        refusal.contains("offset 0x224: the dynamic disk header's checksum"),
        "{refusal}"
    );
}

#[test]
fn another_version_of_the_header_is_not_supported() {
    let words = "unsupported at offset 0x218: version 0x00020000";
    header_field(at::HEADER_VERSION, &0x0002_0000_u32.to_be_bytes(), words);
}

#[test]
fn blocks_are_powers_of_two_of_sectors() {
    for size in [0_u32, 256, 4095, 4097, 12_288] {
        let words = format!("offset 0x220: blocks of {size} bytes");
        header_field(at::BLOCK_SIZE, &size.to_be_bytes(), &words);
    }
}

#[test]
fn the_table_is_inside_the_file_and_large_enough() {
    let past = "offset 0x21c: the block allocation table of";
    header_field(at::MAX_TABLE_ENTRIES, &u32::MAX.to_be_bytes(), past);
    header_field(at::TABLE_OFFSET, &u64::MAX.to_be_bytes(), past);
    header_field(at::TABLE_OFFSET, &0x2df8_u64.to_be_bytes(), past);
    let few = "offset 0x21c: 3 blocks of 4096 bytes are too few";
    header_field(at::MAX_TABLE_ENTRIES, &3_u32.to_be_bytes(), few);
}

#[test]
fn blocks_lie_inside_the_file_and_over_no_structure() {
    let check = |entry: u32, words: &str| header_field(at::BAT + 8, &entry.to_be_bytes(), words);
    check(
        0xffff_fffe,
        "offset 0x608: block 2 at 0x1fffffffc00 goes past the end",
    );
    check(
        14,
        "offset 0x608: block 2 at 0x1c00 goes past the end of the file's data at 0x2c00",
    );
    check(
        0,
        "offset 0x608: block 2 at 0x0 lies over the copy of the footer",
    );
    check(
        2,
        "offset 0x608: block 2 at 0x400 lies over the dynamic disk header",
    );
    check(
        3,
        "offset 0x608: block 2 at 0x600 lies over the block allocation table",
    );
}

#[test]
fn a_fixed_disk_is_whole() {
    let words = "the fixed disk of 14336 bytes has only 14335";
    let refusal = refusal(fixed(&vec![0; SIZE - 1], &footer(2, SIZE, b"win ")));
    assert!(refusal.contains(words), "{refusal}");
}

#[test]
fn a_differencing_disk_names_its_parent() {
    let mut image = differencing();
    image[at::PARENT_NAME..][..20].fill(0);
    sign_all(&mut image);
    let refusal = refusal(image);
    assert!(
        refusal.contains("offset 0x240: a differencing disk names no parent"),
        "{refusal}"
    );
}

#[test]
fn the_name_of_a_parent_is_inside_the_file() {
    for (field, value) in [(8, 0x1_0002_u32), (16, 0xffff_ffff)] {
        let mut image = differencing();
        with_locator(&mut image, 1, b"W2ru", r".\parent.vhd");
        put(&mut image, at::LOCATORS + 24 + field, &value.to_be_bytes());
        sign_all(&mut image);
        let refusal = refusal(image);
        assert!(
            refusal.contains("offset 0x458: a parent locator's"),
            "{refusal}"
        );
    }
}

/// What a check of the image finds, by the rules' names.
fn findings(image: Vec<u8>) -> (Vec<&'static str>, CheckReport) {
    let report = check_as(&MemoryBackend::new(image), Format::Vhd).unwrap();
    let rules = report.findings.iter().map(|finding| finding.rule).collect();
    (rules, report)
}

#[test]
fn sound_images_break_no_rule() {
    let (rules, report) = findings(dynamic());
    assert!(rules.is_empty() && report.complete, "{report:?}");
    assert_eq!((report.units, report.allocated_units), (4, 2));
    assert_eq!(report.image_end, dynamic().len() as u64);
    let (rules, _) = findings(differencing());
    assert!(rules.is_empty(), "{rules:?}");
    let (rules, report) = findings(fixed(&vec![0; SIZE], &footer(2, SIZE, b"win ")));
    assert!(rules.is_empty(), "{rules:?}");
    assert_eq!(report.image_end, SIZE as u64 + 512);
}

#[test]
fn check_names_each_rule_and_goes_on() {
    let check = |spoil: &dyn Fn(&mut Vec<u8>), expect: &[&str]| {
        let mut image = dynamic();
        spoil(&mut image);
        let (rules, report) = findings(image);
        assert_eq!(rules, expect, "{report:?}");
    };
    check(&|image| image[100] = 1, &["vhd.footer.copy"]);
    check(&|image| *image.last_mut().unwrap() = 1, &["vhd.footer.end"]);
    check(
        &|image| image.truncate(at::FOOTER),
        &["vhd.footer.end-missing"],
    );
    check(
        &|image| {
            image[68] = 1;
            sign(&mut image[..512], 64);
        },
        &["vhd.footer.differ"],
    );
    check(
        &|image| {
            put(image, at::BAT + 8, &4_u32.to_be_bytes());
            put(image, at::BAT + 4, &0xffff_u32.to_be_bytes());
        },
        &["vhd.bat.place", "vhd.bat.overlap"],
    );
    check(&|image| image[at::BLOCK_2] = 0x80, &["vhd.bitmap.data"]);
    check(
        &|image| image[at::BLOCK_2 + 1] = 0x80,
        &["vhd.bitmap.padding"],
    );
    check(
        &|image| {
            put(image, at::MAX_TABLE_ENTRIES, &8_u32.to_be_bytes());
            sign_all(image);
        },
        &["vhd.header.entries"],
    );
    check(
        &|image| {
            // A fifth block, though the disk has four: the table says so, and there is room for it.
            let room = [0; 512 + at::BLOCK];
            image.splice(at::FOOTER..at::FOOTER, room);
            put(image, at::MAX_TABLE_ENTRIES, &5_u32.to_be_bytes());
            let sector = u32::try_from(at::FOOTER / 512).unwrap();
            put(image, at::BAT + 16, &sector.to_be_bytes());
            sign_all(image);
        },
        &["vhd.header.entries", "vhd.bat.behind"],
    );
    check(&|image| image[at::HEADER] = 0, &["vhd.header"]);
    check(&|image| image.clear(), &["vhd.footer.none"]);
}

#[test]
fn check_names_each_rule_of_a_fixed_disk() {
    let check = |bytes: usize, footer: &[u8], expect: &[&str]| {
        let (rules, report) = findings(fixed(&vec![0; bytes], footer));
        assert_eq!(rules, expect, "{report:?}");
    };
    let sound = footer(2, SIZE, b"win ");
    check(SIZE - 512, &sound, &["vhd.fixed.short"]);
    check(SIZE + 512, &sound, &["vhd.fixed.size"]);
    let mut somewhere = sound.clone();
    put(&mut somewhere, 16, &512_u64.to_be_bytes());
    sign(&mut somewhere, 64);
    check(SIZE, &somewhere, &["vhd.footer.data-offset"]);
}

#[test]
fn check_says_offset_section_and_severity() {
    let mut image = dynamic();
    put(&mut image, at::BAT + 8, &4_u32.to_be_bytes());
    let (_, report) = findings(image);
    let finding = &report.findings[0];
    assert_eq!(finding.offset, at::BAT as u64 + 8);
    assert_eq!(finding.severity, Severity::Corrupt);
    assert_eq!(
        finding.section,
        "[VHD] Block Allocation Table and Data Blocks"
    );
    assert_eq!(report.corruptions, 1);
}

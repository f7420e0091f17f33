//! Each rule of the VMDK format, by a sound image with one field spoiled.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod vmdk_support;

use detente_block::MemoryBackend;
use detente_disk::{CheckReport, Format, Severity, check_as};
use vmdk_support::{
    Files, GRAIN, at, cowd, descriptor, packed, put, refusal, se_sparse, sparse, sparse_on, stream,
    stream_of,
};

fn none() -> Files {
    Files(Vec::new())
}

/// A sparse disk with one field spoiled is refused with these words.
fn field(field: usize, value: &[u8], words: &str) {
    let mut image = sparse();
    // No second chance.
    put(&mut image, at::FLAGS, &5_u32.to_le_bytes());
    put(&mut image, field, value);
    let refusal = refusal(image, none());
    assert!(refusal.contains(words), "{refusal}");
}

#[test]
fn other_versions_and_algorithms_are_not_supported() {
    field(
        at::VERSION,
        &4_u32.to_le_bytes(),
        "unsupported at offset 0x4: version 4",
    );
    field(
        at::VERSION,
        &0_u32.to_le_bytes(),
        "unsupported at offset 0x4: version 0",
    );
    field(
        at::COMPRESS_ALGORITHM,
        &2_u16.to_le_bytes(),
        "unsupported at offset 0x4d: compression",
    );
    field(
        at::COMPRESS_ALGORITHM,
        &1_u16.to_le_bytes(),
        "unsupported at offset 0x8: compressed",
    );
    field(
        at::FLAGS,
        &0x1_0001_u32.to_le_bytes(),
        "offset 0x8: grains are compressed, but",
    );
}

#[test]
fn sizes_are_bounded() {
    for size in [0_u64, 3, 0x40_0000, u64::MAX] {
        field(
            at::GRAIN_SIZE,
            &size.to_le_bytes(),
            &format!("grains of {size} sectors"),
        );
    }
    for entries in [0_u32, 513, u32::MAX] {
        let words = format!("offset 0x2c: grain tables of {entries} entries");
        field(at::NUM_GTES_PER_GT, &entries.to_le_bytes(), &words);
    }
    for capacity in [1_u64 << 54, u64::MAX] {
        let words = format!("offset 0xc: a capacity of {capacity} sectors");
        field(at::CAPACITY, &capacity.to_le_bytes(), &words);
    }
    field(
        at::CAPACITY,
        &(1_u64 << 40).to_le_bytes(),
        "the grain directory of 268435456 entries",
    );
}

#[test]
fn directories_tables_and_grains_lie_inside_the_file() {
    let past = "offset 0xfffffffffffffe00: the grain directory of 1 entries goes past the end";
    field(at::GD_OFFSET, &(u64::MAX >> 9).to_le_bytes(), past);
    let past = "offset 0x1000: grain table 0 at 0x1fffffffe00 goes past the end";
    field(at::GD, &u32::MAX.to_le_bytes(), past);
    field(
        at::GT + 12,
        &48_u32.to_le_bytes(),
        "offset 0x120c: grain 3 goes past the end",
    );
    field(
        at::GT + 12,
        &u32::MAX.to_le_bytes(),
        "offset 0x120c: grain 3 goes past the end",
    );
    let mut cut = sparse();
    cut.truncate(cut.len() - GRAIN / 2 - 1);
    let refusal = refusal(cut, none());
    assert!(refusal.contains("grain 20 goes past the end"), "{refusal}");
}

#[test]
fn a_stream_needs_its_footer() {
    let image = stream();
    let end = image.len();
    let check = |at: usize, value: &[u8], words: &str| {
        let mut image = stream();
        put(&mut image, at, value);
        let refusal = refusal(image, none());
        assert!(refusal.contains(words), "{refusal}");
    };
    check(
        end - 1536 + 12,
        &[4],
        "the stream has no footer before its end",
    );
    check(end - 1024, &[0], "there is no sparse extent header here");
    check(
        end - 1024 + at::GD_OFFSET,
        &[0xff; 8],
        "the footer does not say where",
    );
    let mut cut = image;
    cut.truncate(end - 512);
    let refusal = refusal(cut, none());
    assert!(refusal.contains("the stream has no footer"), "{refusal}");
}

#[test]
fn packed_grains_are_what_their_markers_say() {
    let check = |grain: Vec<u8>, words: &str| {
        let refusal = refusal(stream_of(&[(3, grain)]), none());
        assert!(refusal.contains(words), "{refusal}");
    };
    check(packed(3, &[7; GRAIN]), "it is read");
    check(
        packed(4, &[7; GRAIN]),
        "offset 0x2000: the marker of grain 3 says that sector 32",
    );
    let mut none = packed(3, &[7; GRAIN]);
    put(&mut none, 8, &[0; 4]);
    check(
        none,
        "offset 0x2008: the marker of grain 3 says that 0 bytes follow",
    );
    let mut many = packed(3, &[7; GRAIN]);
    put(&mut many, 8, &8193_u32.to_le_bytes());
    check(
        many,
        "offset 0x2008: the marker of grain 3 says that 8193 bytes follow",
    );
    let mut short = packed(3, &[7; GRAIN]);
    put(&mut short, 8, &7_u32.to_le_bytes());
    check(short, "grain 3 is cut off");
    let mut noise = packed(3, &[7; GRAIN]);
    put(&mut noise, 14, &[0xff; 8]);
    check(noise, "grain 3 cannot be unpacked");
    check(
        packed(3, &[7; GRAIN - 1]),
        "grain 3 unpacks to 4095 bytes only",
    );
    // A bomb: 16 MiB where 4 KiB belong.
    check(packed(3, &vec![0; 16 << 20])[..4096].to_vec(), "grain 3");
    check(
        packed(3, &vec![0; 1 << 20]),
        "grain 3 is cut off, or unpacks to more than a grain",
    );
}

#[test]
fn descriptors_say_what_can_be_followed() {
    let check = |extent: &str, words: &str| {
        let text = descriptor("custom", extent).into_bytes();
        let files = Files(vec![
            ("flat", vec![0; 1024]),
            ("sparse", sparse()),
            ("text", vec![32; 512]),
        ]);
        let refusal = refusal(text, files);
        assert!(refusal.contains(words), "{extent}: {refusal}");
    };
    check("", "the descriptor names no extents");
    check(
        "RW 3 FLAT \"flat\" 0",
        "the extent flat has 1024 bytes, too few for 1536",
    );
    check("RW 2 FLAT \"flat\" 1", "too few for 1024 from 0x200 on");
    check("RW 1 FLAT \"flat\" 36028797018963967", "too few");
    check(
        "RW 165 SPARSE \"sparse\"",
        "the extent sparse has 164 sectors, not 165",
    );
    check(
        "RW 1 SPARSE \"text\"",
        "there is no sparse extent header here (in the extent text)",
    );
    check(
        "RW 1 SESPARSE \"sparse\"",
        "there is no seSparse header here (in the extent sparse)",
    );
    check("RW 1 FLAT \"missing\" 0", "it is not here");
    let most = "RW 18014398509481983 ZERO\nRW 18014398509481983 ZERO";
    check(most, "the extents are more than 2^63 bytes");
}

#[test]
fn a_child_says_where_its_parent_is() {
    let refusal = refusal(sparse_on("", 1), none());
    assert!(
        refusal.contains("says what its parent is, but not where"),
        "{refusal}"
    );
}

#[test]
fn cowd_and_se_sparse_headers_are_checked() {
    let check = |image: Vec<u8>, kind: &str, at: usize, value: &[u8], words: &str| {
        let mut image = image;
        put(&mut image, at, value);
        let text = descriptor("custom", &format!("RW 164 {kind} \"extent\"")).into_bytes();
        let refusal = refusal(text, Files(vec![("extent", image)]));
        assert!(refusal.contains(words), "{refusal}");
    };
    check(cowd(), "VMFSSPARSE", 4, &[2], "version 2 of COWD extents");
    check(cowd(), "VMFSSPARSE", 16, &[7], "grains of 7 sectors");
    check(
        cowd(),
        "VMFSSPARSE",
        24,
        &[0],
        "a directory of 0 entries is too small",
    );
    check(se_sparse(), "SESPARSE", 8, &[2], "version 0x200000002");
    check(
        se_sparse(),
        "SESPARSE",
        24,
        &[16],
        "grains of 16 and tables of 64 sectors",
    );
    check(
        se_sparse(),
        "SESPARSE",
        40,
        &[1],
        "flags 0x1 of seSparse extents",
    );
    check(
        se_sparse(),
        "SESPARSE",
        136,
        &[0],
        "a grain directory of 0 sectors is too small",
    );
    check(
        se_sparse(),
        "SESPARSE",
        512,
        &[0],
        "there is no volatile header here",
    );
    check(
        se_sparse(),
        "SESPARSE",
        512 + 24,
        &[1],
        "whose journal has to be replayed",
    );
    check(
        se_sparse(),
        "SESPARSE",
        1024 + 7,
        &[0x20],
        "the grain directory entry",
    );
    check(
        se_sparse(),
        "SESPARSE",
        8 * 512 + 7,
        &[0x40],
        "has no known type",
    );
}

fn findings(image: Vec<u8>) -> (Vec<&'static str>, CheckReport) {
    let report = check_as(&MemoryBackend::new(image), Format::Vmdk).unwrap();
    let rules = report.findings.iter().map(|finding| finding.rule).collect();
    (rules, report)
}

#[test]
fn sound_images_break_no_rule() {
    for image in [sparse(), stream(), cowd()] {
        let len = image.len() as u64;
        let (rules, report) = findings(image);
        assert!(rules.is_empty() && report.complete, "{report:?}");
        assert_eq!((report.units, report.allocated_units), (21, 4));
        assert!(
            report.image_end <= len && report.image_end > 0,
            "{report:?}"
        );
    }
}

#[test]
fn check_names_each_rule_and_goes_on() {
    let check = |at: usize, value: &[u8], expect: &[&str]| {
        let mut image = sparse();
        put(&mut image, at, value);
        let (rules, report) = findings(image);
        assert_eq!(rules, expect, "{report:?}");
    };
    check(at::UNCLEAN_SHUTDOWN, &[1], &["vmdk.header.unclean"]);
    check(at::LINE_CHARACTERS, b"\r\n  ", &["vmdk.header.text"]);
    check(at::VERSION, &[9], &["vmdk.header"]);
    check(at::GRAIN_SIZE, &[7], &["vmdk.header"]);
    check(at::CAPACITY, &[163], &["vmdk.capacity"]);
    check(at::GD_OFFSET, &[0xff; 6], &["vmdk.directory.place"]);
    check(at::RGD_OFFSET, &[0xff; 6], &["vmdk.redundant.place"]);
    check(at::GD, &[0; 4], &["vmdk.redundant.differs"]);
    check(
        at::GD,
        &[0xff; 4],
        &["vmdk.table.place", "vmdk.redundant.differs"],
    );
    check(at::GD, &[4], &["vmdk.table.overlap"]);
    check(at::RGT + 4, &[48], &["vmdk.redundant.differs"]);
    let differs = "vmdk.redundant.differs";
    check(at::GT + 12, &[32], &[differs, "vmdk.grain.overlap"]);
    check(at::GT + 12, &[48], &[differs, "vmdk.grain.place"]);
    check(at::GT + 12, &[9], &[differs, "vmdk.grain.place"]);
    let cid = at::DESCRIPTOR + "# Disk DescriptorFile\nversion=1\n".len();
    check(cid, b"#", &["vmdk.descriptor.cid"]);
    check(cid + 4, b"x", &["vmdk.descriptor"]);
}

#[test]
fn check_says_offset_section_and_severity() {
    let mut image = sparse();
    put(&mut image, at::GT + 12, &[48]);
    put(&mut image, at::RGT + 12, &[48]);
    let (rules, report) = findings(image);
    assert_eq!(rules, ["vmdk.grain.place"]);
    let finding = &report.findings[0];
    assert_eq!(finding.offset, at::GT as u64 + 12);
    assert_eq!(finding.severity, Severity::Corrupt);
    assert_eq!(finding.section, "[VMDK] Grain Directories and Grain Tables");
}

#[test]
fn a_marker_of_another_grain_is_found() {
    let image = stream_of(&[(3, packed(4, &[7; GRAIN]))]);
    assert_eq!(findings(image).0, ["vmdk.grain.marker"]);
}

#[test]
fn extents_of_a_descriptor_are_said_not_to_be_looked_at() {
    let text = descriptor("monolithicFlat", "RW 1 FLAT \"flat\" 0").into_bytes();
    let (rules, report) = findings(text);
    assert_eq!(rules, ["vmdk.extents"]);
    assert!(!report.complete && report.corruptions == 0);
}

/// Found by the exerciser: rounding the end of the metadata up overflowed.
#[test]
fn an_over_head_of_any_size_is_survived_by_check() {
    let mut image = sparse();
    put(&mut image, 64, &[0xff; 8]);
    let (rules, _) = findings(image);
    assert_eq!(rules, ["vmdk.header.over-head"]);
}

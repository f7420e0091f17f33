//! One field of a sound VHDX image is spoiled: reading it says which rule was broken, and `check`
//! names it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod vhdx_support;

use detente_disk::{Details, Guid, VhdxAllocation, VhdxLog};
use vhdx_support::{
    CHUNK_RATIO, DATA_WRITE_GUID, MIB, add_item, at, bat, broken, check, complaint, differencing,
    entry_at, guid, open, put, seal, sound, sound_content,
};

#[test]
fn the_sound_image_is_read_and_described() {
    let image = open(&sound()).unwrap();
    support::check_content(&*image.reader, &sound_content(), "by hand");
    let Details::Vhdx(details) = &image.layers[0].details else {
        panic!("not VHDX details");
    };
    assert_eq!(details.creator, "by hand");
    assert_eq!(details.version, 1);
    assert_eq!(details.allocation, VhdxAllocation::Dynamic);
    assert_eq!(details.block_bytes, 1 << 20);
    assert_eq!(details.logical_sector_bytes, 512);
    assert_eq!(details.physical_sector_bytes, 4096);
    assert_eq!(details.sequence_number, 8);
    assert_eq!(details.file_write_guid, Guid([0xff; 16]));
    assert_eq!(details.data_write_guid, Guid(DATA_WRITE_GUID));
    assert_eq!(details.virtual_disk_id, Guid([0x1d; 16]));
    assert_eq!(details.log_bytes, 1 << 20);
    assert_eq!(details.log, VhdxLog::Empty);
    assert!(details.parent_locator.is_empty() && !details.leave_blocks_allocated);

    let report = check(&sound()).unwrap();
    assert!(report.complete && report.corruptions == 0, "{report:?}");
    assert_eq!((report.units, report.allocated_units), (5, 2));
    assert_eq!(report.image_end, 6 * MIB as u64);
}

#[test]
fn a_differencing_image_breaks_no_rule() {
    let report = check(&differencing([1; 16])).unwrap();
    assert!(report.complete && report.corruptions == 0, "{report:?}");
    assert_eq!((report.units, report.allocated_units), (5, 2));
    assert_eq!(report.image_end, 7 * MIB as u64);
}

/// Reading says `words`, and `check` names the rules.
fn spoilt(change: impl FnOnce(&mut Vec<u8>), words: &str, rules: &[&str]) {
    let mut image = sound();
    change(&mut image);
    let complaint = complaint(&image);
    assert!(
        complaint.contains(words) && complaint.is_empty() == words.is_empty(),
        "{words}: {complaint}"
    );
    assert_eq!(broken(&image), rules, "{words}");
}

/// Both copies of a header or region table get this field, with right checksums.
fn both(places: [usize; 2], at: usize, field: &[u8]) -> impl FnOnce(&mut Vec<u8>) + use<> {
    let field = field.to_vec();
    move |image| {
        for place in places {
            put(image, place + at, &field);
        }
        seal(image);
    }
}

/// A field anywhere.
fn field(at: usize, bytes: &[u8]) -> impl FnOnce(&mut Vec<u8>) + use<> {
    let bytes = bytes.to_vec();
    move |image| put(image, at, &bytes)
}

#[test]
fn headers() {
    spoilt(field(at::HEADERS[0] + 100, &[1]), "", &[]);
    spoilt(field(at::HEADERS[1] + 100, &[1]), "", &[]);
    spoilt(field(at::HEADERS[1], b"HEAD"), "", &[]);
    let neither = |image: &mut Vec<u8>| {
        put(image, at::HEADERS[0], b"HEAD");
        put(image, at::HEADERS[1] + 100, &[1]);
    };
    let words = "offset 0x10000: neither header is valid: the header does not begin with head; the \
                 header's checksum is";
    spoilt(neither, words, &["vhdx.header.current"]);
    let same = both(at::HEADERS, 8, &9_u64.to_le_bytes());
    spoilt(same, "", &[]);
    let differ = |image: &mut Vec<u8>| {
        put(image, at::HEADERS[0] + 8, &8_u64.to_le_bytes());
        put(image, at::HEADERS[0] + 16, &[1]);
        seal(image);
    };
    let words = "both headers have sequence number 8, and they differ";
    spoilt(differ, words, &["vhdx.header.current"]);
    for (at, bytes) in [(68, 0x10_1000_u32), (72, 0x1000), (72, 0x10_0000 * 7)] {
        let words = "is not a stretch of whole mebibytes";
        let spoil = both(at::HEADERS, at, &bytes.to_le_bytes());
        spoilt(spoil, words, &["vhdx.header.log-place"]);
    }
    // The older header does not count: here it says version 2.
    spoilt(
        |image| {
            image[at::HEADERS[0] + 66] = 2;
            seal(image);
        },
        "",
        &[],
    );
}

#[test]
fn a_bad_header_alone_is_noted() {
    let mut image = sound();
    image[at::HEADERS[0] + 100] = 1;
    let report = check(&image).unwrap();
    let rules: Vec<_> = report.findings.iter().map(|found| found.rule).collect();
    assert_eq!(rules, ["vhdx.header.one", "vhdx.free"]);
}

#[test]
fn other_versions_are_not_supported() {
    let mut image = sound();
    both(at::HEADERS, 66, &[2])(&mut image);
    let words = "unsupported at offset 0x20042: VHDX format version 2";
    assert!(complaint(&image).contains(words));
    assert!(check(&image).is_err());
}

#[test]
fn the_file_type_identifier() {
    // Elsewhere it is not a VHDX file at all.
    let image = &sound()[..400];
    assert!(complaint(image).contains("inside or before the file type identifier"));
    let words = "inside or before the header";
    assert!(complaint(&sound()[..0x1_0800]).contains(words));
}

#[test]
fn region_tables() {
    let (one, two) = (at::REGIONS[0], at::REGIONS[1]);
    spoilt(field(one, b"REGI"), "", &["vhdx.region.signature"]);
    spoilt(field(two + 0x8000, &[1]), "", &["vhdx.region.checksum"]);
    let neither = |image: &mut Vec<u8>| {
        image[one + 0x8000] = 1;
        image[two + 0x8000] = 1;
    };
    let rules = ["vhdx.region.checksum", "vhdx.region.checksum"];
    spoilt(neither, "the region table's checksum is", &rules);
    let differ = |image: &mut Vec<u8>| {
        image[two + 28] = 0;
        seal(image);
    };
    spoilt(differ, "", &["vhdx.region.copies"]);
    let count = both(at::REGIONS, 8, &2048_u32.to_le_bytes());
    let rules = ["vhdx.region.count", "vhdx.region.count"];
    spoilt(count, "the region table has 2048 entries", &rules);
}

#[test]
fn regions() {
    let words = "is not a stretch of whole mebibytes behind the header";
    for (at, value) in [
        (32, 0x20_0200_u64),
        (32, 0),
        (32, 1 << 62),
        (32, !0xf_ffff),
        (40, 0x10_1000 | 1 << 32),
        (40, 0xfff0_0000 | 1 << 32),
    ] {
        let mut image = sound();
        both(at::REGIONS, at, &value.to_le_bytes())(&mut image);
        assert!(complaint(&image).contains(words), "{at} {value:#x}");
        let rules = broken(&image);
        assert!(rules.contains(&"vhdx.region.place"), "{rules:?}");
    }
    let onto_log = both(at::REGIONS, 32, &(at::LOG as u64).to_le_bytes());
    // The log holds zeroes, so no block is there.
    let words = "the BAT at 0x100000..0x200000 overlaps the log";
    let mut image = sound();
    onto_log(&mut image);
    assert!(complaint(&image).contains("overlaps"), "{words}");
    assert_eq!(broken(&image), ["vhdx.region.overlap"]);
    let missing = both(at::REGIONS, 8, &1_u32.to_le_bytes());
    let words = "the region table lacks region 8b7ca206-4790-4b9a-b8fe-575f050f886e";
    spoilt(missing, words, &["vhdx.region.missing"]);
    let twice = |image: &mut Vec<u8>| {
        for table in at::REGIONS {
            let entry = image[table + 16..][..32].to_vec();
            put(image, table + 80, &entry);
            image[table + 8] = 3;
        }
        seal(image);
    };
    let rules = ["vhdx.region.unique", "vhdx.region.overlap"];
    spoilt(twice, "the BAT stands in the table twice", &rules);
}

/// A third region of an unknown kind.
fn unknown_region(required: u32) -> Vec<u8> {
    let mut image = sound();
    for table in at::REGIONS {
        put(&mut image, table + 80, &[0xab; 16]);
        put(&mut image, table + 96, &(at::BITMAP as u64).to_le_bytes());
        put(&mut image, table + 104, &0x10_0000_u32.to_le_bytes());
        put(&mut image, table + 108, &required.to_le_bytes());
        image[table + 8] = 3;
    }
    seal(&mut image);
    image
}

#[test]
fn an_unknown_region_is_refused_if_it_is_required() {
    assert_eq!(complaint(&unknown_region(0)), "");
    assert!(check(&unknown_region(0)).unwrap().complete);
    let words = "unsupported at offset 0x30050: a required VHDX region abababab-abab";
    assert!(complaint(&unknown_region(1)).contains(words));
    assert!(check(&unknown_region(1)).is_err());
}

#[test]
fn the_metadata_table() {
    let table = at::METADATA;
    let words = "does not begin with metadata";
    spoilt(
        field(table, b"METADATA"),
        words,
        &["vhdx.metadata.signature"],
    );
    let count = field(table + 10, &2048_u16.to_le_bytes());
    spoilt(count, "has 2048 entries", &["vhdx.metadata.count"]);
    let missing = |image: &mut Vec<u8>| image[table + 10] = 4;
    let words = "the metadata lacks the virtual disk id";
    spoilt(missing, words, &["vhdx.metadata.missing"]);
    for (entry, name) in [(0, "file parameters"), (1, "virtual disk size")] {
        let renamed = field(entry_at(entry) + 15, &[0]);
        let mut image = sound();
        renamed(&mut image);
        // Unknown now, and required.
        assert!(complaint(&image).contains("a required VHDX metadata item"));
        image[entry_at(entry) + 24] = 0;
        let words = format!("the metadata lacks the {name}");
        assert!(complaint(&image).contains(&words), "{words}");
    }
    spoilt(field(entry_at(0) + 24, &[0]), "", &["vhdx.metadata.flags"]);
}

#[test]
fn metadata_items() {
    let words = "is not behind the table and inside the region";
    for (at, value) in [
        (16, 0xffff_u32),
        (16, 0xffff_fff0),
        (16, 0xf_fffc),
        (20, 0x20_0000),
    ] {
        let mut image = sound();
        put(&mut image, entry_at(0) + at, &value.to_le_bytes());
        assert!(complaint(&image).contains(words), "{at} {value:#x}");
        assert!(broken(&image).contains(&"vhdx.metadata.place"));
    }
    let overlap = field(entry_at(1) + 16, &0x1_0004_u32.to_le_bytes());
    let words = "overlap at 0x10004 of their region";
    spoilt(
        overlap,
        words,
        &["vhdx.metadata.overlap", "vhdx.metadata.disk-size"],
    );
    let twice = |image: &mut Vec<u8>| {
        let id = guid("caa16737-fa36-4d43-b3b6-33f0aa44e76b");
        add_item(image, id, &[0; 8], 4);
    };
    spoilt(
        twice,
        "stands in the table twice",
        &["vhdx.metadata.unique"],
    );
    let short = field(entry_at(1) + 20, &4_u32.to_le_bytes());
    let words = "the virtual disk size has 4 bytes instead of 8";
    spoilt(short, words, &["vhdx.metadata.length"]);
}

/// An item of users with the id of a known one is another item.
#[test]
fn items_of_users_are_left_alone() {
    let mut image = sound();
    let id = guid("caa16737-fa36-4d43-b3b6-33f0aa44e76b");
    add_item(&mut image, id, b"anything", 1);
    assert_eq!(complaint(&image), "");
    assert!(broken(&image).is_empty());
    image[entry_at(5) + 24] = 5;
    assert!(complaint(&image).contains("a required VHDX metadata item"));
}

#[test]
fn sizes() {
    for size in [0_u32, 512, 1 << 19, 3 << 20, 1 << 29, 1 << 31] {
        let block = field(at::ITEMS, &size.to_le_bytes());
        spoilt(block, "the block size is", &["vhdx.metadata.block-size"]);
    }
    for size in [513_u64, (64 << 40) + 512, 1 << 63, u64::MAX] {
        let disk = field(at::ITEMS + 8, &size.to_le_bytes());
        spoilt(
            disk,
            "the virtual disk size is",
            &["vhdx.metadata.disk-size"],
        );
    }
    for size in [0_u32, 1, 1024, 4095, u32::MAX] {
        let sector = field(at::ITEMS + 16, &size.to_le_bytes());
        let words = "the logical sector size is";
        spoilt(sector, words, &["vhdx.metadata.sector-size"]);
        let sector = field(at::ITEMS + 20, &size.to_le_bytes());
        let words = "the physical sector size is";
        spoilt(sector, words, &["vhdx.metadata.physical-sector-size"]);
    }
    // 64 TiB in blocks of 1 MiB need a BAT of half a gibibyte.
    let disk = field(at::ITEMS + 8, &(64_u64 << 40).to_le_bytes());
    spoilt(disk, "and the disk needs 0x2001fff8", &["vhdx.bat.length"]);
}

#[test]
fn entries_of_the_bat() {
    let entry = |value: u64| move |image: &mut Vec<u8>| bat(image, 4, value);
    for state in [4, 5] {
        let words = format!("offset 0x200020: block 4 has the reserved state {state}");
        spoilt(entry(state), &words, &["vhdx.bat.state"]);
    }
    let words = "block 4 is partially present in a file without a parent";
    spoilt(entry(0x50_0007), words, &["vhdx.bat.partial"]);
    for (place, area) in [
        (0, "header section"),
        (at::LOG, "log"),
        (at::BAT, "BAT"),
        (at::METADATA, "metadata region"),
    ] {
        let words = format!("block 4 at {place:#x} lies in the {area}");
        spoilt(entry(place as u64 | 6), &words, &["vhdx.bat.place"]);
    }
    for place in [7 << 20, 1 << 40, 0xffff_ffff_fff0_0000] {
        let words = "goes past the end of the file at 0x700000";
        spoilt(entry(place | 6), words, &["vhdx.bat.past-end"]);
    }
    // Where block 0 is: reading cannot know.
    spoilt(entry(at::BLOCKS as u64 | 6), "", &["vhdx.bat.overlap"]);
    spoilt(entry(0x50_000e), "", &["vhdx.bat.reserved"]);
    // An unmapped block may keep its place, which is nobody else's.
    spoilt(|image| bat(image, 3, at::BITMAP as u64 | 3), "", &[]);
    let kept = |image: &mut Vec<u8>| bat(image, 3, at::BLOCKS as u64 | 3);
    spoilt(kept, "", &["vhdx.bat.overlap"]);
}

#[test]
fn blocks_that_are_not_there_are_zero() {
    for state in [0, 1, 2, 3] {
        let mut image = sound();
        // The offset is reserved, or where the bytes were.
        bat(&mut image, 0, 0x40_0000 | state);
        let mut expect = sound_content();
        expect[..MIB].fill(0);
        let opened = open(&image).unwrap();
        support::check_content(&*opened.reader, &expect, &format!("state {state}"));
    }
}

#[test]
fn sector_bitmaps() {
    let with = |index: usize, entry: u64| {
        let mut image = differencing([1; 16]);
        bat(&mut image, index, entry);
        broken(&image)
    };
    assert_eq!(with(CHUNK_RATIO, 0), ["vhdx.bat.no-bitmap"]);
    for state in [1, 2, 3, 4, 5, 7] {
        let rules = ["vhdx.bat.no-bitmap", "vhdx.bat.bitmap-state"];
        assert_eq!(with(CHUNK_RATIO, at::BITMAP as u64 | state), rules);
    }
    assert_eq!(with(CHUNK_RATIO, 6), ["vhdx.bat.place"]);
    assert_eq!(with(CHUNK_RATIO, 7 << 20 | 6), ["vhdx.bat.past-end"]);
    assert_eq!(
        with(CHUNK_RATIO, at::BLOCKS as u64 | 6),
        ["vhdx.bat.overlap"]
    );
    // Without a parent no sector bitmap block may be there: here the disk has two chunks.
    let mut image = sound();
    put(&mut image, at::ITEMS + 8, &(5_u64 << 30).to_le_bytes());
    assert!(broken(&image).is_empty());
    bat(&mut image, CHUNK_RATIO, at::BITMAP as u64 | 6);
    assert_eq!(broken(&image), ["vhdx.bat.bitmap-state"]);
}

#[test]
fn the_parent_locator() {
    let mut image = differencing([1; 16]);
    image[entry_at(5) + 24] = 0;
    image[entry_at(5)] = 0;
    assert!(complaint(&image).contains("the metadata lacks the parent locator"));
    assert!(broken(&image).contains(&"vhdx.metadata.missing"));
    let mut image = differencing([1; 16]);
    let locator = at::ITEMS + 40;
    image[locator] = 0;
    assert!(complaint(&image).contains("a parent locator of type"));
    assert!(check(&image).is_err());
    let mut image = differencing([1; 16]);
    put(&mut image, locator + 28, &3_u16.to_le_bytes());
    assert_eq!(broken(&image), ["vhdx.parent.place"]);
}

//! Each rule of qcow2: a sound image with one field spoiled, and what is said about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, ClosedGate, Gate, GateError, MemoryBackend, Opened, ReadError};
use detente_disk::{
    Details, FileIndex, Format, Mapped, OpenError, OpenOptions, Parents, Place, Qcow2Details,
    Qcow2Encryption, open, open_layer, open_with,
};
use support::{at, check_content, put, sound, sound_content, sound_on};

/// What is expected of an image: the cause, where, and words of the sentence.
enum Expect {
    Corrupt(u64, &'static str),
    Unsupported(u64, &'static str),
}
use Expect::{Corrupt, Unsupported};

/// A gate with one file behind it, whatever the name.
struct Behind(Vec<u8>);

impl Gate for Behind {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let reader = Arc::new(MemoryBackend::new(self.0.clone()));
        Ok(Opened {
            reader,
            path: PathBuf::from(name),
            gate: Box::new(Self(self.0.clone())),
        })
    }
}

fn disk(image: Vec<u8>, gate: &dyn Gate) -> Result<Arc<dyn BlockRead>, OpenError> {
    let file = Arc::new(MemoryBackend::new(image));
    Ok(open(Path::new("top.qcow2"), file, gate)?.reader)
}

fn matches(error: &ReadError, expect: &Expect) {
    let (offset, words) = match (error, expect) {
        (ReadError::Corrupt { offset, rule }, Corrupt(at, words)) if offset == at => (rule, words),
        (ReadError::Unsupported { offset, what }, Unsupported(at, words)) if offset == at => {
            (what, words)
        }
        (error, Corrupt(at, words)) => panic!("{error} instead of corrupt, {at:#x}, {words}"),
        (error, Unsupported(at, words)) => {
            panic!("{error} instead of unsupported, {at:#x}, {words}")
        }
    };
    assert!(offset.contains(words), "{error} lacks {words:?}");
}

/// The image is refused when it is opened.
fn refused(image: Vec<u8>, expect: &Expect) {
    match disk(image, &Behind(vec![0; 512])) {
        Err(OpenError::Read(error)) => matches(&error, expect),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

/// The sound image with `field` at `at` is refused when it is opened.
fn check(at: usize, field: &[u8], expect: Expect) {
    let mut image = sound();
    put(&mut image, at, field);
    refused(image, &expect);
}

/// The sound image with `field` at `at` opens, but its first 2048 bytes cannot be read.
fn check_read(at: usize, field: &[u8], expect: Expect) {
    let mut image = sound();
    put(&mut image, at, field);
    let disk = disk(image, &ClosedGate).unwrap();
    matches(&disk.read_exact_at(0, &mut [0; 2048]).unwrap_err(), &expect);
    // What is not touched by it can be read.
    disk.read_exact_at(2048, &mut [0; 2048]).unwrap();
}

#[test]
fn the_sound_image_is_sound() {
    check_content(
        &*disk(sound(), &ClosedGate).unwrap(),
        &sound_content(),
        "sound",
    );
}

#[test]
fn qemu_reads_the_sound_image_alike() {
    if !support::has_qemu("qemu_reads_the_sound_image_alike") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sound.qcow2"), sound()).unwrap();
    assert!(support::qemu_content(folder.path(), "sound.qcow2") == sound_content());
}

#[test]
fn the_header_states_a_known_version() {
    check(4, &1_u32.to_be_bytes(), Unsupported(4, "version 1"));
    check(4, &4_u32.to_be_bytes(), Unsupported(4, "version 4"));
}

#[test]
fn cluster_bits_lie_between_9_and_21() {
    check(20, &8_u32.to_be_bytes(), Corrupt(20, "cluster_bits is 8"));
    check(20, &22_u32.to_be_bytes(), Corrupt(20, "cluster_bits is 22"));
    check(20, &u32::MAX.to_be_bytes(), Corrupt(20, "cluster_bits"));
}

#[test]
fn the_l1_table_is_large_enough_and_not_too_large() {
    check(36, &1_u32.to_be_bytes(), Corrupt(36, "takes 2 entries"));
    check(
        36,
        &0x7fff_ffff_u32.to_be_bytes(),
        Corrupt(36, "over 32 MiB"),
    );
    check(24, &u64::MAX.to_be_bytes(), Corrupt(24, "virtual size"));
    check(
        24,
        &(i64::MAX as u64).to_be_bytes(),
        Corrupt(24, "virtual size"),
    );
}

#[test]
fn the_l1_table_lies_aligned_in_the_file() {
    check(40, &0x201_u64.to_be_bytes(), Corrupt(40, "not aligned"));
    check(
        40,
        &0x10_0000_u64.to_be_bytes(),
        Corrupt(0x10_0000, "past the end"),
    );
    check(
        40,
        &u64::MAX.wrapping_sub(511).to_be_bytes(),
        Corrupt(u64::MAX - 511, "past the end"),
    );
}

#[test]
fn l2_tables_lie_aligned_in_the_file() {
    let l1 = at::L1 as u64;
    check(
        at::L1,
        &0x10_0000_u64.to_be_bytes(),
        Corrupt(l1, "past the end"),
    );
    check(
        at::L1 + 8,
        &0x00ff_ffff_ffff_fe00_u64.to_be_bytes(),
        Corrupt(l1 + 8, "past the end"),
    );
    // With clusters of 1 KiB, 0x200 is no multiple of their size any more: the L1 table comes first.
    check(20, &10_u32.to_be_bytes(), Corrupt(40, "not aligned"));
}

/// It is not read, but there is something to say of it.
#[test]
fn encryption_is_not_supported() {
    check(32, &1_u32.to_be_bytes(), Unsupported(32, "AES"));
    check(32, &2_u32.to_be_bytes(), Unsupported(32, "LUKS"));
    check(32, &3_u32.to_be_bytes(), Unsupported(32, "method 3"));
    let mut image = sound();
    put(&mut image, 32, &2_u32.to_be_bytes());
    assert_eq!(details(image).encryption, Some(Qcow2Encryption::Luks));
}

#[test]
fn incompatible_features_are_heeded() {
    check(
        72,
        &4_u64.to_be_bytes(),
        Unsupported(72, "external data file that it does not name"),
    );
    check(72, &(1_u64 << 17).to_be_bytes(), Unsupported(72, "bit 17"));
    check(72, &(1_u64 << 63).to_be_bytes(), Unsupported(72, "bit 63"));
    // Subclusters of less than 512 bytes.
    check(72, &16_u64.to_be_bytes(), Corrupt(20, "between 14 and 21"));
}

/// What can be said of the image alone.
fn details(image: Vec<u8>) -> Qcow2Details {
    let file = Arc::new(MemoryBackend::new(image));
    let layer = open_layer(Path::new("top"), file, &Behind(vec![0; 512])).unwrap();
    match layer.details {
        Details::Qcow2(details) => details,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_image_that_is_marked_as_corrupt_can_be_read() {
    let mut image = sound();
    put(&mut image, 72, &2_u64.to_be_bytes());
    assert!(details(image.clone()).marks.corrupt);
    let disk = disk(image, &ClosedGate).unwrap();
    check_content(&*disk, &sound_content(), "corrupt");
}

/// The sound image with the extension `kind`, which holds `data`.
fn extended(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut image = sound();
    put(&mut image, 104, &kind.to_be_bytes());
    let len = u32::try_from(data.len()).unwrap();
    put(&mut image, 108, &len.to_be_bytes());
    put(&mut image, 112, data);
    image
}

#[test]
fn an_external_data_file_comes_through_the_gate() {
    let mut image = extended(0x4441_5441, b"/etc/shadow");
    put(&mut image, 72, &4_u64.to_be_bytes());
    // No compressed cluster, and one at offset 0.
    put(&mut image, at::L2 + 16, &(1_u64 << 63).to_be_bytes());
    let error = disk(image.clone(), &ClosedGate).err().unwrap();
    let OpenError::DataFile(GateError::Refused { name, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(name, "/etc/shadow");
    // What the header says can be had all the same.
    let file = Arc::new(MemoryBackend::new(image.clone()));
    let layer = open_layer(Path::new("top"), file, &ClosedGate).unwrap();
    assert_eq!(layer.format, Format::Qcow2);
    let disk = disk(image.clone(), &Behind(vec![0x77; at::DATA + 512])).unwrap();
    let mut content = vec![0; support::SOUND_SIZE];
    content[..512].fill(0x77);
    content[1024..1536].fill(0x77);
    check_content(&*disk, &content, "external data file");
    let data_file = details(image.clone()).data_file.unwrap();
    assert_eq!(
        (data_file.name.as_str(), data_file.raw),
        ("/etc/shadow", false)
    );
    put(&mut image, 88, &2_u64.to_be_bytes());
    assert!(details(image).data_file.unwrap().raw);
}

/// Yields files under the name that the image itself has.
struct Itself(Vec<u8>);

impl Gate for Itself {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let opened = Behind(self.0.clone()).open(name)?;
        let path = PathBuf::from("top");
        Ok(Opened { path, ..opened })
    }
}

#[test]
fn an_image_is_not_its_own_data_file() {
    let mut image = extended(0x4441_5441, b"self");
    put(&mut image, 72, &4_u64.to_be_bytes());
    let file = Arc::new(MemoryBackend::new(image.clone()));
    let Err(OpenError::Loop { error, .. }) = open(Path::new("top"), file, &Itself(image)) else {
        panic!("it was opened");
    };
    matches(&error, &Corrupt(112, "\"self\" is the image itself"));
}

#[test]
fn clusters_of_an_external_data_file_are_not_compressed() {
    let mut image = extended(0x4441_5441, b"data");
    put(&mut image, 72, &4_u64.to_be_bytes());
    let disk = disk(image, &Behind(vec![0x77; 0x1000])).unwrap();
    let error = disk.read_exact_at(1024, &mut [0; 1]).unwrap_err();
    matches(&error, &Corrupt(at::L2 as u64 + 16, "external data file"));
}

#[test]
fn header_extensions_lie_in_the_first_cluster() {
    let mut image = extended(0x1234, b"");
    put(&mut image, 108, &401_u32.to_be_bytes());
    refused(image.clone(), &Corrupt(104, "past the area"));
    put(&mut image, 108, &400_u32.to_be_bytes());
    disk(image, &ClosedGate).unwrap();
    refused(
        extended(0x2385_2875, &[0; 23]),
        &Corrupt(112, "has 23 bytes, not 24"),
    );
}

/// It is not read, but described.
#[test]
fn a_backing_file_of_unknown_format_is_not_probed() {
    let image = sound_on(b"base", Some(b"luks"));
    let backing = details(image.clone()).backing.unwrap();
    assert_eq!(
        (backing.name.as_str(), backing.format.as_deref()),
        ("base", Some("luks"))
    );
    refused(image, &Unsupported(8, "\"luks\""));
}

/// What the guest sees does not depend on it: so it is only told.
fn told(image: Vec<u8>, words: &str) {
    let broken = details(image.clone()).broken;
    assert!(
        broken.iter().any(|line| line.contains(words)),
        "{broken:?} lacks {words:?}"
    );
    check_content(&*disk(image, &ClosedGate).unwrap(), &sound_content(), words);
}

#[test]
fn a_broken_snapshot_table_is_told() {
    let table = |count: u32, offset: u64| {
        let mut image = sound();
        put(&mut image, 60, &count.to_be_bytes());
        put(&mut image, 64, &offset.to_be_bytes());
        image
    };
    told(table(1, 0), "not aligned");
    told(table(1, 0x201), "not aligned");
    told(table(1, 0x10_0000), "past the end of the file");
    told(table(65_537, 0x400), "65537 snapshots");
    // An entry with extra data without end.
    let mut image = table(1, 0xa00);
    put(&mut image, 0xa00 + 36, &u32::MAX.to_be_bytes());
    told(image, "more than 8 MiB");
    let mut image = table(1, 0xa00);
    put(&mut image, 0xa00 + 12, &u16::MAX.to_be_bytes());
    told(image, "past the end of the file");
}

#[test]
fn a_snapshot_is_seen_by_id_or_name() {
    let mut image = sound();
    image.resize(at::END + 0x800, 0);
    let (table, l1) = (at::END, at::END + 0x200);
    put(&mut image, 60, &1_u32.to_be_bytes());
    put(&mut image, 64, &(table as u64).to_be_bytes());
    put(&mut image, table, &(l1 as u64).to_be_bytes());
    put(&mut image, table + 8, &1_u32.to_be_bytes()); // l1_size
    put(&mut image, table + 12, &[0, 1, 0, 3]);
    put(&mut image, table + 36, &16_u32.to_be_bytes());
    put(&mut image, table + 48, &512_u64.to_be_bytes()); // disk size
    put(&mut image, table + 56, b"7now");
    put(&mut image, l1, &(at::END as u64 + 0x400).to_be_bytes());
    put(
        &mut image,
        at::END + 0x400,
        &(at::END as u64 + 0x600).to_be_bytes(),
    );
    put(&mut image, at::END + 0x600, &[0x99; 512]);
    let shown = details(image.clone()).snapshots;
    assert_eq!((shown[0].id.as_str(), shown[0].name.as_str()), ("7", "now"));
    assert_eq!((shown[0].virtual_size, shown[0].icount), (512, None));
    let view = |image: &[u8], wanted: &str| {
        let options = OpenOptions {
            snapshot: Some(wanted.to_owned()),
            ..OpenOptions::default()
        };
        let file = Arc::new(MemoryBackend::new(image.to_vec()));
        open_with(Path::new("top"), file, &ClosedGate, &options)
    };
    for wanted in ["7", "now"] {
        check_content(&*view(&image, wanted).unwrap().reader, &[0x99; 512], wanted);
    }
    let error = view(&image, "then").err().unwrap().to_string();
    assert!(error.contains("no snapshot \"then\""), "{error}");
    put(&mut image, table + 48, &u64::MAX.to_be_bytes());
    let error = view(&image, "7").err().unwrap().to_string();
    assert!(error.contains("has 1 entries, not"), "{error}");
}

#[test]
fn a_broken_bitmap_directory_is_told() {
    let directory = |count: u32, size: u64, offset: u64| {
        let mut data = count.to_be_bytes().to_vec();
        data.extend([0; 4]);
        data.extend(size.to_be_bytes());
        data.extend(offset.to_be_bytes());
        extended(0x2385_2875, &data)
    };
    told(directory(1, 32, 0x401), "not aligned");
    told(directory(1, 32, 0x10_0000), "past the end of the file");
    told(directory(65_536, 32, 0xa00), "65536 bitmaps");
    told(
        directory(1, 1 << 40, 0xa00),
        "directory of 1099511627776 bytes",
    );
    told(
        directory(2, 24, 0xa00),
        "past the end of the bitmap directory",
    );
    told(directory(1, 32, 0xa00), "its entries another number");
    let mut image = directory(1, 32, 0xa00);
    put(&mut image, 0xa00 + 12, &[0, 0, 0, 2, 1, 16, 0, 3]);
    put(&mut image, 0xa00 + 24, b"abc");
    let shown = details(image);
    assert!(
        shown.broken.is_empty() && !shown.bitmaps_consistent,
        "{shown:?}"
    );
    let bitmap = &shown.bitmaps[0];
    assert_eq!((bitmap.name.as_str(), bitmap.granularity_bits), ("abc", 16));
    assert!(bitmap.auto && !bitmap.in_use);
}

#[test]
fn zero_clusters_may_keep_their_room() {
    let mut image = sound();
    let zero = at::PACKED as u64 | 1;
    put(&mut image, at::L2 + 8, &zero.to_be_bytes());
    let file = Arc::new(MemoryBackend::new(image));
    let image = open(Path::new("top"), file, &ClosedGate).unwrap();
    let extent = image.stack.map_extent(600, 10_000).unwrap();
    let room = Some((FileIndex(0), at::PACKED as u64 + 88));
    assert_eq!((extent.len, extent.place), (424, Place::Zero { room }));
}

#[test]
fn a_dirty_image_can_be_read() {
    let mut image = sound();
    put(&mut image, 72, &1_u64.to_be_bytes());
    check_content(
        &*disk(image, &ClosedGate).unwrap(),
        &sound_content(),
        "dirty",
    );
}

#[test]
fn refcounts_have_at_most_64_bits() {
    check(96, &7_u32.to_be_bytes(), Corrupt(96, "refcount_order is 7"));
}

#[test]
fn the_header_length_is_plausible() {
    check(
        100,
        &103_u32.to_be_bytes(),
        Corrupt(100, "header_length is 103"),
    );
    check(
        100,
        &513_u32.to_be_bytes(),
        Corrupt(100, "header_length is 513"),
    );
}

#[test]
fn the_compression_type_agrees_with_its_feature_bit() {
    check(72, &8_u64.to_be_bytes(), Corrupt(104, "disagree"));
    let mut image = sound();
    put(&mut image, 100, &112_u32.to_be_bytes());
    put(&mut image, 104, &[1]);
    refused(image.clone(), &Corrupt(104, "disagree"));
    put(&mut image, 104, &[2]);
    refused(image, &Unsupported(104, "compression type 2"));
}

#[test]
fn a_file_that_ends_early_is_corrupt() {
    for len in [4, 5, 71, 72, 103] {
        let image = sound()[..len].to_vec();
        let Err(OpenError::Read(ReadError::Corrupt { rule, .. })) = disk(image, &ClosedGate) else {
            panic!("{len} bytes were opened");
        };
        assert!(rule.contains("ends inside its header"), "{len}: {rule}");
    }
    refused(
        sound()[..at::L1 + 8].to_vec(),
        &Corrupt(at::L1 as u64, "past the end"),
    );
    refused(
        sound()[..at::L2 + 8].to_vec(),
        &Corrupt(at::L1 as u64, "past the end"),
    );
}

#[test]
fn data_past_the_end_of_the_file_is_an_error_that_says_where() {
    let disk = disk(sound()[..at::DATA + 100].to_vec(), &ClosedGate).unwrap();
    let error = disk.read_exact_at(0, &mut [0; 512]).unwrap_err();
    matches(
        &error,
        &Corrupt(at::DATA as u64, "goes past the end of the file at 0x664"),
    );
    disk.read_exact_at(0, &mut [0; 100]).unwrap();
    disk.read_exact_at(512, &mut [0; 512]).unwrap();
    let error = disk.read_exact_at(1024, &mut [0; 512]).unwrap_err();
    matches(
        &error,
        &Corrupt(at::PACKED as u64, "past the end of the file"),
    );
}

#[test]
fn clusters_are_aligned() {
    // Clusters of 512 bytes are always aligned: so a hand-made image with clusters of 1 KiB.
    let mut image = sound();
    image.resize(0x4000, 0);
    put(&mut image, 20, &10_u32.to_be_bytes());
    put(&mut image, 40, &0x1000_u64.to_be_bytes());
    put(&mut image, 0x1000, &0x2000_u64.to_be_bytes());
    put(&mut image, 0x2000, &0x2200_u64.to_be_bytes());
    let disk = disk(image, &ClosedGate).unwrap();
    let error = disk.read_exact_at(0, &mut [0; 1]).unwrap_err();
    matches(&error, &Corrupt(0x2000, "0x2200 is not aligned"));
}

#[test]
fn zero_clusters_need_version_3() {
    let mut image = sound();
    put(&mut image, 4, &2_u32.to_be_bytes());
    let disk = disk(image, &ClosedGate).unwrap();
    disk.read_exact_at(0, &mut [0; 512]).unwrap();
    let error = disk.read_exact_at(512, &mut [0; 1]).unwrap_err();
    matches(&error, &Corrupt(at::L2 as u64 + 8, "version 2"));
}

#[test]
fn compressed_clusters_hold_a_whole_cluster() {
    let packed = at::PACKED as u64;
    check_read(at::PACKED, &[0xff; 16], Corrupt(packed, "cannot be read"));
    // A stored block of four bytes, the last one.
    check_read(
        at::PACKED,
        b"\x01\x04\x00\xfb\xffabcd",
        Corrupt(packed, "only 4 bytes"),
    );
    let far = (1_u64 << 62 | 0x10_0000).to_be_bytes();
    check_read(at::L2 + 16, &far, Corrupt(0x10_0000, "past the end"));
}

#[test]
fn the_backing_name_lies_in_the_first_cluster() {
    let spoilt = |at, field: &[u8]| {
        let mut image = sound_on(b"base", Some(b"raw"));
        put(&mut image, at, field);
        image
    };
    refused(
        spoilt(8, &510_u64.to_be_bytes()),
        &Corrupt(8, "past the first cluster"),
    );
    refused(
        spoilt(8, &u64::MAX.to_be_bytes()),
        &Corrupt(8, "past the first cluster"),
    );
    refused(
        spoilt(8, &100_u64.to_be_bytes()),
        &Corrupt(8, "inside the header"),
    );
    refused(
        spoilt(16, &1024_u32.to_be_bytes()),
        &Corrupt(16, "1024 bytes"),
    );
    refused(spoilt(256, b"\xff"), &Unsupported(256, "UTF-8"));
    refused(
        spoilt(108, &200_u32.to_be_bytes()),
        &Corrupt(104, "past the area"),
    );
    refused(
        sound_on(b"base", Some(b"luks")),
        &Unsupported(8, "\"luks\""),
    );
}

#[test]
fn what_is_not_there_comes_from_the_backing_file() {
    for format in [None, Some(b"raw".as_slice())] {
        let gate = Behind(vec![0x33; 5000]);
        let mut content = vec![0x33; 5000];
        content.resize(support::SOUND_SIZE, 0);
        content[..1536].copy_from_slice(&sound_content()[..1536]);
        let disk = disk(sound_on(b"base", format), &gate).unwrap();
        check_content(&*disk, &content, "on a shorter file");
    }
}

/// A base that looks like qcow2 but is stated to be raw is raw: the guest may have written it so.
#[test]
fn the_stated_backing_format_is_obeyed() {
    let file = Arc::new(MemoryBackend::new(sound_on(b"base", Some(b"raw"))));
    let image = open(Path::new("top"), file, &Behind(sound())).unwrap();
    let formats: Vec<_> = image.layers.iter().map(|layer| layer.format).collect();
    assert_eq!(formats, [Format::Qcow2, Format::Raw]);
    let mut start = [0; 512];
    image.reader.read_exact_at(1536, &mut start).unwrap();
    assert!(start == sound()[1536..2048]);
}

#[test]
fn parents_may_be_left_alone() {
    let options = OpenOptions {
        parents: Parents::Ignore,
        ..OpenOptions::default()
    };
    let file = Arc::new(MemoryBackend::new(sound_on(b"/etc/shadow", None)));
    let image = open_with(Path::new("top"), file, &ClosedGate, &options).unwrap();
    assert_eq!(image.layers.len(), 1);
    check_content(&*image.reader, &sound_content(), "without its parent");
    let extent = image.stack.map_extent(1536, 512).unwrap();
    assert_eq!(extent.place, Place::Unallocated);
}

#[test]
fn the_format_may_be_said() {
    let options = OpenOptions {
        format: Some(Format::Raw),
        ..OpenOptions::default()
    };
    let file = Arc::new(MemoryBackend::new(sound()));
    let image = open_with(Path::new("top"), file, &ClosedGate, &options).unwrap();
    check_content(&*image.reader, &sound(), "as raw");
}

#[test]
fn a_broken_backing_file_is_named() {
    let mut base = sound();
    put(&mut base, 32, &2_u32.to_be_bytes());
    let error = disk(sound_on(b"base.qcow2", None), &Behind(base))
        .err()
        .unwrap();
    let OpenError::Read(error) = error else {
        panic!("{error}")
    };
    matches(&error, &Unsupported(32, "(in the backing file base.qcow2)"));
    let error = disk(sound_on(b"base", Some(b"qcow2")), &Behind(b"text".to_vec()));
    assert!(
        error
            .err()
            .unwrap()
            .to_string()
            .contains("in the backing file base")
    );
    let error = disk(sound_on(b"base", None), &Behind(Vec::new()))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("the file is empty (in the backing file base)")
    );
}

#[test]
fn a_read_that_fails_in_the_backing_file_names_it() {
    let mut base = sound();
    put(&mut base, at::L2 + 24, &0x10_0000_u64.to_be_bytes());
    let disk = disk(sound_on(b"base.qcow2", None), &Behind(base)).unwrap();
    let error = disk.read_exact_at(1536, &mut [0; 512]).unwrap_err();
    let words = "guest offset 0x600 goes past the end of the file at 0xc00 (in the backing file \
                 base.qcow2)";
    matches(&error, &Corrupt(0x10_0000, words));
}

/// Yields an image that names itself, under ever new names or always the same.
struct Endless(bool);

impl Gate for Endless {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let next = if self.0 {
            format!("{name}x")
        } else {
            name.to_owned()
        };
        let reader = Arc::new(MemoryBackend::new(sound_on(next.as_bytes(), None)));
        Ok(Opened {
            reader,
            path: PathBuf::from(name),
            gate: Box::new(Self(self.0)),
        })
    }
}

#[test]
fn a_chain_ends() {
    let Err(OpenError::Loop { error, .. }) = disk(sound_on(b"a", None), &Endless(false)) else {
        panic!("a loop was opened");
    };
    matches(&error, &Corrupt(256, "comes back to a"));
    let Err(OpenError::Read(error)) = disk(sound_on(b"a", None), &Endless(true)) else {
        panic!("an endless chain was opened");
    };
    matches(&error, &Unsupported(256, "more than 16 files"));
}

#[test]
fn a_closed_gate_is_said_so() {
    let error = disk(sound_on(b"/etc/shadow", None), &ClosedGate)
        .err()
        .unwrap();
    assert!(
        matches!(error, OpenError::Gate(GateError::Refused { .. })),
        "{error}"
    );
}

#[test]
fn reads_past_the_end_are_refused() {
    let disk = disk(sound(), &ClosedGate).unwrap();
    for (offset, len) in [
        (support::SOUND_SIZE as u64, 1),
        (0, support::SOUND_SIZE + 1),
        (u64::MAX, 2),
    ] {
        let error = disk.read_exact_at(offset, &mut vec![0; len]).unwrap_err();
        assert!(matches!(error, ReadError::PastEnd { .. }), "{error}");
    }
    assert!(disk.next_extent(support::SOUND_SIZE as u64).is_err());
}

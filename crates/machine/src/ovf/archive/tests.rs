//! Archives by hand; those of tar itself are in `tests/ovf_samples.rs`.

use detente_block::MemoryBackend;

use super::*;

/// A header and its content, in whole blocks.
fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    block[263..265].copy_from_slice(b"00");
    seal(&mut block);
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..512].iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn read(bytes: Vec<u8>) -> Result<Archive, ArchiveError> {
    Archive::read(&MemoryBackend::new(bytes))
}

#[track_caller]
fn corrupt(bytes: Vec<u8>, expect: &str) {
    let error = read(bytes).expect_err("it is spoiled").to_string();
    assert!(error.contains(expect), "{error}");
}

#[test]
fn entries_are_where_they_are() {
    let mut bytes = entry("a.ovf", b'0', b"<Envelope/>");
    bytes.extend(entry("./disk.vmdk", b'0', &[7; 513]));
    bytes.extend([0; 1024]);
    let archive = read(bytes).unwrap();
    let disk = archive.entry("disk.vmdk").unwrap();
    assert_eq!((disk.offset, disk.len), (1536, 513));
    assert_eq!(archive.entries[0].name, "a.ovf");
}

#[test]
fn long_names_and_lengths_come_before() {
    let long = "d".repeat(150);
    let mut bytes = entry("././@LongLink", b'L', format!("{long}\0").as_bytes());
    bytes.extend(entry("short", b'0', b"1"));
    bytes.extend(entry("pax", b'x', b"12 path=p/q\n9 size=2\n"));
    bytes.extend(entry("short", b'0', b"23"));
    let archive = read(bytes).unwrap();
    let names: Vec<_> = archive
        .entries
        .iter()
        .map(|entry| (&*entry.name, entry.len))
        .collect();
    assert_eq!(names, [(&*long, 1), ("p/q", 2)]);
}

#[test]
fn what_is_spoiled_is_refused() {
    corrupt(Vec::new(), "a header goes past the end");
    corrupt(vec![0; 512], "the magic number is not that of tar");
    let mut summed = entry("a", b'0', b"1");
    summed[0] = b'b';
    corrupt(summed, "checksum");
    let mut long = entry("a", b'0', b"1");
    long.truncate(512);
    corrupt(long, "an entry goes past the end");
    let mut huge = entry("a", b'0', b"1");
    huge[124..136].copy_from_slice(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    seal(&mut huge);
    corrupt(huge, "an entry goes past the end");
    corrupt(entry("l", b'2', b""), "a link");
    corrupt(entry("s", b'S', b""), "a sparse entry");
    corrupt(entry("p", b'x', b"99 path=a\n"), "as pax writes them");
    corrupt(entry("p", b'x', b"0 path=a\n"), "as pax writes them");
    corrupt(
        entry("p", b'x', b"23 GNU.sparse.size=100\n"),
        "a sparse entry",
    );
    corrupt(entry("n", b'L', b"\xff"), "a name is no text");
}

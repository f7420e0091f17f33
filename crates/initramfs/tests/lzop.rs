//! lzop's files: every form of the header, and one spoiled field for each rule of
//! `lib/decompress_unlzo.c`.

mod samples;

use detente_initramfs::{Compression, InitramfsError, Rule};
use samples::lzop::{block, header};
use samples::{archive, compress, list, noise};

/// A stream of three literals says so in its first byte.
const ABC: &[u8] = b"\x14abc\x11\0\0";

/// A header, an archive as it is, the end.
fn stored(header: &[u8]) -> Vec<u8> {
    let plain = archive("init", b"#!");
    [header, &block(plain.len(), &plain, &plain), &[0; 4]].concat()
}

#[test]
fn every_form_of_the_header_is_passed_over() {
    let cases: [(u16, u32, &[u8]); 6] = [
        (0x1030, 0x0300_0001, b""),
        (0x1040, 1, b"initrd.img"),
        (0x0940, 0, b""),
        (0x093f, 0, b""),
        (0x1030, 0x800, b"filtered"),
        (0x093f, 0x801, &[b'n'; 255]),
    ];
    for (version, flags, name) in cases {
        let (seen, segments) = list(&stored(&header(version, flags, name))).unwrap();
        assert_eq!(seen, [("init".to_owned(), b"#!".to_vec())], "{version:#x}");
        assert_eq!(segments[0].compression, Compression::Lzo);
    }
}

#[test]
fn blocks_are_joined() {
    // Three blocks: what repeats, what does not, and half of one.
    let mut data = b"ten bytes.".repeat(26_000);
    data.extend(noise(300_000, 5));
    let packed = compress(Compression::Lzo, &archive("large", &data));
    assert!(packed.len() < data.len() - 200_000, "{}", packed.len());
    assert_eq!(list(&packed).unwrap().0, [("large".to_owned(), data)]);
}

#[test]
fn what_follows_the_last_block_is_the_next_segment() {
    let mut bytes = stored(&header(0x1030, 0, b""));
    let offset = u64::try_from(bytes.len()).unwrap();
    bytes.extend(stored(&header(0x0900, 0, b"")));
    let (_, segments) = list(&bytes).unwrap();
    assert_eq!((segments[0].offset, segments[1].offset), (0, offset));
}

#[test]
fn wherever_it_is_cut_short_that_is_told() {
    let whole = compress(Compression::Lzo, &archive("init", &b"again ".repeat(20)));
    list(&whole).unwrap();
    for len in 4..whole.len() {
        match list(&whole[..len]) {
            Err(InitramfsError::Corrupt {
                rule: Rule::StreamTruncated { compression },
                ..
            }) => assert_eq!(compression, Compression::Lzo),
            other => panic!("{len}: {other:?}"),
        }
    }
}

#[test]
fn each_rule_of_blocks_is_kept() {
    let check = |bytes: &[u8], expect: &str| match list(bytes) {
        Err(InitramfsError::Corrupt {
            rule: Rule::StreamDamaged { detail, .. },
            ..
        }) => assert_eq!(detail, expect),
        other => panic!("{expect}: {other:?}"),
    };
    let after = |bytes: &[u8]| [&header(0x1030, 0, b"")[..], bytes].concat();
    let lengths = |unpacked: u32, packed: u32, bytes: &[u8]| {
        let (unpacked, packed) = (unpacked.to_be_bytes(), packed.to_be_bytes());
        after(&[&unpacked[..], &packed, &[0; 4], bytes, &[0; 64]].concat())
    };
    check(b"\x89LZO\x00\r\n\x1a\r...", "its magic is not lzop's");
    let longest = 256 << 10;
    let words = "a block of 262145 bytes is longer than 256 KiB";
    check(&lengths(longest + 1, 7, ABC), words);
    check(
        &lengths(3, 7, ABC),
        "a block of 3 bytes says that it takes 7",
    );
    check(
        &lengths(9, 0, ABC),
        "a block of 9 bytes says that it takes 0",
    );
    check(&lengths(9, 7, ABC), "a block of 9 bytes unpacks to 3");
    check(&lengths(9, 6, ABC), "the stream ends inside an instruction");
    check(&lengths(9, 8, ABC), "1 bytes follow the end of the stream");
}

//! Segments in every compression, one after another.

mod samples;

use std::io::{self, Read};
use std::sync::Arc;

use detente_initramfs::{
    BlockReader, Compression, CpioWriter, InitramfsError, Limit, Limits, Offset, Rule, append,
    probe,
};
use samples::{COMPRESSIONS, archive, compress, list, list_within, noise};

fn names(bytes: &[u8]) -> Vec<String> {
    let (seen, _) = list(bytes).expect("the sample is sound");
    seen.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn any_compression_may_follow_any_other() {
    for first in COMPRESSIONS {
        for second in COMPRESSIONS {
            let mut bytes = compress(first, &archive("first", &noise(70_001, 1)));
            bytes.resize(bytes.len().next_multiple_of(4) + 4, 0);
            let offset = u64::try_from(bytes.len()).unwrap();
            bytes.extend_from_slice(&compress(second, &archive("second", &noise(90_001, 2))));
            let (seen, segments) = list(&bytes).unwrap();
            assert_eq!(seen[0].1, noise(70_001, 1), "{first} {second}");
            assert_eq!(seen[1].1, noise(90_001, 2), "{first} {second}");
            let kinds: Vec<_> = segments.iter().map(|s| (s.offset, s.compression)).collect();
            assert_eq!(kinds, [(0, first), (offset, second)]);
        }
    }
}

#[test]
fn compressed_segments_need_no_padding_between_them_lz4_aside() {
    for first in COMPRESSIONS {
        for second in COMPRESSIONS {
            let mut bytes = compress(first, &archive("first", b"1"));
            bytes.extend_from_slice(&compress(second, &archive("second", b"2")));
            let aligned = second != Compression::None || first == Compression::None;
            let lz4 = first == Compression::Lz4 && second != Compression::Lz4;
            if aligned && !lz4 {
                assert_eq!(names(&bytes), ["first", "second"], "{first} {second}");
            } else if lz4 {
                // The kernel takes the next magic for a length.
                assert!(list(&bytes).is_err(), "{first} {second}");
            }
        }
    }
}

#[test]
fn microcode_and_a_zstd_archive_are_two_segments() {
    let mut early = CpioWriter::new();
    early
        .directory("kernel", 0o755)
        .directory("kernel/x86", 0o755);
    early.file("kernel/x86/microcode", 0o644, &noise(5_000, 3));
    let main = archive("init", b"#!/bin/sh\n");
    let mut bytes = early.finish();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    let offset = u64::try_from(bytes.len()).unwrap();
    bytes.extend_from_slice(&compress(Compression::Zstd, &main));
    let (seen, segments) = list(&bytes).unwrap();
    assert_eq!(seen.last().unwrap().0, "init");
    assert_eq!(segments.len(), 2);
    assert_eq!((segments[0].entries, segments[1].entries), (3, 1));
    assert_eq!(
        segments[1].unpacked_bytes,
        u64::try_from(main.len()).unwrap()
    );
    let found = probe(bytes.as_slice(), &Limits::default()).unwrap();
    assert_eq!(found, [(0, Compression::None), (offset, Compression::Zstd)]);
}

#[test]
fn probe_does_not_unpack() {
    for compression in COMPRESSIONS.into_iter().skip(1) {
        let packed = compress(compression, b"no archive at all");
        let found = probe(packed.as_slice(), &Limits::default()).unwrap();
        assert_eq!(found, [(0, compression)]);
    }
}

#[test]
fn an_appended_archive_comes_last_behind_every_compression() {
    for compression in COMPRESSIONS {
        for odd in 0..4 {
            let packed = compress(compression, &archive("guest", &noise(1_000 + odd, 9)));
            let both = append(packed, &archive("agent", b"ours"));
            assert_eq!(names(&both), ["guest", "agent"], "{compression} {odd}");
        }
    }
    assert_eq!(append(Vec::new(), b"0707"), b"0707");
}

#[test]
fn one_stream_may_hold_several_archives() {
    let mut archives = archive("a", b"1");
    archives.extend_from_slice(&[0; 512]);
    archives.extend_from_slice(&archive("b", b"2"));
    let (seen, segments) = list(&compress(Compression::Gzip, &archives)).unwrap();
    assert_eq!((seen.len(), segments.len()), (2, 1));
}

#[test]
fn junk_in_a_stream_is_told_by_its_unpacked_offset() {
    let mut archives = archive("a", b"1");
    let end = u64::try_from(archives.len()).unwrap();
    archives.extend_from_slice(b"junk");
    for compression in COMPRESSIONS.into_iter().skip(1) {
        match list(&compress(compression, &archives)) {
            Err(InitramfsError::Corrupt {
                segment: 0,
                offset,
                rule,
            }) => {
                assert_eq!(offset, Offset::Unpacked(end), "{compression}");
                assert_eq!(
                    rule,
                    Rule::Junk {
                        found: b"junk".to_vec()
                    },
                    "{compression}"
                );
            }
            other => panic!("{compression}: {other:?}"),
        }
    }
}

#[test]
fn a_cut_stream_is_called_cut_wherever_it_is_cut() {
    for compression in COMPRESSIONS.into_iter().skip(1) {
        let packed = compress(compression, &archive("a", &noise(3_000, 5)));
        for length in (8..packed.len()).step_by(97).chain([packed.len() - 1]) {
            match list(&packed[..length]) {
                Err(InitramfsError::Corrupt {
                    rule: Rule::StreamTruncated { .. },
                    ..
                }) => {}
                other => panic!("{compression} cut at {length}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_damaged_stream_is_called_damaged() {
    for compression in [Compression::Gzip, Compression::Xz, Compression::Bzip2] {
        let mut packed = compress(compression, &archive("a", &noise(3_000, 5)));
        packed[1_500] ^= 0x55;
        packed.extend_from_slice(&[0; 64]);
        match list(&packed) {
            Err(InitramfsError::Corrupt {
                rule: Rule::StreamDamaged { .. },
                ..
            }) => {}
            other => panic!("{compression}: {other:?}"),
        }
    }
}

#[test]
fn zeros_without_end_meet_the_limit() {
    let limits = Limits {
        unpacked_bytes: 4 << 20,
        ..Limits::default()
    };
    for compression in COMPRESSIONS.into_iter().skip(1) {
        let bomb = compress(compression, &vec![0; 16 << 20]);
        match list_within(&bomb, &limits) {
            Err(InitramfsError::LimitExceeded {
                limit,
                offset: Offset::Unpacked(_),
                ..
            }) => {
                assert_eq!(limit, Limit::UnpackedBytes(4 << 20), "{compression}");
            }
            other => panic!("{compression}: {other:?}"),
        }
    }
}

#[test]
fn streams_that_want_too_much_memory_are_refused() {
    // lzma alone: properties, then the dictionary's size, here 1 GiB.
    let mut lzma = compress(Compression::Lzma, &archive("a", b"1"));
    lzma[1..5].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    // A zstd frame of one segment with 1 GiB of content: its window.
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    zstd.extend_from_slice(&(1_u32 << 30).to_le_bytes());
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 9);
    io::copy(&mut archive("a", b"1").as_slice(), &mut xz).unwrap();
    for stream in [lzma, zstd, xz.finish().unwrap()] {
        match list(&stream) {
            Err(InitramfsError::LimitExceeded {
                limit: Limit::DecoderMemory(_),
                ..
            }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_lz4_block_that_cannot_be_is_damage() {
    let mut bytes = compress(Compression::Lz4, &archive("a", b"1"));
    bytes[4..8].copy_from_slice(&(9_u32 << 20).to_le_bytes());
    let error = list(&bytes).unwrap_err().to_string();
    assert!(error.contains("more than 8 MiB can take"), "{error}");
}

#[test]
fn lz4_streams_may_be_joined_and_padded() {
    let mut bytes = compress(Compression::Lz4, &archive("a", &noise(9 << 20, 7)));
    bytes.extend_from_slice(&compress(Compression::Lz4, &archive("b", b"2")));
    bytes.extend_from_slice(&[0; 3]);
    let (seen, segments) = list(&bytes).unwrap();
    assert_eq!((seen.len(), segments.len()), (2, 1));
    assert_eq!(seen[0].1, noise(9 << 20, 7));
}

struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(io::Error::other("the cable was pulled")),
            read => Ok(read),
        }
    }
}

#[test]
fn a_failing_storage_is_told_from_damage() {
    for compression in COMPRESSIONS {
        let packed = compress(compression, &archive("a", &noise(3_000, 5)));
        let result = detente_initramfs::walk(
            Failing(&packed[..2_000]),
            &Limits::default(),
            &mut |_, data| {
                let _ = io::copy(data, &mut io::sink());
                std::ops::ControlFlow::Continue(())
            },
        );
        match result {
            Err(InitramfsError::Io { offset, source }) => {
                assert!(offset <= 2_000, "{compression}");
                assert_eq!(source.to_string(), "the cable was pulled", "{compression}");
            }
            other => panic!("{compression}: {other:?}"),
        }
    }
}

#[test]
fn a_block_device_is_read_like_a_slice() {
    let packed = compress(Compression::Xz, &archive("a", &noise(300_000, 5)));
    let block = detente_block::MemoryBackend::new(packed);
    let mut seen = Vec::new();
    detente_initramfs::walk(
        BlockReader::new(Arc::new(block)),
        &Limits::default(),
        &mut |_, data| {
            data.read_to_end(&mut seen).unwrap();
            std::ops::ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(seen, noise(300_000, 5));
}

//! Sound archives and streams for the tests, made by other libraries' encoders.

#![expect(dead_code, reason = "every test file uses another part")]
#![expect(clippy::unwrap_used, reason = "encoders into memory do not fail")]

pub(crate) mod lzop;

use std::io::Write;
use std::ops::ControlFlow;

use detente_initramfs::{Compression, CpioWriter, InitramfsError, Limits, SegmentInfo, walk};

pub(crate) const COMPRESSIONS: [Compression; 8] = [
    Compression::None,
    Compression::Gzip,
    Compression::Xz,
    Compression::Zstd,
    Compression::Lz4,
    Compression::Lzma,
    Compression::Bzip2,
    Compression::Lzo,
];

/// An archive of one file.
pub(crate) fn archive(name: &str, data: &[u8]) -> Vec<u8> {
    let mut writer = CpioWriter::new();
    writer.file(name, 0o644, data);
    writer.finish()
}

pub(crate) fn compress(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    match compression {
        Compression::None => bytes.to_vec(),
        Compression::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        Compression::Lz4 => lz4_legacy(bytes),
        Compression::Lzma => {
            let options = liblzma::stream::LzmaOptions::new_preset(6).unwrap();
            let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
            let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Lzo => lzop::pack(bytes),
    }
}

fn lz4_legacy(bytes: &[u8]) -> Vec<u8> {
    let mut frame = 0x184C_2102_u32.to_le_bytes().to_vec();
    for chunk in bytes.chunks(8 << 20) {
        let packed = lz4_flex::block::compress(chunk);
        frame.extend_from_slice(&u32::try_from(packed.len()).unwrap().to_le_bytes());
        frame.extend_from_slice(&packed);
    }
    frame
}

/// Bytes that compress badly but not at all regularly: xorshift, seeded.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// What a walk saw: name and data of each entry.
pub(crate) type Seen = Vec<(String, Vec<u8>)>;

pub(crate) fn list_within(
    bytes: &[u8],
    limits: &Limits,
) -> Result<(Seen, Vec<SegmentInfo>), InitramfsError> {
    let mut seen = Vec::new();
    let segments = walk(bytes, limits, &mut |entry, data| {
        let mut content = Vec::new();
        if data.read_to_end(&mut content).is_err() {
            return ControlFlow::Break(());
        }
        seen.push((entry.name.clone(), content));
        ControlFlow::Continue(())
    })?;
    Ok((seen, segments))
}

pub(crate) fn list(bytes: &[u8]) -> Result<(Seen, Vec<SegmentInfo>), InitramfsError> {
    list_within(bytes, &Limits::default())
}

pub(crate) const GZIP: Compression = Compression::Gzip;

/// A kernel's setup code, by `boot.rst`: one setup sector, the version string behind the header.
pub(crate) fn kernel(version: &str, protocol: u16, xloadflags: u16) -> Vec<u8> {
    let mut bytes = vec![0; 5 * 512];
    bytes[0x1f1] = 4;
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x206..0x208].copy_from_slice(&protocol.to_le_bytes());
    bytes[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    bytes[0x236..0x238].copy_from_slice(&xloadflags.to_le_bytes());
    bytes[0x238..0x23c].copy_from_slice(&2047_u32.to_le_bytes());
    bytes[0x400..0x400 + version.len()].copy_from_slice(version.as_bytes());
    bytes
}

/// Where the parts of the PE files of [`uki`] are, by the PE/COFF specification.
pub(crate) const PE_OFFSET: usize = 0x80;
pub(crate) const MACHINE: usize = PE_OFFSET + 4;
pub(crate) const SECTION_COUNT: usize = PE_OFFSET + 6;
pub(crate) const SECTION_TABLE: usize = PE_OFFSET + 4 + 20 + 240;

/// A PE file for x86-64 with these sections, each padded to 512 bytes.
pub(crate) fn uki(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let mut bytes = vec![0; SECTION_TABLE];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c..0x40].copy_from_slice(&number(PE_OFFSET));
    bytes[PE_OFFSET..MACHINE].copy_from_slice(b"PE\0\0");
    bytes[MACHINE..SECTION_COUNT].copy_from_slice(&0x8664_u16.to_le_bytes());
    bytes[SECTION_COUNT..SECTION_COUNT + 2].copy_from_slice(&number(sections.len())[..2]);
    bytes[PE_OFFSET + 20..PE_OFFSET + 22].copy_from_slice(&240_u16.to_le_bytes());
    bytes[PE_OFFSET + 24..PE_OFFSET + 26].copy_from_slice(&0x20b_u16.to_le_bytes());
    bytes[PE_OFFSET + 24 + 68] = 0x0a;
    let mut raw = (SECTION_TABLE + 40 * sections.len()).next_multiple_of(512);
    let mut contents = Vec::new();
    for (name, data) in sections {
        let mut header = [0; 40];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[8..12].copy_from_slice(&number(data.len()));
        header[12..16].copy_from_slice(&number(0x10_0000 + raw));
        let padded = data.len().next_multiple_of(512);
        header[16..20].copy_from_slice(&number(padded));
        header[20..24].copy_from_slice(&number(raw));
        bytes.extend_from_slice(&header);
        contents.push((raw, *data));
        raw += padded;
    }
    bytes.resize(raw, 0);
    for (at, data) in contents {
        bytes[at..at + data.len()].copy_from_slice(data);
    }
    bytes
}

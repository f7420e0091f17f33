//! Which format a file has, by its magic numbers.

use detente_block::{BlockRead, ReadError};

use crate::Format;
use crate::qcow2::MAGIC as QCOW2_MAGIC;
use crate::vhd::COOKIE as VHD_COOKIE;
use crate::vhdx::MAGIC as VHDX_MAGIC;
use crate::vmdk::{COWD_MAGIC, DESCRIPTOR_MAGIC, HOSTED_MAGIC};

/// Enough for every magic number at the start, and a whole VHD footer at the end.
const SECTOR: u64 = 512;

/// What files of formats that we read begin with.
const READ: [(&[u8], Format); 6] = [
    (&QCOW2_MAGIC, Format::Qcow2),
    (&VHD_COOKIE, Format::Vhd),
    (&VHDX_MAGIC, Format::Vhdx),
    (&HOSTED_MAGIC, Format::Vmdk),
    (&COWD_MAGIC, Format::Vmdk),
    (&DESCRIPTOR_MAGIC, Format::Vmdk),
];

/// Magic numbers of formats that we do not read: offset, bytes, name.
const REFUSED: [(usize, &[u8], &str); 4] = [
    (64, &[0x7f, 0x10, 0xda, 0xbe], "a VDI image"),
    (0, b"QED\0", "a QED image"),
    (0, b"WithoutFreeSpace", "a Parallels image"),
    (0, b"WithouFreSpacExt", "a Parallels image"),
];

/// The format of `file`; raw if it looks like none that is known.
pub(crate) fn probe(file: &dyn BlockRead) -> Result<Format, ReadError> {
    let len = file.len_bytes();
    if len == 0 {
        return Err(ReadError::Unsupported {
            offset: 0,
            what: "the file is empty".to_owned(),
        });
    }
    let start = read_sector(file, 0)?;
    for (magic, format) in READ {
        if start.starts_with(magic) {
            return Ok(format);
        }
    }
    for (at, magic, name) in REFUSED {
        if start
            .get(at..)
            .is_some_and(|bytes| bytes.starts_with(magic))
        {
            return Err(refused(0, name));
        }
    }
    // A fixed VHD has only a footer; Virtual PC before 2004 wrote one of 511 bytes.
    let end = read_sector(file, len.saturating_sub(SECTOR))?;
    let ends_as_vhd = [0, 1]
        .iter()
        .filter_map(|&at| end.get(at..))
        .any(|footer| footer.starts_with(&VHD_COOKIE));
    if ends_as_vhd {
        return Ok(Format::Vhd);
    }
    Ok(Format::Raw)
}

fn read_sector(file: &dyn BlockRead, offset: u64) -> Result<Vec<u8>, ReadError> {
    let len = file.len_bytes().saturating_sub(offset).min(SECTOR);
    let mut bytes = vec![0; usize::try_from(len).expect("a sector fits into memory")];
    file.read_exact_at(offset, &mut bytes)?;
    Ok(bytes)
}

fn refused(offset: u64, name: &str) -> ReadError {
    ReadError::Unsupported {
        offset,
        what: format!("{name}; raw, qcow2, VHDX, VHD and VMDK are read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detente_block::MemoryBackend;

    fn check(bytes: &[u8], expect: Result<Format, &str>) {
        let got = probe(&MemoryBackend::new(bytes.to_vec()));
        match (got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect),
            (Err(ReadError::Unsupported { what, .. }), Err(name)) => {
                assert!(what.contains(name), "{what}");
            }
            (got, expect) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    /// A disk of zeroes with `bytes` at `at`.
    fn disk(len: usize, at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut disk = vec![0; len];
        disk[at..][..bytes.len()].copy_from_slice(bytes);
        disk
    }

    #[test]
    fn formats_are_told_by_their_magic() {
        check(b"", Err("empty"));
        check(b"x", Ok(Format::Raw));
        check(&[0; 511], Ok(Format::Raw));
        check(&disk(1 << 20, 510, &[0x55, 0xaa]), Ok(Format::Raw));
        check(&disk(1 << 20, 0, b"LUKS\xba\xbe"), Ok(Format::Raw));
        check(b"QFI\xfb", Ok(Format::Qcow2));
        check(&disk(4096, 0, b"vhdxfile"), Ok(Format::Vhdx));
        check(&disk(4096, 0, b"KDMV"), Ok(Format::Vmdk));
        check(b"# Disk DescriptorFile\nversion=1\n", Ok(Format::Vmdk));
        check(&disk(4096, 0, b"conectix"), Ok(Format::Vhd));
        check(&disk(4096, 64, b"\x7f\x10\xda\xbe"), Err("VDI"));
        check(&disk(4096, 4096 - 512, b"conectix"), Ok(Format::Vhd));
        check(&disk(4096, 4096 - 511, b"conectix"), Ok(Format::Vhd));
        check(&disk(4096, 4096 - 510, b"conectix"), Ok(Format::Raw));
    }
}

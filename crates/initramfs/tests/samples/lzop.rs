//! Packs as lzop does: [LZO] Linux, `Documentation/staging/lzo.rst`, for the instructions;
//! `lib/decompress_unlzo.c` for what is around them. A packer of the simplest kind, for samples.

use std::collections::HashMap;

/// A match is as long at least.
const LEAST: usize = 4;
/// What an instruction of 32..64 reaches.
const REACH: usize = 16 << 10;

/// A file of lzop's, in blocks of 256 KiB.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut file = header(0x1030, 0, b"");
    for chunk in bytes.chunks(256 << 10) {
        let packed = stream(chunk);
        file.extend(block(chunk.len(), &packed[..], chunk));
    }
    file.extend([0; 4]);
    file
}

/// The header: 9 bytes of magic, version, the library's, the one needed, method, level if the
/// version has one, flags with or without a filter, mode, time in one half or two, name, checksum.
pub(crate) fn header(version: u16, flags: u32, name: &[u8]) -> Vec<u8> {
    let new = version >= 0x0940;
    let mut header = b"\x89LZO\x00\r\n\x1a\n".to_vec();
    header.extend(version.to_be_bytes());
    header.extend([0x20, 0xa0, 0x09, 0x40, 3]);
    header.extend(new.then_some(9));
    header.extend(flags.to_be_bytes());
    if flags & 0x800 != 0 {
        header.extend([0; 4]);
    }
    header.extend([0; 8]);
    if new {
        header.extend([0; 4]);
    }
    header.push(u8::try_from(name.len()).unwrap());
    header.extend(name);
    header.extend([0xaa; 4]);
    header
}

/// A block that is packed, or stands as it is where that is no longer.
pub(crate) fn block(len: usize, packed: &[u8], plain: &[u8]) -> Vec<u8> {
    let stored = if packed.len() < len { packed } else { plain };
    let mut block = Vec::new();
    block.extend(u32::try_from(len).unwrap().to_be_bytes());
    block.extend(u32::try_from(stored.len()).unwrap().to_be_bytes());
    block.extend([0xbb; 4]);
    block.extend(stored);
    block
}

/// An LZO1X stream of two instructions: runs of literals, and copies from up to 16 KiB back.
fn stream(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut seen: HashMap<&[u8], usize> = HashMap::new();
    let (mut at, mut literals) = (0, 0);
    while at < bytes.len() {
        let found = bytes
            .get(at..at + LEAST)
            .and_then(|key| seen.insert(key, at))
            .filter(|&from| at - from <= REACH);
        // Fewer than four literals between two copies would be part of the first one.
        let Some(from) = found.filter(|_| literals == at || at - literals >= LEAST) else {
            at += 1;
            continue;
        };
        run(&mut packed, &bytes[literals..at]);
        let rest = bytes[at..].iter().zip(&bytes[from..]);
        let len = rest.take_while(|(one, other)| one == other).count();
        copy(&mut packed, at - from, len);
        at += len;
        literals = at;
    }
    let rest = &bytes[literals..];
    if (1..LEAST).contains(&rest.len()) && literals > 0 {
        // The last copy takes them along.
        let word = packed.len() - 2;
        packed[word] |= u8::try_from(rest.len()).unwrap();
        packed.extend(rest);
    } else {
        run(&mut packed, rest);
    }
    packed.extend([0x11, 0, 0]);
    packed
}

fn run(packed: &mut Vec<u8>, literals: &[u8]) {
    match literals.len() {
        0 => {}
        few @ 1..LEAST => packed.push(17 + u8::try_from(few).unwrap()),
        len => count(packed, 0, len - 3, 15),
    }
    packed.extend(literals);
}

fn copy(packed: &mut Vec<u8>, distance: usize, len: usize) {
    count(packed, 32, len - 2, 31);
    packed.extend(u16::try_from((distance - 1) << 2).unwrap().to_le_bytes());
}

/// A length in the instruction, or behind it where it is more than `most`.
fn count(packed: &mut Vec<u8>, code: u8, len: usize, most: usize) {
    if len <= most {
        return packed.push(code + u8::try_from(len).unwrap());
    }
    packed.push(code);
    let rest = len - most - 1;
    packed.resize(packed.len() + rest / 255, 0);
    packed.push(u8::try_from(rest % 255 + 1).unwrap());
}

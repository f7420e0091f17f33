//! The headers of LUKS: what encrypts a volume, and which key slots are in use. \[LUKS1\] the
//! "LUKS On-Disk Format Specification" 1.2.3, \[LUKS2\] the "LUKS2 On-Disk Format Specification"
//! 1.1.1. Nothing is decrypted.

use detente_block::{BlockRead as _, ReadError, Window};
use sha2::{Digest as _, Sha256};

use crate::fields::{array, be16, be32, be64, has, read_if_inside, text};

/// What a header of LUKS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Luks {
    /// The cipher with its mode, as Linux names it: `aes-xts-plain64`.
    pub cipher: String,
    /// The key slots that are in use.
    pub slots: Vec<u32>,
}

/// \[LUKS1\] `LUKS_KEY_ENABLED`.
const ENABLED: u32 = 0x00ac_71f3;
/// \[LUKS2\] 2.2: the smallest headers have 16 KiB; with more metadata they grow to 4 MiB, of which
/// we read what an ordinary one fills many times over.
const MAX_HEADER_BYTES: u64 = 512 * 1024;
/// \[LUKS2\] 2.1: the binary header, before the text.
const BINARY_BYTES: usize = 4096;

/// Reads the header in `window`; `None` if it is damaged, or no header.
///
/// # Errors
/// [`ReadError`] when the volume cannot be read.
pub fn luks_facts(window: &Window) -> Result<Option<Luks>, ReadError> {
    let Some(head) = read_if_inside(window, 0, BINARY_BYTES)? else {
        return Ok(None);
    };
    if !has(&head, 0, b"LUKS\xba\xbe") {
        return Ok(None);
    }
    match be16(&head, 6) {
        Some(1) => Ok(first(&head)),
        Some(2) => second(window, &head),
        _ => Ok(None),
    }
}

/// \[LUKS1\] 2.1: names, then eight slots of 48 bytes.
fn first(head: &[u8]) -> Option<Luks> {
    let (name, mode) = (text(head, 8, 32)?, text(head, 40, 32)?);
    let slots = (0_u32..8).zip(head.get(208..592)?.chunks_exact(48));
    let used = slots.filter(|(_, slot)| be32(slot, 0) == Some(ENABLED));
    Some(Luks {
        cipher: format!("{name}-{mode}"),
        slots: used.map(|(number, _)| number).collect(),
    })
}

/// \[LUKS2\] 2.1 and 3: a checksum over both parts, then JSON.
fn second(window: &Window, head: &[u8]) -> Result<Option<Luks>, ReadError> {
    let len = be64(head, 8).filter(|&len| len <= MAX_HEADER_BYTES.min(window.len_bytes()));
    let Some(len) = len.and_then(|len| usize::try_from(len).ok()) else {
        return Ok(None);
    };
    let Some(mut header) = read_if_inside(window, 0, len)? else {
        return Ok(None);
    };
    Ok(parse(&mut header))
}

fn parse(header: &mut [u8]) -> Option<Luks> {
    let algorithm = text(header, 72, 32)?;
    let stored: [u8; 32] = array(header, 448)?;
    header.get_mut(448..512)?.fill(0);
    // [LUKS2] allows other algorithms; cryptsetup writes this one.
    let sealed = algorithm == "sha256" && Sha256::digest(&*header).as_slice() == stored;
    let json = header.get(BINARY_BYTES..).filter(|_| sealed)?;
    let end = json.iter().position(|&byte| byte == 0)?;
    let json: serde_json::Value = serde_json::from_slice(json.get(..end)?).ok()?;
    let segments = json.get("segments")?.as_object()?;
    let cipher = segments
        .values()
        .find_map(|segment| segment.get("encryption"));
    let slots = json.get("keyslots")?.as_object()?.keys();
    let mut slots: Vec<u32> = slots.filter_map(|number| number.parse().ok()).collect();
    slots.sort_unstable();
    Some(Luks {
        cipher: cipher?.as_str()?.to_owned(),
        slots,
    })
}

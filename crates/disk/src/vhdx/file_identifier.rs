//! The file type identifier: what it is, and who made it. \[MS-VHDX\] 2.2.1.

use detente_block::BlockRead;

use super::fault::{Fault, Rule, read_bytes};
use super::field::{put, to_utf16, utf16};

/// The first bytes of every VHDX file.
pub(crate) const MAGIC: [u8; 8] = *b"vhdxfile";
/// The signature and the creator.
const LEN: usize = 520;
const SIGNATURE: Rule = Rule::new("vhdx.identifier.signature", "[MS-VHDX] 2.2.1");

/// Who made the file, for people.
pub(super) fn creator(file: &dyn BlockRead) -> Result<String, Fault> {
    let len = u64::try_from(LEN).expect("it is small");
    let bytes = read_bytes(file, 0, len, "file type identifier")?;
    let Some(creator) = bytes.strip_prefix(&MAGIC) else {
        return Err(SIGNATURE.broken(0, "the file does not begin with vhdxfile"));
    };
    let text = utf16(creator);
    let text = text.split('\0').next().unwrap_or_default();
    // It may be shown on a terminal.
    Ok(text.chars().filter(|c| !c.is_control()).collect())
}

/// The bytes of a new one.
pub(super) fn encode(creator: &str) -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    put(&mut bytes, 0, &MAGIC);
    put(&mut bytes, MAGIC.len(), &to_utf16(creator));
    bytes
}

//! OVA: a tar archive, whose entries are found and read in place.

use detente_block::{BlockRead, ReadError};

/// The unit of tar.
const BLOCK: u64 = 512;
/// A package has an envelope, a manifest, a certificate and disks, some in pieces.
const MAX_ENTRIES: usize = 4096;
/// A long name, or pax's attributes.
const MAX_EXTENSION_BYTES: u64 = 64 << 10;

/// Where the entries of an archive are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Regular files, in their order.
    pub entries: Vec<ArchiveEntry>,
}

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Its name as written.
    pub name: String,
    /// Where its bytes begin in the archive.
    pub offset: u64,
    /// How many they are.
    pub len: u64,
}

/// Why an archive was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The storage failed.
    #[error("the archive cannot be read")]
    Read(#[from] ReadError),
    /// It breaks a rule of tar.
    #[error("corrupt archive at offset {offset:#x}: {rule}")]
    Corrupt {
        /// Where.
        offset: u64,
        /// The rule.
        rule: &'static str,
    },
    /// It is sound, and not read.
    #[error("not supported in an archive, at offset {offset:#x}: {what}")]
    Unsupported {
        /// Where.
        offset: u64,
        /// What it is.
        what: String,
    },
}

/// What entries of their own say of the entry after them.
#[derive(Default)]
struct Announced {
    name: Option<String>,
    len: Option<u64>,
}

impl Archive {
    /// Finds the entries; their bytes are not read.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn read(file: &dyn BlockRead) -> Result<Self, ArchiveError> {
        let mut archive = Self {
            entries: Vec::new(),
        };
        let mut announced = Announced::default();
        let mut at = 0;
        while let Some(header) = Header::read(file, at)? {
            let offset = at.saturating_add(BLOCK);
            let len = match header.kind {
                // A pax header may give the length of the file, not of itself.
                Kind::File => announced.len.unwrap_or(header.len),
                Kind::Name | Kind::Attributes | Kind::Skipped => header.len,
            };
            let end = offset
                .checked_add(len)
                .filter(|&end| end <= file.len_bytes());
            let corrupt = |rule| ArchiveError::Corrupt { offset: at, rule };
            let end = end.ok_or_else(|| corrupt("an entry goes past the end"))?;
            match header.kind {
                Kind::File => {
                    let name = announced.name.take().unwrap_or(header.name);
                    archive.entries.push(ArchiveEntry { name, offset, len });
                    announced = Announced::default();
                }
                Kind::Name => {
                    let bytes = extension(file, offset, len)?;
                    let name = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
                    announced.name = Some(text(name, offset)?);
                }
                Kind::Attributes => {
                    attributes(&extension(file, offset, len)?, offset, &mut announced)?
                }
                Kind::Skipped => announced = Announced::default(),
            }
            if archive.entries.len() > MAX_ENTRIES {
                return Err(corrupt("there are more entries than a package has"));
            }
            let next = end.checked_next_multiple_of(BLOCK);
            at = next.ok_or_else(|| corrupt("an entry goes past the end"))?;
        }
        Ok(archive)
    }

    /// The entry of a name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&ArchiveEntry> {
        let plain = |name: &str| name.strip_prefix("./").unwrap_or(name).to_owned();
        let wanted = plain(name);
        self.entries
            .iter()
            .find(|entry| plain(&entry.name) == wanted)
    }
}

/// The block before an entry.
struct Header {
    name: String,
    len: u64,
    kind: Kind,
}

enum Kind {
    File,
    /// GNU's long name of the next entry.
    Name,
    /// pax's attributes of the next entry.
    Attributes,
    /// A folder, or attributes of all entries.
    Skipped,
}

impl Header {
    /// The header at a place; `None` at the end.
    fn read(file: &dyn BlockRead, at: u64) -> Result<Option<Self>, ArchiveError> {
        let corrupt = |rule| ArchiveError::Corrupt { offset: at, rule };
        let len = file.len_bytes();
        // Some writers leave out the two blocks of zeroes at the end.
        if at >= len && at > 0 {
            return Ok(None);
        }
        if len.saturating_sub(at) < BLOCK {
            return Err(corrupt("a header goes past the end"));
        }
        let mut block = [0; 512];
        file.read_exact_at(at, &mut block)?;
        if block.iter().all(|&byte| byte == 0) && at > 0 {
            return Ok(None);
        }
        if field(&block, 257, 5) != b"ustar" {
            return Err(corrupt("the magic number is not that of tar"));
        }
        check_sum(&block).ok_or_else(|| corrupt("the checksum of a header is wrong"))?;
        let len = number(field(&block, 124, 12));
        let kind = match field(&block, 156, 1) {
            [b'0' | b'7' | 0] => Kind::File,
            b"L" => Kind::Name,
            b"x" => Kind::Attributes,
            b"5" | b"g" => Kind::Skipped,
            [other] => {
                let what = match other {
                    b'1' | b'2' => "a link".to_owned(),
                    b'S' => "a sparse entry".to_owned(),
                    other => format!("an entry of type {:?}", char::from(*other)),
                };
                return Err(ArchiveError::Unsupported { offset: at, what });
            }
            _ => return Err(corrupt("an entry has no type")),
        };
        Ok(Some(Self {
            name: name(&block, at)?,
            len: len.ok_or_else(|| corrupt("the length of an entry is no number"))?,
            kind,
        }))
    }
}

fn field(block: &[u8; 512], at: usize, len: usize) -> &[u8] {
    let rest = block.get(at..).unwrap_or_default();
    rest.get(..len).unwrap_or_default()
}

/// The name, behind POSIX's prefix if there is one.
fn name(block: &[u8; 512], at: u64) -> Result<String, ArchiveError> {
    let until_zero = |bytes: &'_ [u8]| {
        let end = bytes.iter().position(|&byte| byte == 0);
        bytes
            .get(..end.unwrap_or(bytes.len()))
            .unwrap_or_default()
            .to_vec()
    };
    let mut whole = Vec::new();
    // GNU's own format has times where POSIX has the prefix.
    if field(block, 257, 6) == b"ustar\0" {
        whole = until_zero(field(block, 345, 155));
        if !whole.is_empty() {
            whole.push(b'/');
        }
    }
    whole.extend(until_zero(field(block, 0, 100)));
    text(&whole, at)
}

fn text(bytes: &[u8], offset: u64) -> Result<String, ArchiveError> {
    let rule = "a name is no text";
    let text = std::str::from_utf8(bytes).map_err(|_| ArchiveError::Corrupt { offset, rule })?;
    Ok(text.to_owned())
}

/// Octal digits, or from GNU for large files: a set top bit, then the number itself.
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, digits @ ..] => digits.iter().try_fold(0_u64, |number, &digit| {
            number.checked_mul(256)?.checked_add(u64::from(digit))
        }),
        digits => {
            let digits = std::str::from_utf8(digits).ok()?;
            let digits = digits.trim_matches(['\0', ' ']);
            u64::from_str_radix(if digits.is_empty() { "0" } else { digits }, 8).ok()
        }
    }
}

/// The sum of all bytes, with spaces in place of the sum.
fn check_sum(block: &[u8; 512]) -> Option<()> {
    let expected = number(field(block, 148, 8))?;
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, &byte)| u64::from(if (148..156).contains(&at) { b' ' } else { byte }))
        .sum();
    (sum == expected).then_some(())
}

fn extension(file: &dyn BlockRead, offset: u64, len: u64) -> Result<Vec<u8>, ArchiveError> {
    let rule = "attributes of an entry are longer than any";
    let too_long = || ArchiveError::Corrupt { offset, rule };
    let len = Some(len)
        .filter(|&len| len <= MAX_EXTENSION_BYTES)
        .ok_or_else(too_long)?;
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| too_long())?];
    file.read_exact_at(offset, &mut bytes)?;
    Ok(bytes)
}

/// `LENGTH KEY=VALUE\n`, where the length counts all of it.
fn attributes(
    mut bytes: &[u8],
    offset: u64,
    announced: &mut Announced,
) -> Result<(), ArchiveError> {
    let rule = "attributes of an entry are not as pax writes them";
    let corrupt = || ArchiveError::Corrupt { offset, rule };
    while !bytes.is_empty() {
        let space = bytes
            .iter()
            .position(|&byte| byte == b' ')
            .ok_or_else(corrupt)?;
        let len = bytes
            .get(..space)
            .and_then(|len| std::str::from_utf8(len).ok());
        let len: usize = len.and_then(|len| len.parse().ok()).ok_or_else(corrupt)?;
        let start = space.saturating_add(1);
        let record = bytes
            .get(start..len)
            .and_then(|record| record.strip_suffix(b"\n"));
        let record = text(record.ok_or_else(corrupt)?, offset)?;
        match record.split_once('=').ok_or_else(corrupt)? {
            ("path", path) => announced.name = Some(path.to_owned()),
            ("size", size) => announced.len = Some(size.parse().map_err(|_| corrupt())?),
            (key, _) if key.starts_with("GNU.sparse.") => {
                let what = "a sparse entry".to_owned();
                return Err(ArchiveError::Unsupported { offset, what });
            }
            _ => {}
        }
        bytes = bytes.get(len..).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests;

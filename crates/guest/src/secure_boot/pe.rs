//! The parts of a PE program that say who signed it. \[PE\] is "PE Format", Microsoft.

use detente_block::{BlockRead, ReadError};

/// Headers and section table lie in the first pages.
const HEAD_BYTES: usize = 64 * 1024;
/// Two signatures with their chains have about 20 KiB.
const MAX_TABLE_BYTES: u64 = 256 * 1024;
/// \[PE\] "Optional Header Data Directories": the certificate table is the fifth.
const CERTIFICATES: usize = 4;
const MAX_SECTIONS: u16 = 96;

/// A program.
pub(super) struct Image {
    /// The processor that it is for.
    pub(super) machine: String,
    /// Whether it is a Linux kernel, with or without the header of a program.
    pub(super) is_kernel: bool,
    sections: Vec<Section>,
    /// Offset and length in the file.
    table: Option<(u64, u64)>,
}

struct Section {
    name: String,
    offset: u64,
    len: usize,
}

/// The certificate table.
pub(super) enum Table {
    Bytes(Vec<u8>),
    /// It is not in the file.
    Outside(String),
}

/// Reads the headers; `None` if it is neither a program nor a kernel.
pub(super) fn read(file: &dyn BlockRead) -> Result<Option<Image>, ReadError> {
    let len = usize::try_from(file.len_bytes()).map_or(HEAD_BYTES, |all| all.min(HEAD_BYTES));
    let mut head = vec![0; len];
    file.read_exact_at(0, &mut head)?;
    // Linux, Documentation/arch/x86/boot.rst: "HdrS" at 0x202.
    let is_kernel = head.get(0x202..0x206) == Some(b"HdrS");
    if let Some(mut image) = parse(&head) {
        image.is_kernel = is_kernel;
        let strings = strings(&head);
        for section in &mut image.sections {
            section.long_name(file, strings)?;
        }
        return Ok(Some(image));
    }
    // Kernels before 3.3 are no programs for UEFI, so they have no signature either.
    Ok(is_kernel.then(|| Image {
        machine: "x86-64".to_owned(),
        is_kernel,
        sections: Vec::new(),
        table: None,
    }))
}

fn parse(head: &[u8]) -> Option<Image> {
    let pe = usize::try_from(le32(head, 0x3c)?).ok()?;
    if head.get(..2)? != b"MZ" || head.get(pe..pe.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let coff = pe.checked_add(4)?;
    let optional = coff.checked_add(20)?;
    let optional_len = usize::from(le16(head, coff.checked_add(16)?)?);
    // [PE] "Optional Header": directories follow 96 bytes of PE32, 112 of PE32+.
    let directories = match le16(head, optional)? {
        0x10b => 96,
        0x20b => 112,
        _ => return None,
    };
    let count = le32(head, optional.checked_add(directories)?.checked_sub(4)?)?;
    let entry = directories.checked_add(CERTIFICATES.checked_mul(8)?)?;
    let has_entry = count > 4 && entry.checked_add(8)? <= optional_len;
    let at = optional.checked_add(entry)?;
    let table = has_entry
        .then(|| {
            Some((
                u64::from(le32(head, at)?),
                u64::from(le32(head, at.checked_add(4)?)?),
            ))
        })
        .flatten()
        .filter(|(_, len)| *len > 0);
    let mut sections = Vec::new();
    let mut at = optional.checked_add(optional_len)?;
    for _ in 0..le16(head, coff.checked_add(2)?)?.min(MAX_SECTIONS) {
        let name = head.get(at..at.checked_add(8)?)?;
        let (used, stored) = (
            le32(head, at.checked_add(8)?)?,
            le32(head, at.checked_add(16)?)?,
        );
        sections.push(Section {
            name: text(name),
            offset: u64::from(le32(head, at.checked_add(20)?)?),
            len: usize::try_from(used.min(stored)).ok()?,
        });
        at = at.checked_add(40)?;
    }
    Some(Image {
        machine: machine(le16(head, coff)?),
        is_kernel: false,
        sections,
        table,
    })
}

/// \[PE\] "COFF String Table": it follows the symbols, of 18 bytes each.
fn strings(head: &[u8]) -> Option<u64> {
    let pe = usize::try_from(le32(head, 0x3c)?).ok()?;
    let symbols = u64::from(le32(head, pe.checked_add(12)?)?);
    let count = u64::from(le32(head, pe.checked_add(16)?)?);
    (symbols > 0).then(|| symbols.saturating_add(count.saturating_mul(18)))
}

/// Up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0);
    let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

impl Section {
    /// \[PE\] "Section Table": `/37` stands for the name at 37 in the table of strings.
    fn long_name(&mut self, file: &dyn BlockRead, strings: Option<u64>) -> Result<(), ReadError> {
        let number = self
            .name
            .strip_prefix('/')
            .and_then(|text| text.parse::<u64>().ok());
        let at = number
            .zip(strings)
            .and_then(|(own, start)| start.checked_add(own));
        let mut bytes = [0; 32];
        if let Some(at) = at
            && at
                .checked_add(32)
                .is_some_and(|end| end <= file.len_bytes())
        {
            file.read_exact_at(at, &mut bytes)?;
            self.name = text(&bytes);
        }
        Ok(())
    }
}

impl Image {
    /// Whether there is a section of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// A section's first bytes, at most `limit`; none if it is not there, or not in the file.
    pub(super) fn section(
        &self,
        file: &dyn BlockRead,
        name: &str,
        limit: usize,
    ) -> Result<Vec<u8>, ReadError> {
        let Some(section) = self.find(name) else {
            return Ok(Vec::new());
        };
        let left = file.len_bytes().saturating_sub(section.offset);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let mut bytes = vec![0; section.len.min(limit).min(left)];
        file.read_exact_at(section.offset, &mut bytes)?;
        Ok(bytes)
    }

    /// The certificate table: the only directory whose address is an offset in the file.
    pub(super) fn certificates(&self, file: &dyn BlockRead) -> Result<Table, ReadError> {
        let Some((offset, len)) = self.table else {
            return Ok(Table::Bytes(Vec::new()));
        };
        let all = file.len_bytes();
        let inside = offset.checked_add(len).is_some_and(|end| end <= all);
        if !inside || len > MAX_TABLE_BYTES {
            let rule = format!(
                "its certificate table ({len} bytes at {offset:#x}) is not in its {all} bytes, \
                 or larger than {MAX_TABLE_BYTES}"
            );
            return Ok(Table::Outside(rule));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        file.read_exact_at(offset, &mut bytes)?;
        Ok(Table::Bytes(bytes))
    }
}

fn machine(number: u16) -> String {
    match number {
        0x8664 => "x86-64".to_owned(),
        0x014c => "i386".to_owned(),
        0xaa64 => "aarch64".to_owned(),
        0x01c0 | 0x01c2 | 0x01c4 => "arm".to_owned(),
        0x5064 => "riscv64".to_owned(),
        other => format!("PE machine {other:#06x}"),
    }
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

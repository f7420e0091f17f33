//! The descriptor: lines of text that say what the disk is made of.

use detente_block::ReadError;

use super::field::to_u64;
use super::{SECTOR, corrupt, unsupported};

/// \[VMDK\] "The Descriptor File" has no limit; QEMU reads so much at most.
pub(super) const MAX_BYTES: u64 = 1 << 20;
/// Each extent costs an open file; 2 TiB in files of 2 GiB are half as many.
const MAX_EXTENTS: usize = 2048;
/// \[VMDK\] "parentCID": the disk rests on no other.
const NO_PARENT: u32 = u32::MAX;

/// What a descriptor says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Descriptor {
    /// Where it starts in the file.
    pub(super) at: u64,
    pub(super) content_id: Option<u32>,
    /// None if the disk rests on no other.
    pub(super) parent_content_id: Option<u32>,
    pub(super) create_type: Option<String>,
    pub(super) parent_name: Option<String>,
    pub(super) extents: Vec<ExtentLine>,
}

/// \[VMDK\] "Extent Description".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExtentLine {
    /// Where the line starts in the file.
    pub(super) at: u64,
    /// In sectors.
    pub(super) sectors: u64,
    pub(super) kind: ExtentKind,
    /// Empty for zeroes.
    pub(super) name: String,
    /// Where a flat extent starts in its file, in sectors.
    pub(super) offset: u64,
}

/// What an extent's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExtentKind {
    /// The guest's bytes as they are: `FLAT` and `VMFS`.
    Flat,
    /// `SPARSE`: hosted sparse.
    Sparse,
    /// `VMFSSPARSE`: ESX's, COWD.
    VmfsSparse,
    /// `SESPARSE`: space-efficient.
    SeSparse,
    /// `ZERO`: no file.
    Zero,
}

impl ExtentKind {
    /// As descriptors spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Flat => "FLAT",
            Self::Sparse => "SPARSE",
            Self::VmfsSparse => "VMFSSPARSE",
            Self::SeSparse => "SESPARSE",
            Self::Zero => "ZERO",
        }
    }
}

impl Descriptor {
    /// Parses the text at `at` of the file, up to a zero.
    pub(super) fn parse(text: &[u8], at: u64) -> Result<Self, ReadError> {
        let mut descriptor = Self {
            at,
            ..Self::default()
        };
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut line_at = at;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            descriptor.line(String::from_utf8_lossy(line).trim(), line_at)?;
            line_at = line_at.saturating_add(to_u64(line.len()));
        }
        Ok(descriptor)
    }

    fn line(&mut self, line: &str, at: u64) -> Result<(), ReadError> {
        if line.starts_with('#') {
            return Ok(());
        }
        if let Some(extent) = ExtentLine::parse(line, at)? {
            if self.extents.len() >= MAX_EXTENTS {
                return Err(unsupported(at, format!("more than {MAX_EXTENTS} extents")));
            }
            self.extents.push(extent);
            return Ok(());
        }
        let Some((key, value)) = line.split_once('=') else {
            return Ok(());
        };
        let value = value.trim().trim_matches('"');
        match key.trim() {
            "CID" if self.content_id.is_none() => self.content_id = Some(content_id(value, at)?),
            "parentCID" => {
                let parent = content_id(value, at)?;
                self.parent_content_id = (parent != NO_PARENT).then_some(parent);
            }
            "createType" => self.create_type = Some(value.to_owned()),
            "parentFileNameHint" => self.parent_name = Some(value.to_owned()),
            _other => {}
        }
        Ok(())
    }
}

fn content_id(value: &str, at: u64) -> Result<u32, ReadError> {
    u32::from_str_radix(value, 16).map_err(|_| {
        corrupt(
            at,
            format!("{value:?} is no content id of 8 hexadecimal digits"),
        )
    })
}

impl ExtentLine {
    /// `ACCESS SECTORS TYPE "NAME" OFFSET`; nothing for other lines.
    fn parse(line: &str, at: u64) -> Result<Option<Self>, ReadError> {
        let (head, tail) = line.split_once('"').unwrap_or((line, ""));
        let mut words = head.split_whitespace();
        let access = words.next().unwrap_or_default();
        if !matches!(access, "RW" | "RDONLY" | "NOACCESS") {
            return Ok(None);
        }
        let bad = || corrupt(at, format!("the extent {line:?} cannot be understood"));
        if access == "NOACCESS" {
            return Err(unsupported(at, "an extent without access"));
        }
        let sectors: u64 = words
            .next()
            .and_then(|word| word.parse().ok())
            .ok_or_else(bad)?;
        let kind = match words.next().ok_or_else(bad)? {
            "FLAT" | "VMFS" => ExtentKind::Flat,
            "SPARSE" => ExtentKind::Sparse,
            "VMFSSPARSE" => ExtentKind::VmfsSparse,
            "SESPARSE" => ExtentKind::SeSparse,
            "ZERO" => ExtentKind::Zero,
            other => return Err(unsupported(at, format!("an extent of type {other:?}"))),
        };
        let (name, rest) = tail.split_once('"').unwrap_or_default();
        let offset = match rest.split_whitespace().next() {
            Some(word) => word.parse().map_err(|_| bad())?,
            None => 0,
        };
        let has_name = !name.is_empty();
        if sectors.checked_mul(SECTOR).is_none() || has_name == (kind == ExtentKind::Zero) {
            return Err(bad());
        }
        Ok(Some(Self {
            at,
            sectors,
            kind,
            name: name.to_owned(),
            offset,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_names_extents_and_parent() {
        let text = b"# Disk DescriptorFile\nversion=1\nCID=dc80b6c7\nparentCID=ffffffff\r\n\
            createType=\"twoGbMaxExtentFlat\"\n# RW 1 FLAT \"no\" 0\n\
            RW 4192256 FLAT \"a name-f001.vmdk\" 0\nRDONLY 10 ZERO\n\
            ddb.adapterType = \"ide\"\n\0RW 1 FLAT \"behind\" 0\n";
        let descriptor = Descriptor::parse(text, 512).unwrap();
        assert_eq!(descriptor.content_id, Some(0xdc80_b6c7));
        assert_eq!(descriptor.parent_content_id, None);
        assert_eq!(
            descriptor.create_type.as_deref(),
            Some("twoGbMaxExtentFlat")
        );
        let [flat, zero] = &descriptor.extents[..] else {
            panic!("{descriptor:?}");
        };
        assert_eq!(
            (flat.sectors, flat.name.as_str()),
            (4_192_256, "a name-f001.vmdk")
        );
        assert_eq!(flat.at, 512 + 116);
        assert_eq!((zero.kind, zero.sectors), (ExtentKind::Zero, 10));
    }

    #[test]
    fn lines_that_cannot_be_understood_are_refused() {
        let check = |line: &str, words: &str| {
            let error = Descriptor::parse(line.as_bytes(), 0)
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{line}: {error}");
        };
        check("RW x FLAT \"a\" 0", "cannot be understood");
        check(
            "RW 99999999999999999999 FLAT \"a\" 0",
            "cannot be understood",
        );
        check(
            "RW 9999999999999999999 FLAT \"a\" 0",
            "cannot be understood",
        );
        check("RW 1 FLAT", "cannot be understood");
        check("RW 1 FLAT \"a\" x", "cannot be understood");
        check("RW 1 ZERO \"a\"", "cannot be understood");
        check("RW 1 VMFSRDM \"a\"", "an extent of type \"VMFSRDM\"");
        check("NOACCESS 1 FLAT \"a\" 0", "an extent without access");
        check("CID=xyz", "no content id");
        let many = "RW 1 ZERO\n".repeat(2049);
        check(&many, "more than 2048 extents");
    }
}

//! A file, directory or link: what records and Rock Ridge say of it together.

use super::record::Record;
use super::rock::Rock;
use super::susp::MAX_ELSEWHERE_BYTES;
use super::{Iso, corrupt};
use crate::{FileKind, FsError, Metadata};

/// A file may be longer than any volume with as many.
const MAX_PARTS: usize = 4096;

/// What a name leads to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Kind and permissions.
    mode: u16,
    modified_s: i64,
    pub(super) len: u64,
    /// Where its bytes are, in order.
    pub(super) parts: Vec<Part>,
    /// The target of a symbolic link.
    pub(super) link: Option<Vec<u8>>,
    /// Why its content is not read.
    pub(super) refused: Option<&'static str>,
}

/// Bytes that stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) block: u32,
    pub(super) len: u32,
}

impl Node {
    pub(super) fn kind(&self) -> FileKind {
        match self.mode & 0o170_000 {
            0o100_000 => FileKind::File,
            0o040_000 => FileKind::Directory,
            0o120_000 => FileKind::Symlink,
            _ => FileKind::Special,
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        let len = self.link.as_ref().map_or(self.len, |target| {
            u64::try_from(target.len()).unwrap_or(u64::MAX)
        });
        Metadata {
            kind: self.kind(),
            len,
            mode: self.mode & 0o7777,
            modified_s: self.modified_s,
        }
    }

    /// A directory by where it starts.
    pub(super) fn block(&self) -> u32 {
        self.parts.first().map_or(0, |part| part.block)
    }

    /// Adds the next part of a file.
    pub(super) fn push(&mut self, record: &Record<'_>) -> Result<(), FsError> {
        if self.parts.len() >= MAX_PARTS {
            return Err(corrupt("a file has too many parts"));
        }
        self.parts.push(Part {
            block: record.first_block(),
            len: record.len,
        });
        self.len = self.len.saturating_add(u64::from(record.len));
        Ok(())
    }
}

impl Iso {
    /// What a record stands for.
    pub(super) fn node(&self, record: &Record<'_>, rock: Rock) -> Result<Node, FsError> {
        if let Some(block) = rock.moved_to {
            return self.moved(block);
        }
        // Without Rock Ridge everybody may read everything, as Linux has it.
        let plain = if record.is_directory() {
            0o040_555
        } else {
            0o100_555
        };
        let mode = rock.mode.map(u16::try_from);
        let mode = mode.unwrap_or(Ok(plain));
        let mut node = Node {
            mode: mode.map_err(|_| corrupt("a mode has more than 16 bits"))?,
            modified_s: rock.modified_s.unwrap_or(record.modified_s),
            len: 0,
            parts: Vec::new(),
            link: None,
            refused: rock.refused,
        };
        if record.is_interleaved {
            node.refused = Some("it is interleaved");
        }
        if record.is_directory() != (node.kind() == FileKind::Directory) {
            return Err(corrupt("a record and its mode are of different kinds"));
        }
        if node.kind() == FileKind::Symlink {
            let link = rock.link.filter(|link| !link.target.is_empty());
            let link = link.ok_or_else(|| corrupt("a link leads nowhere"))?;
            node.link = Some(link.target);
        }
        node.push(record)?;
        Ok(node)
    }

    /// \[RRIP\] 4.1.5.1: a directory too deep for the format stands elsewhere; its own record says
    /// how long it is.
    fn moved(&self, block: u32) -> Result<Node, FsError> {
        let bytes = self.record_at(block)?;
        let own = own_record(&bytes)?;
        let mut rock = self.rock(own.system_use, &mut { MAX_ELSEWHERE_BYTES })?;
        rock.moved_to = None;
        self.node(&own, rock)
    }

    /// A directory's own record, which comes first in it, without Rock Ridge.
    pub(super) fn first(&self, block: u32) -> Result<Node, FsError> {
        let bytes = self.record_at(block)?;
        self.node(&own_record(&bytes)?, Rock::default())
    }

    /// As much as one record may have.
    pub(super) fn record_at(&self, block: u32) -> Result<Vec<u8>, FsError> {
        let offset = self.offset(block)?;
        let rest = self.pages.len_bytes().saturating_sub(offset).min(255);
        let mut bytes = vec![0; usize::try_from(rest).unwrap_or(0)];
        self.pages.read(offset, &mut bytes)?;
        Ok(bytes)
    }
}

/// \[ECMA-119\] 6.8.2.2: the first record of a directory is its own.
pub(super) fn own_record(bytes: &[u8]) -> Result<Record<'_>, FsError> {
    Record::parse(bytes)
        .filter(Record::is_own)
        .ok_or_else(|| corrupt("a directory does not start with its own record"))
}

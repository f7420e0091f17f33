//! The records of a directory.

use super::node::Node;
use super::record::Record;
use super::rock::Rock;
use super::susp::MAX_ELSEWHERE_BYTES;
use super::{Iso, IsoNames, corrupt, name, unsupported};
use crate::FsError;

/// Thirty thousand files or more, which no medium keeps in one folder.
const MAX_DIRECTORY_BYTES: u32 = 4 << 20;

/// A file whose parts are being collected.
struct Open<'b> {
    identifier: &'b [u8],
    name: Vec<u8>,
    node: Node,
}

impl Iso {
    /// Gives each name to `visit` until that is content.
    pub(super) fn each_name(
        &self,
        directory: &Node,
        mut visit: impl FnMut(Vec<u8>, Node) -> Visit,
    ) -> Result<(), FsError> {
        let bytes = self.directory_bytes(directory)?;
        let mut left = MAX_ELSEWHERE_BYTES;
        let mut open: Option<Open<'_>> = None;
        for record in Records::new(&bytes, self.block_bytes) {
            let record = record?;
            let mut file = match open.take() {
                None => match self.start(&record, &mut left)? {
                    Some(file) => file,
                    None => continue,
                },
                Some(mut file) if file.identifier == record.identifier => {
                    file.node.push(&record)?;
                    file
                }
                Some(_) => return Err(corrupt("a file does not go on in the next record")),
            };
            if record.is_interleaved {
                file.node.refused = Some("it is interleaved");
            }
            if record.continues() {
                open = Some(file);
            } else if visit(file.name, file.node) == Visit::Enough {
                return Ok(());
            }
        }
        match open {
            None => Ok(()),
            Some(_) => Err(corrupt("a file does not go on in the next record")),
        }
    }

    /// A record as a file of one part; none if Linux does not show it.
    fn start<'b>(&self, record: &Record<'b>, left: &mut u32) -> Result<Option<Open<'b>>, FsError> {
        if record.is_associated() {
            return Ok(None);
        }
        let mut rock = match self.names {
            IsoNames::RockRidge => self.rock(record.system_use, left)?,
            IsoNames::Joliet | IsoNames::Plain => Rock::default(),
        };
        if rock.is_moved {
            return Ok(None);
        }
        let own = rock.name.take();
        let name = own.unwrap_or_else(|| name::shown(record.identifier, self.names));
        if matches!(name.as_slice(), b"" | b"." | b"..")
            || name.iter().any(|byte| b"/\0".contains(byte))
        {
            return Err(corrupt("a name is not allowed"));
        }
        Ok(Some(Open {
            identifier: record.identifier,
            name,
            node: self.node(record, rock)?,
        }))
    }

    fn directory_bytes(&self, directory: &Node) -> Result<Vec<u8>, FsError> {
        let [part] = directory.parts.as_slice() else {
            return Err(corrupt("a directory has several parts"));
        };
        if part.len > MAX_DIRECTORY_BYTES {
            return Err(unsupported("a directory of more than 4 MiB"));
        }
        let offset = self.offset(part.block)?;
        let end = offset.saturating_add(u64::from(part.len));
        if end > self.pages.len_bytes() {
            return Err(corrupt("a directory goes past the volume"));
        }
        let mut bytes = vec![0; usize::try_from(part.len).unwrap_or(0)];
        self.pages.read(offset, &mut bytes)?;
        Ok(bytes)
    }
}

/// Whether more names are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    More,
    Enough,
}

/// The records behind the first two, which every directory has.
struct Records<'b> {
    bytes: &'b [u8],
    at: usize,
    block_bytes: usize,
    count: u32,
}

impl<'b> Records<'b> {
    fn new(bytes: &'b [u8], block_bytes: u64) -> Self {
        Self {
            bytes,
            at: 0,
            block_bytes: usize::try_from(block_bytes).unwrap_or(2048),
            count: 0,
        }
    }

    /// The next record, whichever it is. \[ECMA-119\] 6.8.1.1: none crosses the border of a sector;
    /// zeros lead up to it.
    fn following(&mut self) -> Result<Option<Record<'b>>, FsError> {
        while let Some(rest) = self.bytes.get(self.at..) {
            match rest.first() {
                None => break,
                Some(0) => {
                    let next = self.at.saturating_add(1);
                    self.at = next.next_multiple_of(self.block_bytes);
                }
                Some(&len) => {
                    self.at = self.at.saturating_add(usize::from(len));
                    self.count = self.count.saturating_add(1);
                    let record = Record::parse(rest);
                    return record
                        .ok_or_else(|| corrupt("a record does not fit into its directory"))
                        .map(Some);
                }
            }
        }
        Ok(None)
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = Result<Record<'b>, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.following().transpose()? {
                Ok(record) => record,
                Err(error) => {
                    self.at = self.bytes.len();
                    return Some(Err(error));
                }
            };
            if !record.is_own() && !record.is_parent() {
                return Some(Ok(record));
            }
            if self.count > 2 {
                self.at = self.bytes.len();
                return Some(Err(corrupt("a directory is in itself")));
            }
        }
    }
}

//! One cpio archive after another in one stream, as `init/initramfs.c` takes them.

use std::collections::HashMap;
use std::io::{self, Read};

use crate::entry::{EntryKind, kind_of};
use crate::field::{len_u64, text_until_nul};
use crate::header::{HEADER_BYTES, Header};
use crate::segment::Visitor;
use crate::unpacked::{ArchiveError, Unpacked};
use crate::{Entry, Limit, Rule};

/// The name that ends an archive.
const TRAILER: &str = "TRAILER!!!";
/// How much may be remembered of the names of hard-linked files.
const HARD_LINK_BYTES: u64 = 8 << 20;

/// Where a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Behind a trailer.
    Trailer,
    /// At the end of the stream, which needs no trailer.
    Stream,
    /// At something that is not cpio.
    Foreign,
    /// The visitor has seen enough.
    Stopped,
}

/// A walk through the archives of one stream.
pub(crate) struct Archive<'s> {
    stream: Unpacked<'s>,
    segment: u32,
    entries: u64,
    links: Links,
}

impl<'s> Archive<'s> {
    pub(crate) fn new(stream: Unpacked<'s>, segment: u32) -> Self {
        Self {
            stream,
            segment,
            entries: 0,
            links: Links::default(),
        }
    }

    /// How many entries were there.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    pub(crate) fn stream(&mut self) -> &mut Unpacked<'s> {
        &mut self.stream
    }

    /// Visits entries up to the end of this archive.
    pub(crate) fn walk(&mut self, visit: &mut Visitor<'_>) -> Result<End, ArchiveError> {
        loop {
            match self.stream.skip_zeros()? {
                None => return Ok(End::Stream),
                Some(b'0') => {}
                Some(_) => return Ok(End::Foreign),
            }
            if !self.stream.position().is_multiple_of(4) {
                return Err(self.stream.corrupt(Rule::Unaligned));
            }
            if let Some(end) = self.entry(visit)? {
                return Ok(end);
            }
        }
    }

    fn entry(&mut self, visit: &mut Visitor<'_>) -> Result<Option<End>, ArchiveError> {
        let header = self.header()?;
        let name = self.name(&header)?;
        if name == TRAILER {
            self.skip_data(&header)?;
            self.links = Links::default();
            return Ok(Some(End::Trailer));
        }
        self.stream.count_entry()?;
        self.entries = self.entries.saturating_add(1);
        let kind = kind_of(header.mode);
        let carries_data = matches!(kind, EntryKind::File | EntryKind::Symlink);
        if header.filesize > 0 && !carries_data {
            // The kernel passes over such an entry altogether.
            self.skip_data(&header)?;
            return Ok(None);
        }
        let mut entry = Entry::new(relative(&name).to_owned(), &header, self.segment);
        if kind == EntryKind::Symlink {
            entry.link_target = Some(self.link_target(&header)?);
        } else if kind != EntryKind::Directory && header.nlink >= 2 {
            let first = self.links.remember(&header, &entry.name);
            entry.hard_link_to = first.map_err(|limit| self.stream.limit(limit))?;
        }
        self.visit(&entry, &header, visit)
    }

    fn visit(
        &mut self,
        entry: &Entry,
        header: &Header,
        visit: &mut Visitor<'_>,
    ) -> Result<Option<End>, ArchiveError> {
        let left = if entry.link_target.is_some() {
            0
        } else {
            entry.size
        };
        let summing = header.has_checksum && left > 0;
        let mut data = Data {
            stream: &mut self.stream,
            left,
            summing,
            sum: 0,
            failure: None,
        };
        let answer = visit(entry, &mut data);
        if let Some(failure) = data.failure {
            return Err(failure);
        }
        if answer.is_break() {
            return Ok(Some(End::Stopped));
        }
        data.drain()?;
        if summing && data.sum != header.chksum {
            let (expected, found) = (header.chksum, data.sum);
            let rule = Rule::Checksum {
                name: entry.name.clone(),
                expected,
                found,
            };
            return Err(self.stream.corrupt(rule));
        }
        self.stream.align()?;
        Ok(None)
    }

    fn header(&mut self) -> Result<Header, ArchiveError> {
        let offset = self.stream.position();
        let bytes = self.stream.read(HEADER_BYTES, "a header")?;
        let bytes = bytes.first_chunk().expect("that many bytes were asked for");
        Header::parse(bytes).map_err(|rule| ArchiveError::Corrupt { offset, rule })
    }

    fn name(&mut self, header: &Header) -> Result<String, ArchiveError> {
        let length = self.text_length(header.namesize)?;
        if length == 0 {
            return Err(self.stream.corrupt(Rule::EmptyName));
        }
        let bytes = self.stream.read(length, "a name")?;
        if bytes.last() != Some(&0) {
            return Err(self.stream.corrupt(Rule::NameNotTerminated));
        }
        self.stream.align()?;
        Ok(text_until_nul(&bytes))
    }

    fn link_target(&mut self, header: &Header) -> Result<String, ArchiveError> {
        let length = self.text_length(header.filesize)?;
        let target = text_until_nul(&self.stream.read(length, "the target of a link")?);
        self.stream.align()?;
        Ok(target)
    }

    fn text_length(&self, length: u32) -> Result<usize, ArchiveError> {
        let limit = self.stream.limits().name_bytes;
        if length > limit {
            return Err(self.stream.limit(Limit::NameBytes(limit)));
        }
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn skip_data(&mut self, header: &Header) -> Result<(), ArchiveError> {
        let left = u64::from(header.filesize);
        Data {
            stream: &mut self.stream,
            left,
            summing: false,
            sum: 0,
            failure: None,
        }
        .drain()?;
        self.stream.align()
    }
}

/// The name as seen from the root.
fn relative(name: &str) -> &str {
    let mut rest = name;
    while let Some(shorter) = rest.strip_prefix("./").or_else(|| rest.strip_prefix('/')) {
        rest = shorter;
    }
    if rest.is_empty() { "." } else { rest }
}

/// First names of files with several, until the archive ends.
#[derive(Default)]
struct Links {
    first_names: HashMap<(u32, u32, u32, EntryKind), String>,
    bytes: u64,
}

impl Links {
    /// The first name of the file, if `name` is a further one.
    fn remember(&mut self, header: &Header, name: &str) -> Result<Option<String>, Limit> {
        let key = (header.maj, header.min, header.ino, kind_of(header.mode));
        if let Some(first) = self.first_names.get(&key) {
            return Ok(Some(first.clone()));
        }
        // What a map's slot takes besides the name, roughly.
        self.bytes = self
            .bytes
            .saturating_add(64)
            .saturating_add(len_u64(name.len()));
        if self.bytes > HARD_LINK_BYTES {
            return Err(Limit::HardLinkBytes(HARD_LINK_BYTES));
        }
        self.first_names.insert(key, name.to_owned());
        Ok(None)
    }
}

/// The data of one entry.
struct Data<'d, 's> {
    stream: &'d mut Unpacked<'s>,
    left: u64,
    summing: bool,
    sum: u32,
    failure: Option<ArchiveError>,
}

impl Data<'_, '_> {
    fn step(&mut self, most: usize, take: impl FnOnce(&[u8])) -> Result<usize, ArchiveError> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        if most == 0 {
            return Ok(0);
        }
        let (summing, sum) = (self.summing, &mut self.sum);
        let length = self.stream.step(most, |part| {
            if summing {
                let add = |sum: u32, &byte: &u8| sum.wrapping_add(u32::from(byte));
                *sum = part.iter().fold(*sum, add);
            }
            take(part);
        })?;
        if length == 0 {
            return Err(self.stream.corrupt(Rule::Truncated {
                part: "a file's data",
            }));
        }
        self.left = self.left.saturating_sub(len_u64(length));
        Ok(length)
    }

    fn drain(&mut self) -> Result<(), ArchiveError> {
        while self.left > 0 {
            self.step(usize::MAX, |_| ())?;
        }
        Ok(())
    }
}

impl Read for Data<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wanted = buf.len();
        let step = match self.failure {
            None => self.step(wanted, |part| {
                if let Some(target) = buf.get_mut(..part.len()) {
                    target.copy_from_slice(part);
                }
            }),
            Some(_) => Ok(0),
        };
        match step {
            Ok(length) if self.failure.is_none() => Ok(length),
            Ok(_) => Err(cannot_go_on()),
            Err(failure) => {
                self.failure = Some(failure);
                Err(cannot_go_on())
            }
        }
    }
}

/// What the visitor is told; the walk itself returns the cause.
fn cannot_go_on() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the initramfs cannot be read further",
    )
}

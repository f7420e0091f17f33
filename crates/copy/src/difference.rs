//! Where one image differs from another: from the maps as far as they tell it, from the bytes where
//! they do not.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use detente_block::{BlockRead, ReadError};
use detente_disk::{FileIndex, Image, ImageFile, MapExtent, Mapped, Place, Stack};

use crate::batch::is_zero;
use crate::progress::Watch;
use crate::{ConvertError, Zeroes};

/// How much of each image is read at a time.
const READ: u64 = 1 << 20;

/// What a stretch is, next to the base's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The base holds it.
    Same,
    /// It is zero, and the base is not.
    Zero,
    /// The base holds something else.
    Data,
}

/// A stretch of whole units; the last one ends with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) verdict: Verdict,
}

/// What the maps tell of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Both have the same bytes; perhaps it is known that they are zero.
    Same { zero: bool },
    /// The image is zero, the base may not be.
    Zero,
    /// The base is zero, the image is taken for something else.
    Data,
    /// Nothing: the bytes have to be compared.
    Nothing,
}

/// Goes through both images from the start to the end. Bounded memory: a buffer of 1 MiB for each.
pub(crate) struct Difference<'a> {
    image: Cursor<'a>,
    base: Cursor<'a>,
    /// For each file of the image which file of the base it is.
    twins: Vec<Option<FileIndex>>,
    /// Whether zeroes are looked for where the base has none.
    zeroes: Zeroes,
    /// A unit that differs anywhere differs as a whole.
    unit: u64,
    end: u64,
    next: u64,
    /// From where on both buffers hold the images' bytes.
    read_at: u64,
    pending: Option<Run>,
    watch: &'a Watch<'a>,
}

impl<'a> Difference<'a> {
    /// Compares the first `end` bytes; what an image does not have of them is zero.
    pub(crate) fn new(
        (image, base): (&'a Image, &'a Image),
        (unit, end): (u64, u64),
        zeroes: Zeroes,
        watch: &'a Watch<'a>,
    ) -> Self {
        Self {
            image: Cursor::new(image),
            base: Cursor::new(base),
            twins: twins(&image.stack, &base.stack),
            zeroes,
            unit: unit.max(1),
            end,
            next: 0,
            read_at: 0,
            pending: None,
            watch,
        }
    }

    /// The next units that are alike as far as the maps tell it, or one whose bytes were looked at.
    fn look(&mut self) -> Result<Run, ConvertError> {
        self.watch.check()?;
        let offset = self.next;
        let (told, len) = self.told(offset)?;
        let whole = match offset.saturating_add(len) >= self.end {
            true => len,
            false => len - len % self.unit,
        };
        let run = |len, verdict| Run {
            offset,
            len,
            verdict,
        };
        let run = match told {
            Told::Same { .. } if whole > 0 => run(whole, Verdict::Same),
            Told::Zero if whole > 0 => run(whole, Verdict::Zero),
            Told::Data if whole > 0 => run(whole, Verdict::Data),
            Told::Same { .. } | Told::Zero | Told::Data | Told::Nothing => {
                let len = self.unit.min(self.end.saturating_sub(offset));
                run(len, self.judge(offset, len)?)
            }
        };
        match (run.verdict, told) {
            // Nothing of it is moved, so nobody else counts it.
            (Verdict::Same, Told::Same { zero: false } | Told::Nothing | Told::Data)
            | (Verdict::Zero, Told::Nothing) => self.watch.add(run.len),
            (Verdict::Same | Verdict::Zero | Verdict::Data, _) => {}
        }
        Ok(run)
    }

    /// What the maps tell of `offset`, and up to where.
    fn told(&mut self, offset: u64) -> Result<(Told, u64), ConvertError> {
        let rest = self.end.saturating_sub(offset);
        let ours = self.image.extent(offset).map_err(ConvertError::Source)?;
        let below = self.base.extent(offset).map_err(ConvertError::Base)?;
        let len = rest.min(ours.len).min(below.len);
        let told = match (is_hole(ours.place), is_hole(below.place)) {
            (true, true) => Told::Same { zero: true },
            (true, false) => Told::Zero,
            (false, true) if self.zeroes == Zeroes::AsMapped => Told::Data,
            (false, _) if self.is_same_place(ours.place, below.place) => Told::Same { zero: false },
            (false, _) => Told::Nothing,
        };
        Ok((told, len))
    }

    fn is_same_place(&self, ours: Place, below: Place) -> bool {
        let twin = |file: FileIndex| self.twins.get(file.0).copied().flatten();
        match (ours, below) {
            (
                Place::File { file, offset },
                Place::File {
                    file: other,
                    offset: theirs,
                },
            ) => twin(file) == Some(other) && offset == theirs,
            (
                Place::Compressed { file, offset, len },
                Place::Compressed {
                    file: other,
                    offset: theirs,
                    len: their_len,
                },
            ) => twin(file) == Some(other) && (offset, len) == (theirs, their_len),
            (Place::File { .. } | Place::Compressed { .. }, _)
            | (Place::Zero { .. } | Place::Unallocated, _) => false,
        }
    }

    /// Looks into a unit, which may be larger than what is read at a time.
    fn judge(&mut self, start: u64, len: u64) -> Result<Verdict, ConvertError> {
        let (mut at, end) = (start, start.saturating_add(len));
        let (mut same, mut zero) = (true, true);
        while at < end && (same || zero) {
            let (told, known) = self.told(at)?;
            let mut len = known.min(end.saturating_sub(at));
            match told {
                Told::Same { zero: is_zero } => zero &= is_zero,
                Told::Zero => same = false,
                Told::Data => (same, zero) = (false, false),
                Told::Nothing => {
                    let (ours, theirs) = self.bytes(at, known)?;
                    let most = usize::try_from(len).map_or(ours.len(), |len| len.min(ours.len()));
                    let ours = ours.get(..most).expect("no longer than it is");
                    let theirs = theirs.get(..most).expect("both are equally long");
                    same &= ours == theirs;
                    zero &= is_zero(ours);
                    len = most as u64;
                }
            }
            at = at.saturating_add(len);
        }
        Ok(match (same, zero) {
            (true, _) => Verdict::Same,
            (false, true) => Verdict::Zero,
            (false, false) => Verdict::Data,
        })
    }

    /// The bytes of both from `offset` on, `most` of them at most, and never none.
    fn bytes(&mut self, offset: u64, most: u64) -> Result<(&[u8], &[u8]), ConvertError> {
        let held = self.image.buffer.len() as u64;
        let is_held = offset >= self.read_at && offset < self.read_at.saturating_add(held);
        if !is_held {
            let len = usize::try_from(most.min(READ)).expect("a mebibyte fits into memory");
            let read = self.image.fill(offset, len);
            read.map_err(ConvertError::Source)?;
            let read = self.base.fill(offset, len);
            read.map_err(ConvertError::Base)?;
            self.read_at = offset;
        }
        let skip = usize::try_from(offset.saturating_sub(self.read_at)).expect("it is held");
        let (ours, theirs) = (self.image.buffer.get(skip..), self.base.buffer.get(skip..));
        Ok((ours.unwrap_or_default(), theirs.unwrap_or_default()))
    }
}

impl Iterator for Difference<'_> {
    type Item = Result<Run, ConvertError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.end {
            let run = match self.look() {
                Ok(run) => run,
                Err(error) => {
                    self.next = self.end;
                    self.pending = None;
                    return Some(Err(error));
                }
            };
            self.next = run.offset.saturating_add(run.len);
            match &mut self.pending {
                Some(last) if last.verdict == run.verdict => {
                    last.len = last.len.saturating_add(run.len);
                }
                Some(last) => return Some(Ok(std::mem::replace(last, run))),
                None => self.pending = Some(run),
            }
        }
        self.pending.take().map(Ok)
    }
}

/// A place in one of the images.
struct Cursor<'a> {
    image: &'a Image,
    /// What the map said last.
    known: Option<MapExtent>,
    buffer: Vec<u8>,
}

impl<'a> Cursor<'a> {
    fn new(image: &'a Image) -> Self {
        Self {
            image,
            known: None,
            buffer: Vec::new(),
        }
    }

    /// What lies at `offset` and behind.
    fn extent(&mut self, offset: u64) -> Result<MapExtent, ReadError> {
        if let Some(rest) = self.known.and_then(|known| rest_of(known, offset)) {
            return Ok(rest);
        }
        let size = self.image.stack.len_bytes();
        let extent = match size.checked_sub(offset) {
            Some(rest @ 1..) => self.image.stack.map_extent(offset, rest)?,
            Some(0) | None => MapExtent {
                offset,
                len: u64::MAX - offset,
                depth: 0,
                place: Place::Unallocated,
            },
        };
        self.known = Some(extent);
        Ok(extent)
    }

    /// Reads what lies there; zeroes behind the end.
    fn fill(&mut self, offset: u64, len: usize) -> Result<(), ReadError> {
        let rest = self.image.stack.len_bytes().saturating_sub(offset);
        let inside = usize::try_from(rest).map_or(len, |rest| rest.min(len));
        self.buffer.clear();
        self.buffer.resize(inside, 0);
        if inside > 0 {
            let reader = &self.image.reader;
            reader.read_exact_at(offset, &mut self.buffer)?;
        }
        self.buffer.resize(len, 0);
        Ok(())
    }
}

/// What an extent says of `offset` and behind; none if that lies outside.
fn rest_of(extent: MapExtent, offset: u64) -> Option<MapExtent> {
    let skip = offset.checked_sub(extent.offset)?;
    let len = extent.len.checked_sub(skip).filter(|len| *len > 0)?;
    let place = match extent.place {
        Place::File { file, offset } => Place::File {
            file,
            offset: offset.saturating_add(skip),
        },
        // The whole cluster's place, wherever one looks.
        place @ (Place::Compressed { .. } | Place::Zero { .. } | Place::Unallocated) => place,
    };
    Some(MapExtent {
        offset,
        len,
        place,
        ..extent
    })
}

fn is_hole(place: Place) -> bool {
    match place {
        Place::Zero { .. } | Place::Unallocated => true,
        Place::File { .. } | Place::Compressed { .. } => false,
    }
}

/// For each file of the one which file of the other it is.
fn twins(ours: &Stack, theirs: &Stack) -> Vec<Option<FileIndex>> {
    let twin = |file: &ImageFile| {
        let found = theirs.files().iter().position(|their| is_same(file, their));
        found.map(FileIndex)
    };
    ours.files().iter().map(twin).collect()
}

fn is_same(ours: &ImageFile, theirs: &ImageFile) -> bool {
    match (ours.reader.host_file(), theirs.reader.host_file()) {
        (Some(ours), Some(theirs)) => match (number(ours), number(theirs)) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (Some(_) | None, _) => false,
        },
        (Some(_) | None, _) => Arc::ptr_eq(&ours.reader, &theirs.reader),
    }
}

/// What tells a file from all others.
fn number(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

//! Segments: archives and compressed streams, one after another.

use std::io::{self, Read};
use std::ops::ControlFlow;

use crate::archive::{Archive, End};
use crate::compression::{MAGIC_BYTES, Unknown};
use crate::decoder;
use crate::input::Input;
use crate::unpacked::{ArchiveError, Budget, Unpacked};
use crate::{Compression, Entry, InitramfsError, Limit, Limits, Offset, Rule};

/// What is called for every entry, with its data, which it may read or ignore.
pub type Visitor<'a> = dyn FnMut(&Entry, &mut dyn Read) -> ControlFlow<()> + 'a;

/// One archive, or one compressed stream of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Where it starts in the initramfs.
    pub offset: u64,
    /// How it is stored.
    pub compression: Compression,
    /// How many entries it has, trailers aside.
    pub entries: u64,
    /// How long it is unpacked, with padding that follows in the same stream.
    pub unpacked_bytes: u64,
}

/// Calls `visit` for every entry of every segment, in order. `bytes` may be a slice, a
/// [`BlockReader`](crate::BlockReader) or any other reader; it is read once, forwards.
///
/// The walk ends early, without an error, when the visitor breaks: then the last segment is
/// counted as far as it was seen. Like the kernel, it does not need trailers; unlike the kernel, it
/// treats an entry that is cut short as an error.
///
/// # Errors
/// [`InitramfsError`]; entries before the damage have been visited.
pub fn walk(
    mut bytes: impl Read,
    limits: &Limits,
    visit: &mut Visitor<'_>,
) -> Result<Vec<SegmentInfo>, InitramfsError> {
    let mut walk = Walk::new(&mut bytes, limits);
    while let Some((offset, compression)) = walk.next()? {
        if walk.segment(offset, compression, visit)? == End::Stopped {
            break;
        }
    }
    Ok(walk.segments)
}

/// Finds where segments start, and how they are stored, without unpacking: plain archives are
/// passed over, and the first compressed segment is the last that is found.
///
/// # Errors
/// [`InitramfsError`], also for damage in a plain archive.
pub fn probe(
    mut bytes: impl Read,
    limits: &Limits,
) -> Result<Vec<(u64, Compression)>, InitramfsError> {
    let mut walk = Walk::new(&mut bytes, limits);
    let mut found = Vec::new();
    while let Some((offset, compression)) = walk.next()? {
        found.push((offset, compression));
        if compression != Compression::None {
            break;
        }
        walk.segment(offset, compression, &mut |_, _| ControlFlow::Continue(()))?;
    }
    Ok(found)
}

struct Walk<'a> {
    input: Input<'a>,
    budget: Budget,
    segments: Vec<SegmentInfo>,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a mut dyn Read, limits: &Limits) -> Self {
        Self {
            input: Input::new(bytes),
            budget: Budget::new(*limits),
            segments: Vec::new(),
        }
    }

    fn number(&self) -> u32 {
        u32::try_from(self.segments.len()).unwrap_or(u32::MAX)
    }

    /// Where the next segment starts, and how it is stored.
    fn next(&mut self) -> Result<Option<(u64, Compression)>, InitramfsError> {
        let magic = match self.magic() {
            Ok(magic) => magic,
            Err(source) => {
                let source = self.input.take_failure().unwrap_or(source);
                return Err(InitramfsError::Io {
                    offset: self.input.offset(),
                    source,
                });
            }
        };
        if magic.is_empty() {
            return Ok(None);
        }
        let (segment, offset) = (self.number(), self.input.offset());
        let most = self.budget.limits().segments;
        if segment >= most {
            let (offset, limit) = (Offset::File(offset), Limit::Segments(most));
            return Err(InitramfsError::LimitExceeded {
                segment,
                offset,
                limit,
            });
        }
        match Compression::detect(&magic) {
            Ok(compression) => Ok(Some((offset, compression))),
            Err(Unknown::Unsupported(feature)) => Err(InitramfsError::Unsupported {
                segment,
                offset,
                feature,
            }),
            Err(Unknown::Corrupt(rule)) => Err(InitramfsError::Corrupt {
                segment,
                offset: Offset::File(offset),
                rule,
            }),
        }
    }

    fn magic(&mut self) -> io::Result<Vec<u8>> {
        self.input.skip_zeros()?;
        Ok(self.input.peek(MAGIC_BYTES)?.to_vec())
    }

    fn segment(
        &mut self,
        offset: u64,
        compression: Compression,
        visit: &mut Visitor<'_>,
    ) -> Result<End, InitramfsError> {
        let segment = self.number();
        let (input, budget) = (&mut self.input, &mut self.budget);
        let walked = if compression == Compression::None {
            let mut archive = Archive::new(Unpacked::new(input, offset, budget), segment);
            archive
                .walk(visit)
                .map(|end| (end, counts(&mut archive, offset)))
        } else {
            unpack(compression, input, budget, segment, visit)
        };
        let (end, (entries, unpacked_bytes)) =
            walked.map_err(|error| self.blame(error, offset, compression))?;
        self.segments.push(SegmentInfo {
            offset,
            compression,
            entries,
            unpacked_bytes,
        });
        Ok(end)
    }

    /// Tells the storage's failure from the decoder's from the archive's.
    fn blame(
        &mut self,
        error: ArchiveError,
        start: u64,
        compression: Compression,
    ) -> InitramfsError {
        let (segment, reached) = (self.number(), self.input.offset());
        let memory = decoder::memory(self.budget.limits());
        if let Some(source) = self.input.take_failure() {
            return InitramfsError::Io {
                offset: reached,
                source,
            };
        }
        let place = |offset| match compression {
            Compression::None => Offset::File(offset),
            Compression::Gzip
            | Compression::Xz
            | Compression::Zstd
            | Compression::Lz4
            | Compression::Lzma
            | Compression::Bzip2
            | Compression::Lzo => Offset::Unpacked(offset),
        };
        let too_much = |offset, limit| InitramfsError::LimitExceeded {
            segment,
            offset,
            limit,
        };
        let (offset, rule) = match error {
            ArchiveError::Corrupt { offset, rule } => (place(offset), rule),
            ArchiveError::Limit { offset, limit } => return too_much(place(offset), limit),
            ArchiveError::DecoderMemory => {
                return too_much(Offset::File(start), Limit::DecoderMemory(memory));
            }
            ArchiveError::Read(error) => match decoder::limit_met(&error, memory) {
                Some(limit) => return too_much(Offset::File(start), limit),
                None => (Offset::File(reached), self.damage(compression, &error)),
            },
        };
        InitramfsError::Corrupt {
            segment,
            offset,
            rule,
        }
    }

    fn damage(&self, compression: Compression, error: &io::Error) -> Rule {
        if self.input.starved() {
            Rule::StreamTruncated { compression }
        } else {
            Rule::StreamDamaged {
                compression,
                detail: error.to_string(),
            }
        }
    }
}

/// Entries and unpacked bytes since `start`.
fn counts(archive: &mut Archive<'_>, start: u64) -> (u64, u64) {
    (
        archive.entries(),
        archive.stream().position().saturating_sub(start),
    )
}

fn unpack(
    compression: Compression,
    input: &mut Input<'_>,
    budget: &mut Budget,
    segment: u32,
    visit: &mut Visitor<'_>,
) -> Result<(End, (u64, u64)), ArchiveError> {
    let mut decoder = decoder::open(compression, input, decoder::memory(budget.limits()))?;
    let mut archive = Archive::new(Unpacked::new(&mut decoder, 0, budget), segment);
    loop {
        match archive.walk(visit)? {
            End::Trailer => {}
            end @ (End::Stream | End::Stopped) => return Ok((end, counts(&mut archive, 0))),
            End::Foreign => {
                let stream = archive.stream();
                let there = stream.fill()?;
                let found = there.get(..MAGIC_BYTES).unwrap_or(there).to_vec();
                return Err(stream.corrupt(Rule::Junk { found }));
            }
        }
    }
}

//! One extent of a disk: a stretch of the guest's view, and the file that holds it.

use std::sync::Arc;

use detente_block::{BlockRead, ExtentKind, ReadError};

use super::grains::Grains;
use super::packed::MARKER_BYTES;
use super::shape::Grain;
use crate::layer::{LayerPlace, LayerSpan};

/// One extent.
pub(super) struct Extent {
    /// Where it starts in the guest's view.
    pub(super) start: u64,
    pub(super) len: u64,
    /// The file's name for errors; none if it is the image itself.
    pub(super) name: Option<String>,
    /// Which of the layer's files it is.
    pub(super) file: usize,
    pub(super) content: Content,
}

/// What an extent is made of.
pub(super) enum Content {
    /// The guest's bytes as they are, from an offset on.
    Flat {
        reader: Arc<dyn BlockRead>,
        offset: u64,
    },
    Sparse(Box<Grains>),
    Zero,
}

impl Extent {
    /// What lies `into` bytes from its start.
    pub(super) fn span(&self, into: u64, most: u64, holes: Holes) -> Result<LayerSpan, ReadError> {
        let span = match &self.content {
            Content::Zero => Ok(LayerSpan {
                len: most,
                place: LayerPlace::Zero { room: None },
            }),
            Content::Flat { reader, offset } => {
                self.flat(&**reader, offset.saturating_add(into), most, holes)
            }
            Content::Sparse(grains) => self.sparse(grains, into, most),
        };
        let span = span.map_err(|error| self.named(error))?;
        Ok(LayerSpan {
            len: span.len.min(self.len.saturating_sub(into)),
            place: span.place,
        })
    }

    fn flat(
        &self,
        reader: &dyn BlockRead,
        at: u64,
        most: u64,
        holes: Holes,
    ) -> Result<LayerSpan, ReadError> {
        let file = self.file;
        let data = LayerPlace::File { file, offset: at };
        match holes {
            Holes::Ignore => Ok(LayerSpan {
                len: most,
                place: data,
            }),
            Holes::Find => {
                let extent = reader.next_extent(at)?;
                let place = match extent.kind {
                    ExtentKind::Data => data,
                    ExtentKind::Zero => LayerPlace::Zero {
                        room: Some((file, at)),
                    },
                };
                Ok(LayerSpan {
                    len: extent.len,
                    place,
                })
            }
        }
    }

    fn sparse(&self, grains: &Grains, into: u64, most: u64) -> Result<LayerSpan, ReadError> {
        let (grain, len) = grains.run(into, most)?;
        let file = self.file;
        let place = match grain {
            Grain::Absent => LayerPlace::Below,
            Grain::Zero => LayerPlace::Zero { room: None },
            Grain::At(offset) => LayerPlace::File { file, offset },
            Grain::Packed(marker) => {
                let offset = marker.saturating_add(MARKER_BYTES);
                let rest = grains.file.len_bytes().saturating_sub(offset);
                LayerPlace::Compressed {
                    file,
                    offset,
                    len: rest.min(grains.packed_limit()),
                }
            }
        };
        Ok(LayerSpan { len, place })
    }

    /// Fills `part` from a compressed grain.
    pub(super) fn read_packed(&self, into: u64, part: &mut [u8]) -> Result<(), ReadError> {
        let Content::Sparse(grains) = &self.content else {
            return Err(self.changed(into));
        };
        let (number, skip) = grains.grain_of(into);
        match grains.run(into, 1).map_err(|error| self.named(error))?.0 {
            Grain::Packed(at) => grains
                .fill_packed(number, at, skip, part)
                .map_err(|error| self.named(error)),
            Grain::Absent | Grain::Zero | Grain::At(_) => Err(self.changed(into)),
        }
    }

    /// Another process may be writing to the file.
    fn changed(&self, into: u64) -> ReadError {
        self.named(super::corrupt(
            into,
            "a compressed grain changed while the image was read",
        ))
    }

    /// Says which file the error is about, if it is not the one that was opened.
    fn named(&self, error: ReadError) -> ReadError {
        match &self.name {
            Some(name) => in_extent(error, name),
            None => error,
        }
    }
}

/// Whether holes of flat files are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holes {
    Find,
    Ignore,
}

/// The error with an extent's name in its words.
pub(super) fn in_extent(error: ReadError, name: &str) -> ReadError {
    let named = |words: &str| format!("{words} (in the extent {name})");
    match error {
        ReadError::Corrupt { offset, rule } => super::corrupt(offset, named(&rule)),
        ReadError::Unsupported { offset, what } => super::unsupported(offset, named(&what)),
        other => other,
    }
}

//! The guest's view: layers on top of each other.

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};

use crate::field::to_u64;
use crate::layer::{LayerMap, LayerPlace};
use crate::layer_name::LayerName;
use crate::map::{FileIndex, ImageFile, MapExtent, Mapped, Place};

/// How many stretches [`BlockRead::next_extent`] joins at most.
const MAX_JOINED: u32 = 64;

/// Layers on top of each other, the top one first. Read by many threads at once.
pub struct Stack {
    layers: Vec<StackLayer>,
    files: Vec<ImageFile>,
    size: u64,
}

/// What a place is looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Map,
    Read,
}

struct StackLayer {
    map: Box<dyn LayerMap>,
    name: LayerName,
    /// Where its own files stand among all.
    first_file: usize,
}

impl Stack {
    /// A stack of one layer.
    pub(crate) fn new(map: Box<dyn LayerMap>, files: Vec<ImageFile>, name: LayerName) -> Self {
        let size = map.virtual_size();
        let top = StackLayer {
            map,
            name,
            first_file: 0,
        };
        Self {
            layers: vec![top],
            files,
            size,
        }
    }

    /// Puts one more layer below all others.
    pub(crate) fn rest_on(
        &mut self,
        map: Box<dyn LayerMap>,
        files: Vec<ImageFile>,
        name: LayerName,
    ) {
        let first_file = self.files.len();
        self.files.extend(files);
        self.layers.push(StackLayer {
            map,
            name,
            first_file,
        });
    }

    fn inside(&self, offset: u64, wanted: u64) -> Result<(), ReadError> {
        match offset.checked_add(wanted) {
            Some(last) if last <= self.size => Ok(()),
            Some(_) | None => Err(ReadError::PastEnd {
                offset,
                wanted,
                end: self.size,
            }),
        }
    }

    /// What lies at `offset`, which is inside, up to `most` bytes.
    fn resolve(&self, offset: u64, most: u64, purpose: Purpose) -> Result<MapExtent, ReadError> {
        let mut len = most.min(self.size.saturating_sub(offset));
        let mut depth = 0;
        for (index, layer) in self.layers.iter().enumerate() {
            // Below a layer that is shorter than the one above there is nothing.
            let Some(room @ 1..) = layer.map.virtual_size().checked_sub(offset) else {
                break;
            };
            depth = index;
            let span = match purpose {
                Purpose::Map => layer.map.span(offset, len.min(room)),
                Purpose::Read => layer.map.span_to_read(offset, len.min(room)),
            };
            let span = span.map_err(|error| layer.name.on(error))?;
            len = len.min(span.len).min(room);
            if let Some(place) = layer.place(span.place) {
                return Ok(MapExtent {
                    offset,
                    len,
                    depth,
                    place,
                });
            }
        }
        Ok(MapExtent {
            offset,
            len,
            depth,
            place: Place::Unallocated,
        })
    }

    fn fill(&self, extent: &MapExtent, part: &mut [u8]) -> Result<(), ReadError> {
        let layer = self.layers.get(extent.depth);
        let layer = layer.expect("an extent names one of our layers");
        let read = match extent.place {
            Place::File { file, offset } => self.fill_from_file(file, offset, extent.offset, part),
            Place::Compressed { .. } => layer.map.read_compressed(extent.offset, part),
            Place::Zero { .. } | Place::Unallocated => {
                part.fill(0);
                Ok(())
            }
        };
        read.map_err(|error| layer.name.on(error))
    }

    fn fill_from_file(
        &self,
        file: FileIndex,
        offset: u64,
        guest: u64,
        part: &mut [u8],
    ) -> Result<(), ReadError> {
        let file = self.files.get(file.0).expect("an extent names our files");
        let len = file.reader.len_bytes();
        if offset.saturating_add(to_u64(part.len())) > len {
            let rule = format!(
                "the data of guest offset {guest:#x} goes past the end of the file at {len:#x}"
            );
            return Err(ReadError::Corrupt { offset, rule });
        }
        file.reader.read_exact_at(offset, part)
    }
}

impl StackLayer {
    /// A place among all files; `None` for what is below.
    fn place(&self, place: LayerPlace) -> Option<Place> {
        let among_all = |file: usize| FileIndex(self.first_file.saturating_add(file));
        match place {
            LayerPlace::File { file, offset } => Some(Place::File {
                file: among_all(file),
                offset,
            }),
            LayerPlace::Compressed { file, offset, len } => Some(Place::Compressed {
                file: among_all(file),
                offset,
                len,
            }),
            LayerPlace::Zero { room } => Some(Place::Zero {
                room: room.map(|(file, offset)| (among_all(file), offset)),
            }),
            LayerPlace::Below => None,
        }
    }
}

impl Mapped for Stack {
    fn map_extent(&self, offset: u64, most: u64) -> Result<MapExtent, ReadError> {
        self.inside(offset, 1)?;
        self.resolve(offset, most.max(1), Purpose::Map)
    }

    fn files(&self) -> &[ImageFile] {
        &self.files
    }
}

impl BlockRead for Stack {
    fn len_bytes(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.inside(offset, to_u64(buf.len()))?;
        let mut offset = offset;
        let mut rest = buf;
        while !rest.is_empty() {
            let extent = self.resolve(offset, to_u64(rest.len()), Purpose::Read)?;
            let len = usize::try_from(extent.len).expect("it is no longer than the buffer");
            let (part, after) = std::mem::take(&mut rest).split_at_mut(len);
            self.fill(&extent, part)?;
            offset = offset.saturating_add(extent.len);
            rest = after;
        }
        Ok(())
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        self.inside(offset, 1)?;
        let first = self.resolve(offset, u64::MAX, Purpose::Map)?;
        let kind = kind(first.place);
        let mut len = first.len;
        for _ in 0..MAX_JOINED {
            let next = offset.saturating_add(len);
            if next >= self.size {
                break;
            }
            // What is wrong with a neighbour is for the read that wants the neighbour.
            match self.resolve(next, u64::MAX, Purpose::Map) {
                Ok(more) if self::kind(more.place) == kind => len = len.saturating_add(more.len),
                Ok(_) | Err(_) => break,
            }
        }
        Ok(Extent { offset, len, kind })
    }
}

fn kind(place: Place) -> ExtentKind {
    match place {
        Place::File { .. } | Place::Compressed { .. } => ExtentKind::Data,
        Place::Zero { .. } | Place::Unallocated => ExtentKind::Zero,
    }
}

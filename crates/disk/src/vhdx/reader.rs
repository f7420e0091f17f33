//! What a VHDX file holds, and where.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::bat::{BitmapState, Entry, EntryRules, PAGE_ENTRIES, PayloadState};
use super::fault::{Fault, Rule, read_bytes};
use super::field::{to_u64, to_usize};
use super::replay::{Held, View};
use super::sector_bitmap;
use super::structures::Structures;
use crate::Details;
use crate::cache::Cache;
use crate::layer::{Identity, LayerMap, LayerPlace, LayerSpan};

/// What all cached pieces of sector bitmaps may take.
const CACHE_BYTES: u64 = 4 << 20;
/// How many stretches of blocks one span joins at most.
const MAX_JOINED: u32 = 1 << 16;
/// The files of a layer: the image as it is, and as it is once its log is replayed.
const AS_IT_IS: usize = 0;
const AS_REPLAYED: usize = 1;

pub(super) const NO_BITMAP: Rule = Rule::new("vhdx.bat.no-bitmap", "[MS-VHDX] 2.5.1.2");

/// An opened VHDX file, read by many threads at once.
pub(super) struct Vhdx {
    file: ReplayedFile,
    structures: Arc<Structures>,
    /// The sector bitmap's bytes for one block each.
    bits: Cache<u64, Vec<u8>>,
}

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Nothing: the parent does, if there is one.
    Below,
    Zero,
    /// Everything, from here on in the file.
    Full(u64),
    /// Those sectors that the bitmap names.
    Partial(u64),
}

/// The page of the BAT that was looked at last.
struct Page {
    number: u64,
    entries: Arc<Vec<u64>>,
}

impl Vhdx {
    pub(super) fn new(file: ReplayedFile) -> Self {
        let structures = Arc::clone(&file.structures);
        let bits = Cache::new(CACHE_BYTES, structures.geometry.bits_len(), 64);
        Self {
            file,
            structures,
            bits,
        }
    }

    /// An entry of the BAT, held against the rules.
    fn entry(&self, index: u64, last: &mut Option<Page>) -> Result<Entry, Fault> {
        let all = &*self.structures;
        let number = index.checked_div(PAGE_ENTRIES).unwrap_or_default();
        let page = match last.take().filter(|page| page.number == number) {
            Some(page) => page,
            None => Page {
                number,
                entries: all.bat.page(&self.file, number)?,
            },
        };
        let within = index.saturating_sub(number.saturating_mul(PAGE_ENTRIES));
        let raw = page.entries.get(to_usize(within)).copied();
        *last = Some(page);
        let entry = Entry(raw.expect("the BAT is as long as the disk needs"));
        let rules = EntryRules {
            geometry: &all.geometry,
            areas: &all.areas,
            file_len: self.file.len_bytes(),
        };
        rules.validate(all.geometry.slot(index), entry, all.bat.entry_at(index))?;
        Ok(entry)
    }

    fn block(&self, block: u64, last: &mut Option<Page>) -> Result<Block, Fault> {
        let geometry = &self.structures.geometry;
        let entry = self.entry(geometry.payload_index(block), last)?;
        Ok(match entry.payload() {
            // What the block held may go unread; only a parent's bytes must not shine through where
            // this file says that they are gone (2.5.1.1).
            PayloadState::Undefined | PayloadState::Zero | PayloadState::Unmapped => Block::Zero,
            PayloadState::FullyPresent => Block::Full(entry.offset()),
            PayloadState::PartiallyPresent => Block::Partial(entry.offset()),
            PayloadState::NotPresent | PayloadState::Reserved(_) => Block::Below,
        })
    }

    /// The part of a stretch that lies in `block`, from `within` on.
    fn partial(&self, block: u64, start: u64, within: u64) -> Result<LayerSpan, Fault> {
        let geometry = &self.structures.geometry;
        let bits = self.block_bits(block)?;
        let sector = geometry.sector_len();
        let first = within.checked_div(sector).unwrap_or_default();
        let end = geometry.visible(block).div_ceil(sector);
        let (present, count) = sector_bitmap::run(&bits, first, end);
        let last = first.saturating_add(count).saturating_mul(sector);
        let len = last.saturating_sub(within);
        if present {
            return Ok(self.in_file(start.saturating_add(within), len));
        }
        Ok(LayerSpan {
            len,
            place: LayerPlace::Below,
        })
    }

    /// The sector bitmap's bytes for `block`.
    fn block_bits(&self, block: u64) -> Result<Arc<Vec<u8>>, Fault> {
        let all = &*self.structures;
        let read = || {
            let chunk = all.geometry.chunk_of(block);
            let index = all.geometry.bitmap_index(chunk);
            let entry = self.entry(index, &mut None)?;
            match entry.bitmap() {
                BitmapState::Present => {}
                BitmapState::NotPresent | BitmapState::Reserved(_) => {
                    let what = format!(
                        "block {block} is partially present, and sector bitmap block {chunk} is \
                         not there"
                    );
                    let fault = NO_BITMAP.broken(all.bat.entry_at(index), what);
                    return Err(ReadError::from(fault));
                }
            }
            let len = all.geometry.bits_len();
            let skip = all.geometry.in_chunk(block).saturating_mul(len);
            let start = entry.offset().saturating_add(skip);
            Ok(read_bytes(&self.file, start, len, "sector bitmap")?)
        };
        Ok(self.bits.get_or(block, read)?)
    }

    /// Which of the two files has `len` bytes at `offset`, or the first of them.
    fn in_file(&self, offset: u64, len: u64) -> LayerSpan {
        let (held, len) = self.structures.covers.held(offset, len);
        let file = match held {
            Held::File => AS_IT_IS,
            Held::Replayed => AS_REPLAYED,
        };
        LayerSpan {
            len,
            place: LayerPlace::File { file, offset },
        }
    }

    /// The blocks from `block` on that go on as `kind` does, up to `wanted` bytes.
    fn joined(&self, block: u64, kind: Block, wanted: u64, last: &mut Option<Page>) -> u64 {
        let geometry = &self.structures.geometry;
        let mut next = block.saturating_add(1);
        for _ in 0..MAX_JOINED {
            let len = geometry.stretch(block, next);
            if len >= wanted || next >= geometry.blocks() {
                break;
            }
            let goes_on = match kind {
                Block::Full(start) => Block::Full(start.saturating_add(len)),
                Block::Below | Block::Zero | Block::Partial(_) => kind,
            };
            // What is wrong with a neighbour is for the read that wants the neighbour.
            match self.block(next, last) {
                Ok(Block::Full(start)) if Block::Full(start) == goes_on => {
                    next = next.saturating_add(1);
                }
                Ok(found) if found == goes_on => {
                    next = next.saturating_add(self.alike(next, last.as_ref()));
                }
                Ok(_) | Err(_) => break,
            }
        }
        geometry.stretch(block, next)
    }

    /// How many blocks from `block` on, whose entry is in `page`, have the very same entry there; at
    /// least one. This makes large empty disks cheap.
    fn alike(&self, block: u64, page: Option<&Page>) -> u64 {
        let geometry = &self.structures.geometry;
        let Some(page) = page else { return 1 };
        let first = page.number.saturating_mul(PAGE_ENTRIES);
        let within = geometry.payload_index(block).saturating_sub(first);
        let chunk_end = geometry
            .chunk_ratio()
            .saturating_sub(geometry.in_chunk(block));
        let most = chunk_end.min(geometry.blocks().saturating_sub(block));
        let rest = page.entries.get(to_usize(within)..).unwrap_or_default();
        let same = rest.iter().take(to_usize(most));
        let same = same.take_while(|entry| rest.first() == Some(entry)).count();
        to_u64(same).max(1)
    }
}

impl LayerMap for Vhdx {
    fn virtual_size(&self) -> u64 {
        self.structures.geometry.virtual_size
    }

    fn span(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        let geometry = &self.structures.geometry;
        let number = offset.checked_div(geometry.block_len()).unwrap_or_default();
        let within = offset.saturating_sub(geometry.block_start(number));
        let mut last = None;
        let block = self.block(number, &mut last)?;
        if let Block::Partial(start) = block {
            return Ok(self.partial(number, start, within)?);
        }
        let wanted = most.saturating_add(within);
        let len = self.joined(number, block, wanted, &mut last);
        let len = len.saturating_sub(within);
        Ok(match block {
            Block::Full(start) => self.in_file(start.saturating_add(within), len),
            Block::Zero => LayerSpan {
                len,
                place: LayerPlace::Zero { room: None },
            },
            Block::Below | Block::Partial(_) => LayerSpan {
                len,
                place: LayerPlace::Below,
            },
        })
    }

    fn read_compressed(&self, offset: u64, _part: &mut [u8]) -> Result<(), ReadError> {
        // Never called: the format has no compression.
        Err(ReadError::Unsupported {
            offset,
            what: "compressed bytes in a VHDX image".to_owned(),
        })
    }

    fn identity(&self) -> Identity {
        Identity::VhdxDataWrite(self.structures.header.data_write_guid.0)
    }

    fn details(&self) -> Details {
        Details::Vhdx(self.structures.details.clone())
    }
}

/// The file as it is once its log is replayed, for those who follow the map.
#[derive(Clone)]
pub(super) struct ReplayedFile {
    pub(super) file: Arc<dyn BlockRead>,
    pub(super) structures: Arc<Structures>,
}

impl ReplayedFile {
    fn view(&self) -> View<'_> {
        View {
            file: &*self.file,
            covers: &self.structures.covers,
        }
    }
}

impl BlockRead for ReplayedFile {
    fn len_bytes(&self) -> u64 {
        self.view().len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.view().read_exact_at(offset, buf)
    }
}

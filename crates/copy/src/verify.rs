//! Reads a new image back.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_block::{
    BlockRead, Comparison, Extent, ExtentKind, ListGate, ReadError, Side, compare,
};
use detente_disk::{Image, Mapped, OpenOptions, open_with};

use crate::convert::Order;
use crate::destination::{Destination, write_error};
use crate::losses::Losses;
use crate::progress::{Stage, Watch};
use crate::{ConvertError, OnUnreadable, Progress};

/// Compares a copy with its source. Neither is read where both say that they are zero; a disk that is
/// longer than the other has to be zero there.
///
/// # Errors
/// [`ConvertError::Differs`], or what a read met.
pub fn verify(
    source: &dyn BlockRead,
    copy: &dyn BlockRead,
    progress: &dyn Progress,
) -> Result<(), ConvertError> {
    let total = data_bytes(source).map_err(ConvertError::Source)?;
    let losses = Losses::new(OnUnreadable::Fail);
    verify_with(
        source,
        copy,
        &losses,
        &Watch::new(progress, Stage::Verifying, total),
    )
}

fn verify_with(
    source: &dyn BlockRead,
    copy: &dyn BlockRead,
    losses: &Losses,
    watch: &Watch<'_>,
) -> Result<(), ConvertError> {
    let cancel = AtomicBool::new(false);
    let counted = Counted {
        disk: source,
        losses,
        watch,
        cancel: &cancel,
    };
    match compare(&counted, copy, &cancel) {
        Ok(Comparison::Same) => Ok(()),
        Ok(Comparison::Differs { offset }) => Err(ConvertError::Differs { offset }),
        Ok(Comparison::Cancelled) => Err(ConvertError::Cancelled),
        Err(error) => Err(match error.side {
            Side::First => ConvertError::Source(error.source),
            Side::Second => ConvertError::Reread(error.source),
        }),
    }
}

/// Opens what was written and compares it with what was to be written.
pub(crate) fn read_back(
    order: &Order<'_>,
    out: &dyn Destination,
    losses: &Losses,
    data_bytes: u64,
) -> Result<(), ConvertError> {
    let file = out.reopen();
    let file = file.map_err(|error| write_error(out.path(), error))?;
    let options = OpenOptions {
        format: Some(order.target.format()),
        ..OpenOptions::default()
    };
    // What it may rest on is what the source rests on, or the base.
    let images = [Some(order.source), order.base];
    let files = images.into_iter().flatten().flat_map(|i| i.stack.files());
    let known: Vec<PathBuf> = files.map(|file| file.path.clone()).collect();
    let gate = ListGate::of(out.path(), &known);
    let copy = open_with(out.path(), file, &gate, &options).map_err(ConvertError::Reopen)?;
    let watch = Watch::new(order.progress, Stage::Verifying, data_bytes);
    let len = order.source.reader.len_bytes().min(order.virtual_size);
    let source = Start {
        image: order.source,
        len,
    };
    verify_with(&source, &*copy.reader, losses, &watch)
}

/// How many bytes have to be compared.
fn data_bytes(disk: &dyn BlockRead) -> Result<u64, ReadError> {
    let (mut at, mut total) = (0_u64, 0_u64);
    while at < disk.len_bytes() {
        let extent = disk.next_extent(at)?;
        match extent.kind {
            ExtentKind::Data => total = total.saturating_add(extent.len),
            ExtentKind::Zero => {}
        }
        at = at.saturating_add(extent.len.max(1));
    }
    Ok(total)
}

/// The first part of an image, as it is seen through its map.
struct Start<'a> {
    image: &'a Image,
    len: u64,
}

impl BlockRead for Start<'_> {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.image.reader.read_exact_at(offset, buf)
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let mut extent = self.image.stack.next_extent(offset)?;
        extent.len = extent.len.min(self.len.saturating_sub(offset));
        Ok(extent)
    }
}

/// A disk whose reads are counted, and whose losses are zeroes.
struct Counted<'a> {
    disk: &'a dyn BlockRead,
    losses: &'a Losses,
    watch: &'a Watch<'a>,
    cancel: &'a AtomicBool,
}

impl BlockRead for Counted<'_> {
    fn len_bytes(&self) -> u64 {
        self.disk.len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        if self.watch.is_cancelled() {
            self.cancel.store(true, Ordering::Relaxed);
        }
        self.losses.fill(self.disk, offset, buf)?;
        self.watch.add(buf.len() as u64);
        Ok(())
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        match self.disk.next_extent(offset) {
            Ok(extent) => Ok(extent),
            Err(error) => {
                let rest = self.disk.len_bytes().saturating_sub(offset);
                if let Some(end) = self.losses.lost_until(offset) {
                    let len = end.saturating_sub(offset).min(rest);
                    let kind = ExtentKind::Zero;
                    return Ok(Extent { offset, len, kind });
                }
                // A map that cannot be read: a small step, whose bytes are lost or fail.
                let len = (STEP - offset % STEP).min(rest);
                self.losses.lose(offset, len, error)?;
                let kind = ExtentKind::Data;
                Ok(Extent { offset, len, kind })
            }
        }
    }
}

/// As far as a map that cannot be read is given up at a time.
const STEP: u64 = 4 << 10;

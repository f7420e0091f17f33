//! The size of an image.

use std::fs::OpenOptions;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use detente_block::{BlockRead, ExtentKind};
use detente_disk::{Details, Image, Target, VhdDiskType, VhdxAllocation};

use crate::convert::{Order, stands_alone};
use crate::destination::write_error;
use crate::guard::Guard;
use crate::kind::{NoKind, same_kind};
use crate::{
    ConvertError, ConvertOptions, ConvertReport, OnExisting, Progress, ResizeOptions, Shrink,
};

/// What is read at a time to see whether it is zero.
const PIECE: usize = 1 << 20;

/// Gives the disk of `image` another size. A new file takes the image's place once it is whole; where
/// files can share their bytes, it shares them. A raw file is cut or made longer where it is. What is new
/// is zero.
///
/// # Errors
/// [`ConvertError::Unsupported`] for images that rest on others or hold snapshots or bitmaps,
/// [`ConvertError::Shrinks`] and [`ConvertError::DataCutOff`] where `options` do not allow it;
/// otherwise as [`convert`](crate::convert()). The image is then what it was before.
pub fn resize(
    image: &Image,
    virtual_size: u64,
    options: &ResizeOptions,
    progress: &dyn Progress,
) -> Result<ConvertReport, ConvertError> {
    let top = image.layers.first().expect("an image has a layer");
    if !stands_alone(image) {
        let what = "another size for an image that rests on other files";
        return Err(ConvertError::Unsupported { what });
    }
    let target = target(&top.details)?;
    let guard = Guard::hold(image, options.source_lock)?;
    if virtual_size < image.reader.len_bytes() {
        check_shrink(image, virtual_size, options.shrink, &top.path)?;
    }
    if top.details == Details::Raw {
        return in_place(virtual_size, &top.path);
    }
    let convert = ConvertOptions {
        on_existing: OnExisting::Replace,
        verification: options.verification,
        source_lock: options.source_lock,
        ..ConvertOptions::default()
    };
    let order = Order {
        source: image,
        base: None,
        target: &target,
        virtual_size,
        options: &convert,
        progress,
    };
    let path = regular_file(&top.path)?;
    order.carry_out(&path, || guard.check_unchanged())
}

/// The file itself: a link stays one.
pub(crate) fn regular_file(path: &Path) -> Result<PathBuf, ConvertError> {
    let whole = path.canonicalize();
    let path = whole.map_err(|error| write_error(path, error))?;
    if !std::fs::metadata(&path).is_ok_and(|meta| meta.is_file()) {
        return Err(ConvertError::DestinationKind {
            path,
            what: "only a file can be made anew",
        });
    }
    Ok(path)
}

/// A raw disk has the size of its file, which changes at once or not at all.
fn in_place(virtual_size: u64, path: &Path) -> Result<ConvertReport, ConvertError> {
    let path = regular_file(path)?;
    let failed = |error| write_error(&path, error);
    let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
    file.set_len(virtual_size).map_err(failed)?;
    let begun = Instant::now();
    file.sync_all().map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    Ok(ConvertReport {
        virtual_size,
        data_bytes: 0,
        kernel_bytes: 0,
        buffered_bytes: 0,
        zero_bytes: 0,
        file_bytes: meta.len(),
        allocated_bytes: meta.blocks().saturating_mul(512),
        flush_time: begun.elapsed(),
        lost: Vec::new(),
        lost_bytes: 0,
    })
}

fn check_shrink(
    image: &Image,
    virtual_size: u64,
    shrink: Shrink,
    path: &Path,
) -> Result<(), ConvertError> {
    match shrink {
        Shrink::Refuse => Err(ConvertError::Shrinks {
            path: path.to_path_buf(),
        }),
        Shrink::DiscardData => Ok(()),
        Shrink::OnlyZeroes => match first_data(image, virtual_size)? {
            Some(offset) => Err(ConvertError::DataCutOff { offset }),
            None => Ok(()),
        },
    }
}

/// The first byte from `start` on that is not zero.
fn first_data(image: &Image, start: u64) -> Result<Option<u64>, ConvertError> {
    let disk = &*image.stack;
    let mut at = start;
    let mut buffer = vec![0; PIECE];
    while at < disk.len_bytes() {
        let extent = disk.next_extent(at).map_err(ConvertError::Source)?;
        let end = at.saturating_add(extent.len.max(1));
        if extent.kind == ExtentKind::Zero {
            at = end;
            continue;
        }
        let len = usize::try_from(end.saturating_sub(at)).map_or(PIECE, |len| len.min(PIECE));
        let part = buffer.get_mut(..len).expect("no more than a piece");
        disk.read_exact_at(at, part).map_err(ConvertError::Source)?;
        if let Some(index) = part.iter().position(|byte| *byte != 0) {
            return Ok(Some(at.saturating_add(index as u64)));
        }
        at = at.saturating_add(len as u64);
    }
    Ok(None)
}

/// A target that makes what the image is.
fn target(details: &Details) -> Result<Target, ConvertError> {
    let what = match (details, same_kind(details)) {
        (Details::Vhdx(details), _) if details.allocation == VhdxAllocation::Differencing => {
            "another size for a differencing image"
        }
        (Details::Vhd(details), _) if details.disk_type == VhdDiskType::Differencing => {
            "another size for a differencing image"
        }
        (_, Ok(target)) => return Ok(target),
        (_, Err(NoKind::MoreThanADisk)) => {
            "another size for an image with internal snapshots or bitmaps"
        }
        (_, Err(NoKind::Format)) => "another size for an image of this format",
    };
    Err(ConvertError::Unsupported { what })
}

//! What an image shows becomes the content of the file that it rests on.

use std::path::Path;

use detente_block::BlockRead;
use detente_disk::{Image, Layer, Target};

use crate::convert::Order;
use crate::guard::Guard;
use crate::kind::{NoKind, same_kind};
use crate::resize::regular_file;
use crate::{ConvertError, ConvertOptions, ConvertReport, Progress, convert, rebase};

/// Where the new file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitTo<'a> {
    /// Under a name of its own.
    NewFile(&'a Path),
    /// In the place of the file that the image rests on, once it is whole.
    InPlace,
}

/// The target that makes what `image` rests on: the same format with the same options. If that file
/// rests on another one in turn, the caller has to put it there.
///
/// # Errors
/// [`ConvertError::Unsupported`] if the image rests on nothing, or if a new file would lack something:
/// internal snapshots, bitmaps.
pub fn commit_target(image: &Image) -> Result<Target, ConvertError> {
    let unsupported = |what| ConvertError::Unsupported { what };
    same_kind(&base_of(image)?.details).map_err(|why| match why {
        NoKind::MoreThanADisk => unsupported(
            "a commit into an image with internal snapshots, bitmaps or an external data file",
        ),
        NoKind::Format => unsupported("a commit into an image of a format that is not written"),
    })
}

/// Makes a new file with the view of `source`, to take the place of the file that `source` rests on:
/// `target` is that of [`commit_target`]. `below` is what that file rests on in turn, if anything, and
/// `target` names it; then the new file holds what differs from that, as with [`rebase`](crate::rebase()). The source
/// is not written, and can be removed afterwards.
///
/// In place, the old file is replaced as `options.on_existing` says: [`OnExisting::KeepOld`] keeps it.
/// Other images that rest on the old file do not fit the new one.
///
/// [`OnExisting::KeepOld`]: crate::OnExisting::KeepOld
///
/// # Errors
/// [`ConvertError::Unsupported`] if the source rests on nothing; [`ConvertError::Shrinks`] if the
/// file to be replaced has the longer disk; otherwise as [`convert`](crate::convert()).
pub fn commit(
    source: &Image,
    below: Option<&Image>,
    target: &Target,
    to: CommitTo<'_>,
    options: &ConvertOptions,
    progress: &dyn Progress,
) -> Result<ConvertReport, ConvertError> {
    let base = base_of(source)?;
    match (to, below) {
        (CommitTo::NewFile(path), None) => convert(source, target, path, options, progress),
        (CommitTo::NewFile(path), Some(below)) => {
            rebase(source, below, target, path, options, progress)
        }
        (CommitTo::InPlace, below) => {
            let order = Order {
                source,
                base: below,
                target,
                virtual_size: source.stack.len_bytes(),
                options,
                progress,
            };
            in_place(&order, base)
        }
    }
}

fn in_place(order: &Order<'_>, base: &Layer) -> Result<ConvertReport, ConvertError> {
    if base.virtual_size > order.virtual_size {
        let path = base.path.clone();
        return Err(ConvertError::Shrinks { path });
    }
    let path = regular_file(&base.path)?;
    let mut guards = vec![Guard::hold(order.source, order.options.source_lock)?];
    if let Some(below) = order.base {
        let guard = Guard::hold(below, order.options.source_lock)?;
        guard.refuse_as_destination(&path)?;
        guards.push(guard);
    }
    order.carry_out(&path, || guards.iter().try_for_each(Guard::check_unchanged))
}

fn base_of(image: &Image) -> Result<&Layer, ConvertError> {
    let what = "a commit of an image that rests on nothing";
    image
        .layers
        .get(1)
        .ok_or(ConvertError::Unsupported { what })
}

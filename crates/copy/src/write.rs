//! Writes an image: the guest's bytes first, tables as they become complete, headers at the end.

use std::sync::{Mutex, PoisonError};
use std::thread;

use detente_block::BlockRead;
use detente_disk::{FileIndex, Layout, Patch};

use crate::ConvertError;
use crate::destination::write_error;
use crate::direct::WORTH_IT;
use crate::mover::{BUFFER, Move, Mover};
use crate::pool::Pool;
use crate::walk::{Stretch, Walk, What};

/// What a thread moves at a time where it waits for the medium.
const PIECE: u64 = 4 << 20;

/// Something for a thread to move.
struct Task {
    what: Move,
    /// Where it lies as it is; else only the image's reader yields it.
    source: Option<(FileIndex, u64)>,
}

/// Writes the first `len` bytes of the source's view. Returns the length of the file.
pub(crate) fn write_mapped(
    mover: &Mover<'_>,
    layout: Box<dyn Layout>,
    len: u64,
) -> Result<u64, ConvertError> {
    let walk = Walk::new(&mover.image.stack, mover.losses, len);
    let stretches = walk.map(|stretch| stretch.map_err(ConvertError::Source));
    write_stretches(mover, layout, stretches)
}

/// Writes some stretches of the source's view, in its order. Patches that were taken out are written
/// at the latest when a stretch is done. Returns the length of the file.
pub(crate) fn write_stretches(
    mover: &Mover<'_>,
    mut layout: Box<dyn Layout>,
    stretches: impl Iterator<Item = Result<Stretch, ConvertError>>,
) -> Result<u64, ConvertError> {
    let failed = Mutex::new(None);
    let moved = thread::scope(|scope| {
        let worker = || {
            let mut buffer = Vec::new();
            let failed = &failed;
            move |task: Task| {
                if lock(failed).is_some() {
                    return;
                }
                let moved = match task.source {
                    None => mover.move_buffered(task.what, &mut buffer),
                    Some((file, from)) => mover.move_file(file, from, task.what, &mut buffer),
                };
                if let Err(error) = moved {
                    lock(failed).get_or_insert(error);
                }
            }
        };
        let started = || {
            let pool = Pool::start(scope, worker);
            pool.map_err(|error| write_error(mover.out.path(), error))
        };
        let mut pool = None;
        let mut buffer = Vec::new();
        for stretch in stretches {
            let stretch = stretch?;
            if lock(&failed).is_some() {
                break;
            }
            mover.watch.check()?;
            match stretch.what {
                What::Zero => write_zero(mover, &mut *layout, stretch)?,
                What::File(file, from) => each_place(&mut *layout, stretch, |done, what| {
                    let from = from.saturating_add(done);
                    if what.len < WORTH_IT || !mover.waits_for_medium(file) {
                        return mover.move_file(file, from, what, &mut buffer);
                    }
                    mover.reserve(what)?;
                    let pool = available(&mut pool, started)?;
                    submit_file(pool, (file, from), what);
                    Ok(())
                })?,
                What::Read => each_place(&mut *layout, stretch, |_, what| {
                    submit_read(available(&mut pool, started)?, what);
                    Ok(())
                })?,
            }
            write_patches(mover, layout.take_patches())?;
        }
        Ok(())
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => moved.and_then(|()| finish(mover, layout)),
    }
}

/// The pool, which is there once it is wanted.
fn available<T>(
    pool: &mut Option<T>,
    start: impl FnOnce() -> Result<T, ConvertError>,
) -> Result<&T, ConvertError> {
    if pool.is_none() {
        *pool = Some(start()?);
    }
    Ok(pool.as_ref().expect("it was started"))
}

/// Cuts a task into buffers, whose borders are those of the guest's view: a compressed cluster is
/// then one thread's alone.
fn submit_read(pool: &Pool<Task>, what: Move) {
    let buffer = BUFFER as u64;
    let mut rest = what;
    while rest.len > 0 {
        let len = (buffer - rest.guest % buffer).min(rest.len);
        let what = Move { len, ..rest };
        pool.submit(Task { what, source: None });
        rest = rest.after(len);
    }
}

/// Cuts a task into pieces, whose borders are those of the destination: no page is of two threads.
fn submit_file(pool: &Pool<Task>, (file, from): (FileIndex, u64), what: Move) {
    let mut rest = what;
    while rest.len > 0 {
        let len = (PIECE - rest.to % PIECE).min(rest.len);
        let from = from.saturating_add(rest.guest.saturating_sub(what.guest));
        let what = Move { len, ..rest };
        let source = Some((file, from));
        pool.submit(Task { what, source });
        rest = rest.after(len);
    }
}

/// Asks for the places of a stretch and does something with each; it is told how far into the
/// stretch that is.
fn each_place(
    layout: &mut dyn Layout,
    stretch: Stretch,
    mut each: impl FnMut(u64, Move) -> Result<(), ConvertError>,
) -> Result<(), ConvertError> {
    let mut done = 0;
    while done < stretch.len {
        let guest = stretch.offset.saturating_add(done);
        let placed = layout.place(guest, stretch.len.saturating_sub(done))?;
        assert!(placed.len > 0, "a layout gives a place to something");
        let len = placed.len.min(stretch.len.saturating_sub(done));
        let to = placed.offset;
        each(done, Move { guest, to, len })?;
        done = done.saturating_add(len);
    }
    Ok(())
}

/// Says that a stretch is zero, and makes it so where it is not yet.
pub(crate) fn write_zero(
    mover: &Mover<'_>,
    layout: &mut dyn Layout,
    stretch: Stretch,
) -> Result<(), ConvertError> {
    if mover.out.starts_empty() {
        return Ok(layout.zero(stretch.offset, stretch.len)?);
    }
    each_place(layout, stretch, |_, what| {
        let zeroed = mover.out.zero_at(what.to, what.len);
        zeroed.map_err(|error| write_error(mover.out.path(), error))
    })
}

/// Places plain bytes and writes them.
pub(crate) fn write_plain(
    mover: &Mover<'_>,
    layout: &mut dyn Layout,
    offset: u64,
    bytes: &[u8],
) -> Result<(), ConvertError> {
    let stretch = Stretch {
        offset,
        len: bytes.len() as u64,
        what: What::Read,
    };
    let mut rest = bytes;
    each_place(layout, stretch, |_, what| {
        let len = usize::try_from(what.len).map_or(rest.len(), |len| len.min(rest.len()));
        let (part, after) = rest.split_at(len);
        rest = after;
        mover.write(what.to, part)
    })
}

pub(crate) fn write_patches(mover: &Mover<'_>, patches: Vec<Patch>) -> Result<(), ConvertError> {
    patches
        .iter()
        .try_for_each(|patch| mover.write(patch.offset, &patch.bytes))
}

/// Writes what remains, and makes the file as long as it is to be.
pub(crate) fn finish(mover: &Mover<'_>, layout: Box<dyn Layout>) -> Result<u64, ConvertError> {
    let finish = layout.finish()?;
    write_patches(mover, finish.patches)?;
    mover
        .out
        .set_len(finish.file_len)
        .map_err(|error| write_error(mover.out.path(), error))?;
    Ok(finish.file_len)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much of the source there is to convert to a disk of `virtual_size` bytes.
pub(crate) fn visible(disk: &dyn BlockRead, virtual_size: u64) -> u64 {
    disk.len_bytes().min(virtual_size)
}

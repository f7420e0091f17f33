//! Writes an image whose bytes are looked at or compressed on their way: on every core, and in order.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use detente_block::ReadError;
use detente_disk::{Compression, Layout};

use crate::ConvertError;
use crate::batch::{Batch, Piece, Recipe};
use crate::destination::write_error;
use crate::mover::Mover;
use crate::packer::Packer;
use crate::pool::{Pool, threads};
use crate::walk::{Stretch, Walk, What};
use crate::write::{finish, write_patches, write_plain, write_zero};

/// How much is compressed at a time: less would cost more hand-overs, more would leave threads idle at
/// the end of a stretch.
const PACKED: u64 = 512 << 10;
/// How much is looked at at a time.
const SIFTED: u64 = 1 << 20;
/// What the batches that are on their way may hold, each its bytes twice.
const MEMORY: u64 = 40 << 20;

/// A batch on its way to a thread, and where it comes back.
struct Task {
    batch: Batch,
    back: SyncSender<Done>,
}

type Done = Result<Batch, ReadError>;

/// What is written next, in the order of the guest's view.
enum Slot {
    Zero(Stretch),
    Batch(Receiver<Done>),
}

/// Writes the first `len` bytes of the source's view. Returns the length of the file.
pub(crate) fn write_cooked(
    mover: &Mover<'_>,
    layout: Box<dyn Layout>,
    len: u64,
    compression: Option<Compression>,
) -> Result<u64, ConvertError> {
    let unit = match compression {
        Some(_) => layout.granule(),
        None => 1,
    };
    let stretches = Aligned::new(mover, len, unit);
    cook(mover, layout, stretches, compression)
}

/// Writes some stretches of the source's view, in its order; those that are to be compressed begin and
/// end with granules, or with the disk. Returns the length of the file.
pub(crate) fn cook(
    mover: &Mover<'_>,
    layout: Box<dyn Layout>,
    stretches: impl Iterator<Item = Result<Stretch, ConvertError>>,
    compression: Option<Compression>,
) -> Result<u64, ConvertError> {
    let granule = layout.granule();
    let recipe = match compression {
        Some(_) => Recipe::Pack {
            cluster: usize::try_from(granule).expect("a cluster fits into memory"),
        },
        None => Recipe::Sift,
    };
    let mut packers = Vec::new();
    if let Some(compression) = compression {
        for _ in 0..threads() {
            let packer = Packer::new(compression);
            packers.push(packer.map_err(|error| write_error(mover.out.path(), error))?);
        }
    }
    let packers = std::cell::RefCell::new(packers);
    thread::scope(|scope| {
        let worker = || {
            let mut packer = packers.borrow_mut().pop();
            move |task: Task| {
                let mut batch = task.batch;
                let reader = &*mover.image.reader;
                let cooked = batch.cook(reader, mover.losses, recipe, packer.as_mut());
                // Nobody waits for it any more once something failed.
                let _ = task.back.send(cooked.map(|()| batch));
            }
        };
        let pool = Pool::start(scope, worker).map_err(|e| write_error(mover.out.path(), e))?;
        let mut line = Line {
            mover,
            layout,
            pool,
            batch: match recipe {
                Recipe::Pack { .. } => granule.max(PACKED),
                Recipe::Sift => SIFTED,
            },
            slots: VecDeque::new(),
            spare: Vec::new(),
        };
        for stretch in stretches {
            line.push(stretch?)?;
        }
        line.end()
    })
}

/// The slots, and what is needed to fill and to empty them.
struct Line<'a> {
    mover: &'a Mover<'a>,
    layout: Box<dyn Layout>,
    pool: Pool<Task>,
    /// How many bytes of the guest's view a batch has at most.
    batch: u64,
    slots: VecDeque<Slot>,
    spare: Vec<Batch>,
}

impl Line<'_> {
    fn push(&mut self, stretch: Stretch) -> Result<(), ConvertError> {
        if stretch.what == What::Zero {
            self.slots.push_back(Slot::Zero(stretch));
            return self.make_room();
        }
        let mut offset = stretch.offset;
        while offset < stretch.end() {
            self.mover.watch.check()?;
            let len = (self.batch - offset % self.batch).min(stretch.end() - offset);
            let mut batch = self.spare.pop().unwrap_or_else(|| Batch::new(0, 0));
            batch.offset = offset;
            batch.len = usize::try_from(len).expect("a batch fits into memory");
            let (back, slot) = sync_channel(1);
            self.pool.submit(Task { batch, back });
            self.slots.push_back(Slot::Batch(slot));
            self.make_room()?;
            offset = offset.saturating_add(len);
        }
        Ok(())
    }

    /// Writes what comes first, if the threads have enough to do.
    fn make_room(&mut self) -> Result<(), ConvertError> {
        // Twice as many as there are threads keep all of them busy.
        let most = MEMORY.checked_div(2 * self.batch).unwrap_or_default();
        let most = usize::try_from(most).map_or(1, |most| most.min(2 * threads()));
        while self.slots.len() > most {
            self.write_first()?;
        }
        Ok(())
    }

    fn write_first(&mut self) -> Result<(), ConvertError> {
        match self.slots.pop_front() {
            None => Ok(()),
            Some(Slot::Zero(stretch)) => write_zero(self.mover, &mut *self.layout, stretch),
            Some(Slot::Batch(slot)) => {
                let done = slot.recv().expect("a thread sends what it was given");
                let batch = done.map_err(ConvertError::Source)?;
                self.write_batch(&batch)?;
                self.mover.watch.add(batch.len as u64);
                self.spare.push(batch);
                write_patches(self.mover, self.layout.take_patches())
            }
        }
    }

    fn write_batch(&mut self, batch: &Batch) -> Result<(), ConvertError> {
        let mover = self.mover;
        let mut run = Run::default();
        for piece in &batch.pieces {
            match piece {
                Piece::Zero(range) => {
                    let stretch = Stretch {
                        offset: batch.offset.saturating_add(range.start as u64),
                        len: range.len() as u64,
                        what: What::Zero,
                    };
                    mover.zero_bytes.fetch_add(stretch.len, Ordering::Relaxed);
                    write_zero(mover, &mut *self.layout, stretch)?;
                }
                Piece::Plain(range) => {
                    let offset = batch.offset.saturating_add(range.start as u64);
                    let bytes = batch.bytes.get(range.clone()).expect("within the batch");
                    mover.count_buffered(bytes.len());
                    write_plain(mover, &mut *self.layout, offset, bytes)?;
                }
                Piece::Packed { plain, packed } => {
                    let offset = batch.offset.saturating_add(plain.start as u64);
                    let len = packed.len() as u64;
                    let to = self.layout.place_compressed(offset, len)?.offset;
                    mover.count_buffered(plain.len());
                    if !run.take(to, packed) {
                        run.write(mover, batch)?;
                        run = Run::default();
                        run.take(to, packed);
                    }
                }
            }
        }
        run.write(mover, batch)
    }

    fn end(mut self) -> Result<u64, ConvertError> {
        while !self.slots.is_empty() {
            self.mover.watch.check()?;
            self.write_first()?;
        }
        finish(self.mover, self.layout)
    }
}

/// Compressed clusters that lie behind each other here and there: one write.
#[derive(Default)]
struct Run {
    to: u64,
    packed: std::ops::Range<usize>,
}

impl Run {
    /// Whether it could be added.
    fn take(&mut self, to: u64, packed: &std::ops::Range<usize>) -> bool {
        if self.packed.is_empty() {
            self.to = to;
            self.packed = packed.clone();
            return true;
        }
        let end = self.to.saturating_add(self.packed.len() as u64);
        let follows = end == to && self.packed.end == packed.start;
        if follows {
            self.packed.end = packed.end;
        }
        follows
    }

    fn write(&self, mover: &Mover<'_>, batch: &Batch) -> Result<(), ConvertError> {
        if self.packed.is_empty() {
            return Ok(());
        }
        let bytes = batch.packed.get(self.packed.clone());
        mover.write(self.to, bytes.expect("within the batch"))
    }
}

/// The stretches of a walk with their borders moved to multiples of a unit: a unit that holds
/// anything is data.
struct Aligned<'a> {
    walk: Walk<'a>,
    unit: u64,
    end: u64,
    /// What lies before is dealt with.
    done: u64,
}

impl<'a> Aligned<'a> {
    fn new(mover: &Mover<'a>, end: u64, unit: u64) -> Self {
        Self {
            walk: Walk::new(&mover.image.stack, mover.losses, end),
            unit,
            end,
            done: 0,
        }
    }
}

impl Iterator for Aligned<'_> {
    type Item = Result<Stretch, ConvertError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let stretch = match self.walk.next()? {
                Ok(stretch) => stretch,
                Err(error) => return Some(Err(ConvertError::Source(error))),
            };
            let before = |offset: u64| offset - offset % self.unit;
            let end = match stretch.what {
                What::Zero if stretch.end() < self.end => before(stretch.end()),
                What::Zero | What::File(..) | What::Read => stretch
                    .end()
                    .checked_next_multiple_of(self.unit)
                    .map_or(self.end, |end| end.min(self.end)),
            };
            // Whatever lies between is dealt with by now, or the rest of a unit that begins with
            // zeroes.
            let offset = self.done;
            if offset < end {
                self.done = end;
                let len = end - offset;
                let what = stretch.what;
                return Some(Ok(Stretch { offset, len, what }));
            }
        }
    }
}

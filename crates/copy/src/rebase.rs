//! What an image holds that another does not, as a new image that rests on the other.

use std::path::Path;

use detente_block::BlockRead;
use detente_disk::{Image, Layout, Target, VhdxKind};

use crate::convert::{Order, compression};
use crate::cook::cook;
use crate::difference::{Difference, Verdict};
use crate::guard::Guard;
use crate::losses::Losses;
use crate::mover::Mover;
use crate::walk::{Stretch, Walk, What};
use crate::write::write_stretches;
use crate::{ConvertError, ConvertOptions, ConvertReport, Progress};

/// What is told apart in a VHDX image, whose blocks are large: it divides every block, and is a
/// multiple of every sector.
const VHDX_UNIT: u64 = 64 << 10;

/// Makes a new image at `destination` that rests on `base` and has the view of `source`: it holds
/// what the two do not have in common. Neither is written.
///
/// `target` names the base, as [`Qcow2Spec::backing`](detente_disk::Qcow2Spec) or
/// [`VhdxKind::Differencing`]. What both have in the same place of the same file is not read, nor is
/// what the map of one of them says is empty. The base may be shorter or longer than the source; the
/// new image is as long as the source.
///
/// All else is as with [`convert`](crate::convert()): temporary name, locks, progress, limits. The report's
/// `data_bytes` are those that the new image holds.
///
/// # Errors
/// [`ConvertError::Unsupported`] if the target rests on nothing, or if unreadable bytes were to become
/// zeroes; [`ConvertError::Base`]; otherwise as [`convert`](crate::convert()).
pub fn rebase(
    source: &Image,
    base: &Image,
    target: &Target,
    destination: &Path,
    options: &ConvertOptions,
    progress: &dyn Progress,
) -> Result<ConvertReport, ConvertError> {
    if !rests_on_something(target) {
        let what = "differences in an image that rests on nothing";
        return Err(ConvertError::Unsupported { what });
    }
    if options.on_unreadable != crate::OnUnreadable::Fail {
        let what = "zeroes for what cannot be read where the base would show through";
        return Err(ConvertError::Unsupported { what });
    }
    let guards = [
        Guard::hold(source, options.source_lock)?,
        Guard::hold(base, options.source_lock)?,
    ];
    for guard in &guards {
        guard.refuse_as_destination(destination)?;
    }
    let order = Order {
        source,
        base: Some(base),
        target,
        virtual_size: source.stack.len_bytes(),
        options,
        progress,
    };
    let mut report = order.carry_out(destination, || {
        guards.iter().try_for_each(Guard::check_unchanged)
    })?;
    report.data_bytes = report.kernel_bytes.saturating_add(report.buffered_bytes);
    Ok(report)
}

fn rests_on_something(target: &Target) -> bool {
    match target {
        Target::Qcow2(spec) => spec.backing.is_some(),
        Target::Vhdx(spec) => matches!(spec.kind, VhdxKind::Differencing(_)),
        Target::Raw | Target::Vhd(_) => false,
    }
}

/// Writes what differs. Returns the length of the file.
pub(crate) fn write_difference(
    mover: &Mover<'_>,
    layout: Box<dyn Layout>,
    base: &Image,
    order: &Order<'_>,
) -> Result<u64, ConvertError> {
    let unit = match order.target {
        Target::Vhdx(_) => layout.granule().min(VHDX_UNIT),
        Target::Raw | Target::Qcow2(_) | Target::Vhd(_) => layout.granule(),
    };
    let size = (unit, layout.virtual_size());
    let pair = (mover.image, base);
    let runs = Difference::new(pair, size, order.options.zeroes, mover.watch);
    match compression(order.target) {
        None => {
            let stretches = Mapped {
                runs,
                image: mover.image,
                losses: mover.losses,
                inside: None,
            };
            write_stretches(mover, layout, stretches)
        }
        Some(_) => {
            let len = mover.image.stack.len_bytes();
            let stretches = runs.filter_map(|run| match run {
                Ok(run) => whole(run.offset, run.len, run.verdict, len).map(Ok),
                Err(error) => Some(Err(error)),
            });
            cook(mover, layout, stretches, compression(order.target))
        }
    }
}

/// A run as one stretch; `len` is the source's, behind which nothing can be read.
fn whole(offset: u64, run: u64, verdict: Verdict, len: u64) -> Option<Stretch> {
    let (len, what) = match verdict {
        Verdict::Same => return None,
        Verdict::Zero => (run, What::Zero),
        Verdict::Data => (run.min(len.saturating_sub(offset)), What::Read),
    };
    Some(Stretch { offset, len, what })
}

/// The runs that differ, divided as the source's map has it.
struct Mapped<'a> {
    runs: Difference<'a>,
    image: &'a Image,
    losses: &'a Losses,
    inside: Option<Walk<'a>>,
}

impl Iterator for Mapped<'_> {
    type Item = Result<Stretch, ConvertError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(stretch) = self.inside.as_mut().and_then(Iterator::next) {
                return Some(stretch.map_err(ConvertError::Source));
            }
            self.inside = None;
            let run = match self.runs.next()? {
                Ok(run) => run,
                Err(error) => return Some(Err(error)),
            };
            let (offset, len) = (run.offset, run.len);
            match run.verdict {
                Verdict::Same => {}
                Verdict::Zero => {
                    let what = What::Zero;
                    return Some(Ok(Stretch { offset, len, what }));
                }
                Verdict::Data => {
                    let end = offset.saturating_add(len);
                    let stack = &self.image.stack;
                    self.inside = Some(Walk::between(stack, self.losses, offset, end));
                }
            }
        }
    }
}

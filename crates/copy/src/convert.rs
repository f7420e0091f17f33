//! One image to another.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use detente_disk::{Compression, Image, Layout, Mapped, Target};

use crate::cook::write_cooked;
use crate::destination::{Destination, write_error};
use crate::device::Device;
use crate::guard::{Guard, refuse_in_use};
use crate::losses::Losses;
use crate::mover::Mover;
use crate::new_file::{NewFile, cannot_keep_old, old_name};
use crate::progress::{Stage, Watch};
use crate::rebase::write_difference;
use crate::walk::Walk;
use crate::write::{visible, write_mapped};
use crate::{
    ConvertError, ConvertOptions, ConvertReport, OnExisting, Preallocation, Progress, Verification,
    Zeroes, fresh_stamp, space, verify,
};

/// Converts `source` to a new image at `destination`.
///
/// The new image holds all of the source's view, whatever it consists of; if the target rests on a
/// parent, nothing of the parent shows through. It is written under a temporary name and gets its own
/// when all of it is on stable storage: power cuts and kills leave no file of that name that is not
/// whole. A temporary file that a killed run left is removed by the next one for the same name.
///
/// A block device as the destination is written in place ([`Target::Raw`] and
/// [`OnExisting::Replace`] only), and is not whole unless this returns `Ok`.
///
/// # Limits
/// Memory: 64 MiB whatever the size of the disk, up to 12 threads.
///
/// # Errors
/// [`ConvertError`]; the destination is then what it was before, unless it is a device.
pub fn convert(
    source: &Image,
    target: &Target,
    destination: &Path,
    options: &ConvertOptions,
    progress: &dyn Progress,
) -> Result<ConvertReport, ConvertError> {
    let guard = Guard::hold(source, options.source_lock)?;
    guard.refuse_as_destination(destination)?;
    let order = Order {
        source,
        base: None,
        target,
        virtual_size: detente_block::BlockRead::len_bytes(&*source.stack),
        options,
        progress,
    };
    order.carry_out(destination, || guard.check_unchanged())
}

/// What is to be made of what.
pub(crate) struct Order<'a> {
    pub(crate) source: &'a Image,
    /// What the target rests on, if only what differs from it is to be written.
    pub(crate) base: Option<&'a Image>,
    pub(crate) target: &'a Target,
    pub(crate) virtual_size: u64,
    pub(crate) options: &'a ConvertOptions,
    pub(crate) progress: &'a dyn Progress,
}

impl Order<'_> {
    /// Makes it; `unchanged` is asked whether the source is still what it was, once it was read.
    pub(crate) fn carry_out(
        &self,
        destination: &Path,
        unchanged: impl Fn() -> Result<(), ConvertError>,
    ) -> Result<ConvertReport, ConvertError> {
        let layout = self.layout()?;
        let losses = Losses::new(self.options.on_unreadable);
        let len = visible(&*self.source.stack, self.virtual_size);
        let walk = Walk::new(&self.source.stack, &losses, len);
        let data_bytes = walk.data_bytes().map_err(ConvertError::Source)?;
        let mut out = open(destination, self, layout.virtual_size(), data_bytes)?;
        self.write(&mut *out, layout, &losses, data_bytes, unchanged)
    }

    /// Writes it to `out`, all but the opening.
    pub(crate) fn write(
        &self,
        out: &mut dyn Destination,
        layout: Box<dyn Layout>,
        losses: &Losses,
        data_bytes: u64,
        unchanged: impl Fn() -> Result<(), ConvertError>,
    ) -> Result<ConvertReport, ConvertError> {
        let virtual_size = layout.virtual_size();
        let mut report = self.move_all(out, layout, losses, data_bytes)?;
        report.virtual_size = virtual_size;
        let failed = |path: &Path, error| write_error(path, error);
        if self.options.preallocation == Preallocation::Full {
            let done = out.allocate(report.file_bytes);
            done.map_err(|error| failed(out.path(), error))?;
        }
        unchanged()?;
        Watch::new(self.progress, Stage::Flushing, 0).check()?;
        let begun = Instant::now();
        out.sync().map_err(|error| failed(out.path(), error))?;
        report.flush_time = begun.elapsed();
        if self.options.verification == Verification::ReadBack {
            verify::read_back(self, out, losses, data_bytes)?;
            unchanged()?;
        }
        let room = out.allocated_bytes();
        report.allocated_bytes = room.map_err(|error| failed(out.path(), error))?;
        if self.progress.cancelled() {
            return Err(ConvertError::Cancelled);
        }
        let begun = Instant::now();
        let published = out.publish();
        published.map_err(|error| failed(out.path(), error))?;
        report.flush_time = report.flush_time.saturating_add(begun.elapsed());
        (report.lost, report.lost_bytes) = losses.list();
        Ok(report)
    }

    fn move_all(
        &self,
        out: &dyn Destination,
        layout: Box<dyn Layout>,
        losses: &Losses,
        data_bytes: u64,
    ) -> Result<ConvertReport, ConvertError> {
        let watch = Watch::new(self.progress, Stage::Moving, data_bytes);
        let mover = Mover::new(self.source, out, losses, &watch);
        let len = visible(&*self.source.stack, self.virtual_size);
        let file_bytes = match (self.base, compression(self.target), self.options.zeroes) {
            (Some(base), _, _) => write_difference(&mover, layout, base, self),
            (None, None, Zeroes::AsMapped) => write_mapped(&mover, layout, len),
            (None, compression, Zeroes::AsMapped | Zeroes::Detect) => {
                write_cooked(&mover, layout, len, compression)
            }
        }?;
        Ok(ConvertReport {
            virtual_size: self.virtual_size,
            data_bytes,
            kernel_bytes: mover.kernel_bytes.load(Ordering::Relaxed),
            buffered_bytes: mover.buffered_bytes.load(Ordering::Relaxed),
            zero_bytes: mover.zero_bytes.load(Ordering::Relaxed),
            file_bytes,
            allocated_bytes: 0,
            flush_time: Duration::ZERO,
            lost: Vec::new(),
            lost_bytes: 0,
        })
    }

    fn layout(&self) -> Result<Box<dyn Layout>, ConvertError> {
        let stamp = match self.options.stamp {
            Some(stamp) => stamp,
            None => fresh_stamp()?,
        };
        Ok(self.target.layout(self.virtual_size, &stamp)?)
    }
}

/// How the target's clusters are compressed, if they are.
pub(crate) fn compression(target: &Target) -> Option<Compression> {
    match target {
        Target::Qcow2(spec) => spec.compression,
        Target::Raw | Target::Vhdx(_) | Target::Vhd(_) => None,
    }
}

/// What is written to, if there is room and the caller wants it to be written.
fn open(
    path: &Path,
    order: &Order<'_>,
    virtual_size: u64,
    data_bytes: u64,
) -> Result<Box<dyn Destination>, ConvertError> {
    let existing = order.options.on_existing;
    let kind = |what| ConvertError::DestinationKind {
        path: path.to_path_buf(),
        what,
    };
    // A link that leads nowhere is there too: the new file would take its place.
    let is_link = path.is_symlink();
    match std::fs::metadata(path).map(|meta| meta.file_type()) {
        Err(_) if !is_link => {}
        Ok(there) if there.is_dir() => return Err(kind("it is a folder")),
        Ok(_) | Err(_) if existing == OnExisting::Refuse => {
            let path = path.to_path_buf();
            return Err(ConvertError::DestinationExists { path });
        }
        Ok(there) if there.is_block_device() => {
            refuse_in_use(path)?;
            return open_device(path, order, virtual_size);
        }
        Ok(there) if !there.is_file() => {
            return Err(kind("it is neither a file nor a block device"));
        }
        Ok(_) if existing == OnExisting::KeepOld && cannot_keep_old(path) => {
            let path = old_name(path);
            return Err(ConvertError::DestinationExists { path });
        }
        Ok(_) => refuse_in_use(path)?,
        Err(_) => {}
    }
    let full = order.options.preallocation == Preallocation::Full;
    match (order.base, compression(order.target), full) {
        (_, _, true) => space::check(path, virtual_size)?,
        (None, None, false) => space::check(path, data_bytes)?,
        // Nobody knows.
        (Some(_), _, false) | (None, Some(_), false) => {}
    }
    let file = NewFile::create(path, existing).map_err(|error| write_error(path, error))?;
    Ok(Box::new(file))
}

fn open_device(
    path: &Path,
    order: &Order<'_>,
    virtual_size: u64,
) -> Result<Box<dyn Destination>, ConvertError> {
    let kind = |what| ConvertError::DestinationKind {
        path: path.to_path_buf(),
        what,
    };
    match order.target {
        Target::Raw => {}
        Target::Qcow2(_) | Target::Vhdx(_) | Target::Vhd(_) => {
            return Err(kind("it is a block device, which only takes raw disks"));
        }
    }
    let device = Device::open(path).map_err(|error| write_error(path, error))?;
    if device.len_bytes() < virtual_size {
        return Err(ConvertError::NoRoom {
            path: path.to_path_buf(),
            needed: virtual_size,
            available: device.len_bytes(),
        });
    }
    Ok(Box::new(device))
}

/// Whether an image is one file alone.
pub(crate) fn stands_alone(image: &Image) -> bool {
    image.layers.len() == 1 && image.stack.files().len() == 1
}

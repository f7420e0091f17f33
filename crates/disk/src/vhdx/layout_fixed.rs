//! A new VHDX file of fixed size.

use super::bat_writer::{BatWriter, Filler};
use super::geometry::Geometry;
use super::new_file::{self, BAT_START};
use crate::Stamp;
use crate::layout::{Finish, Layout, LayoutError, Patch, Placed};

/// A new file with a place for every block.
pub(super) struct Fixed {
    geometry: Geometry,
    data_start: u64,
    stamp: Stamp,
    bat: BatWriter,
}

impl Fixed {
    pub(super) fn new(geometry: Geometry, stamp: Stamp) -> Self {
        let data_start = new_file::data_start(&geometry);
        Self {
            geometry,
            data_start,
            stamp,
            bat: BatWriter::new(BAT_START, geometry, Filler::Fixed(data_start)),
        }
    }
}

impl Layout for Fixed {
    fn virtual_size(&self) -> u64 {
        self.geometry.virtual_size
    }

    fn granule(&self) -> u64 {
        1
    }

    fn place(&mut self, offset: u64, len: u64) -> Result<Placed, LayoutError> {
        Ok(Placed {
            offset: self.data_start.saturating_add(offset),
            len,
        })
    }

    fn take_patches(&mut self) -> Vec<Patch> {
        self.bat.take_below(0)
    }

    fn finish(mut self: Box<Self>) -> Result<Finish, LayoutError> {
        let mut patches = self.bat.take_all();
        patches.extend(new_file::patches(&self.geometry, None, &self.stamp));
        let end = self.geometry.block_start(self.geometry.blocks());
        Ok(Finish {
            patches,
            file_len: self.data_start.saturating_add(end),
        })
    }
}

//! A VMDK disk: its extents, one after the other.

use detente_block::ReadError;

use super::details::VmdkDetails;
use super::extent::{Extent, Holes};
use crate::Details;
use crate::layer::{Identity, LayerMap, LayerSpan};

/// An opened VMDK disk.
pub(super) struct Vmdk {
    /// In the order of the guest's view, without gaps.
    pub(super) extents: Vec<Extent>,
    pub(super) size: u64,
    pub(super) details: VmdkDetails,
}

impl Vmdk {
    /// The extent at `offset`, which is inside.
    fn extent(&self, offset: u64) -> Result<&Extent, ReadError> {
        let behind = self
            .extents
            .partition_point(|extent| extent.start <= offset);
        behind
            .checked_sub(1)
            .and_then(|index| self.extents.get(index))
            .ok_or(ReadError::PastEnd {
                offset,
                wanted: 1,
                end: self.size,
            })
    }

    fn find(&self, offset: u64, most: u64, holes: Holes) -> Result<LayerSpan, ReadError> {
        let extent = self.extent(offset)?;
        extent.span(offset.saturating_sub(extent.start), most, holes)
    }
}

impl LayerMap for Vmdk {
    fn virtual_size(&self) -> u64 {
        self.size
    }

    fn span(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        self.find(offset, most, Holes::Find)
    }

    fn span_to_read(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        self.find(offset, most, Holes::Ignore)
    }

    fn read_compressed(&self, offset: u64, part: &mut [u8]) -> Result<(), ReadError> {
        let extent = self.extent(offset)?;
        extent.read_packed(offset.saturating_sub(extent.start), part)
    }

    fn identity(&self) -> Identity {
        self.details
            .content_id
            .map_or(Identity::None, Identity::VmdkContent)
    }

    fn details(&self) -> Details {
        Details::Vmdk(self.details.clone())
    }
}

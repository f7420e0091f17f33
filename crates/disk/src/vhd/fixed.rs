//! A fixed disk: the guest's bytes, and a footer behind them.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::details::VhdDetails;
use crate::Details;
use crate::layer::{Identity, LayerMap, LayerSpan};
use crate::raw::Raw;

/// An opened fixed disk.
pub(super) struct Fixed {
    /// What is before the footer is read like a raw file.
    raw: Raw,
    size: u64,
    details: VhdDetails,
}

impl Fixed {
    pub(super) fn new(file: Arc<dyn BlockRead>, size: u64, details: VhdDetails) -> Self {
        Self {
            raw: Raw::new(file),
            size,
            details,
        }
    }
}

impl LayerMap for Fixed {
    fn virtual_size(&self) -> u64 {
        self.size
    }

    fn span(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        self.raw.span(offset, most)
    }

    fn span_to_read(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        self.raw.span_to_read(offset, most)
    }

    fn read_compressed(&self, offset: u64, part: &mut [u8]) -> Result<(), ReadError> {
        self.raw.read_compressed(offset, part)
    }

    fn identity(&self) -> Identity {
        Identity::VhdUnique(self.details.unique_id)
    }

    fn details(&self) -> Details {
        Details::Vhd(self.details.clone())
    }
}

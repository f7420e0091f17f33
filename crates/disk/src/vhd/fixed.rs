//! A fixed disk: the guest's bytes, and a footer behind them.

use std::sync::Arc;

use detente_block::{BlockRead, ExtentKind, ReadError};

use super::details::VhdDetails;
use crate::Details;
use crate::layer::{Identity, LayerMap, LayerPlace, LayerSpan};

/// An opened fixed disk.
pub(super) struct Fixed {
    file: Arc<dyn BlockRead>,
    size: u64,
    details: VhdDetails,
}

impl Fixed {
    pub(super) fn new(file: Arc<dyn BlockRead>, size: u64, details: VhdDetails) -> Self {
        Self {
            file,
            size,
            details,
        }
    }
}

impl LayerMap for Fixed {
    fn virtual_size(&self) -> u64 {
        self.size
    }

    fn span(&self, offset: u64, _most: u64) -> Result<LayerSpan, ReadError> {
        let extent = self.file.next_extent(offset)?;
        let place = match extent.kind {
            ExtentKind::Data => LayerPlace::File { file: 0, offset },
            ExtentKind::Zero => LayerPlace::Zero {
                room: Some((0, offset)),
            },
        };
        Ok(LayerSpan {
            len: extent.len,
            place,
        })
    }

    fn span_to_read(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        Ok(LayerSpan {
            len: most,
            place: LayerPlace::File { file: 0, offset },
        })
    }

    fn read_compressed(&self, offset: u64, part: &mut [u8]) -> Result<(), ReadError> {
        // Never called: nothing here is compressed.
        self.file.read_exact_at(offset, part)
    }

    fn identity(&self) -> Identity {
        Identity::VhdUnique(self.details.unique_id)
    }

    fn details(&self) -> Details {
        Details::Vhd(self.details.clone())
    }
}

//! The guest's bytes as they are.

use std::sync::Arc;

use detente_block::{BlockRead, ExtentKind, ReadError};

use crate::Details;
use crate::layer::{Identity, LayerMap, LayerPlace, LayerSpan};
use crate::layout::{Finish, Layout, LayoutError, Patch, Placed};

/// A raw file.
pub(crate) struct Raw {
    file: Arc<dyn BlockRead>,
}

impl Raw {
    pub(crate) fn new(file: Arc<dyn BlockRead>) -> Self {
        Self { file }
    }
}

impl LayerMap for Raw {
    fn virtual_size(&self) -> u64 {
        self.file.len_bytes()
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
        Identity::None
    }

    fn details(&self) -> Details {
        Details::Raw
    }
}

/// A new raw file: every byte has its own place.
pub(crate) struct RawLayout {
    virtual_size: u64,
}

impl RawLayout {
    pub(crate) fn new(virtual_size: u64) -> Self {
        Self { virtual_size }
    }
}

impl Layout for RawLayout {
    fn virtual_size(&self) -> u64 {
        self.virtual_size
    }

    fn granule(&self) -> u64 {
        1
    }

    fn place(&mut self, offset: u64, len: u64) -> Result<Placed, LayoutError> {
        Ok(Placed { offset, len })
    }

    fn take_patches(&mut self) -> Vec<Patch> {
        Vec::new()
    }

    fn finish(self: Box<Self>) -> Result<Finish, LayoutError> {
        Ok(Finish {
            patches: Vec::new(),
            file_len: self.virtual_size,
        })
    }
}

//! What one file of a chain says, without the files that it rests on.

use detente_block::ReadError;

use crate::map::ImageFile;
use crate::{Details, Format};

/// One layer: where the bytes are that it holds itself.
pub(crate) trait LayerMap: Send + Sync {
    /// The length of its guest's view.
    fn virtual_size(&self) -> u64;

    /// What it holds at `offset`, joined with neighbours that continue it, up to about `most` bytes.
    /// `offset` is inside; the span is not empty (the caller cuts what goes too far).
    fn span(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError>;

    /// The same for a read, where zeroes need not be told from other bytes: so holes of a raw file
    /// are not looked for.
    fn span_to_read(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        self.span(offset, most)
    }

    /// Fills `part` from the guest's `offset`, which [`LayerMap::span`] called compressed for at
    /// least `part.len()` bytes.
    fn read_compressed(&self, offset: u64, part: &mut [u8]) -> Result<(), ReadError>;

    /// What a child may have written down of this file.
    fn identity(&self) -> Identity;

    /// What there is to say of the file.
    fn details(&self) -> Details;
}

/// A stretch that is alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LayerSpan {
    /// In bytes; never 0.
    pub(crate) len: u64,
    pub(crate) place: LayerPlace,
}

/// Where a layer says that bytes are. `file` counts the layer's own files; 0 is the image itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayerPlace {
    File {
        file: usize,
        offset: u64,
    },
    Compressed {
        file: usize,
        offset: u64,
        len: u64,
    },
    Zero {
        room: Option<(usize, u64)>,
    },
    /// Not here: in the file below, or nowhere.
    Below,
}

/// What tells a file from others that stood at the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The format has none.
    None,
    /// \[MS-VHDX\] 2.2.2: `DataWriteGuid`, as it stands in the header.
    VhdxDataWrite([u8; 16]),
    /// VHD: the footer's unique id.
    VhdUnique([u8; 16]),
    /// VMDK: the content id.
    VmdkContent(u32),
}

/// An opened layer, before it is put on top of others.
pub(crate) struct OpenedLayer {
    pub(crate) map: Box<dyn LayerMap>,
    /// Its own files; the image itself is the first.
    pub(crate) files: Vec<ImageFile>,
    /// The file that it rests on.
    pub(crate) parent: Option<ParentRef>,
}

/// The file that a layer rests on, as the layer names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParentRef {
    /// The names to try, best first; never empty.
    pub(crate) names: Vec<String>,
    /// Where the image states this, for messages.
    pub(crate) at: u64,
    /// The format, if stated; else it is probed.
    pub(crate) format: Option<Format>,
    /// What the parent must be, one of these; none asks nothing.
    pub(crate) identities: Vec<Identity>,
}

//! How a new image is laid out: where each byte goes, and what has to be written around it.
//!
//! A layout does no I/O. The caller asks for places in the order of the guest's view, moves the
//! bytes there as it likes (many at once, inside the kernel), and writes the patches that fall out.
//! The file starts empty: what nobody writes reads as zero.

/// Bytes of the image that are not the guest's: headers and tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where in the file.
    pub offset: u64,
    /// What is to be written there.
    pub bytes: Vec<u8>,
}

/// The place that a stretch of the guest's view got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Where in the file.
    pub offset: u64,
    /// How many bytes go there, from the start of what was asked for; never 0. The rest has to be
    /// asked for anew.
    pub len: u64,
}

/// Where the bytes of a new image go.
pub trait Layout: Send {
    /// The length of the guest's view, which the format may have rounded up.
    fn virtual_size(&self) -> u64;

    /// What is given a place as a whole: one byte of it takes room for all of it.
    fn granule(&self) -> u64;

    /// Gives `[offset, offset + len)` of the guest's view a place. Offsets grow from call to call,
    /// and `offset + len` is at most the virtual size.
    ///
    /// # Errors
    /// [`LayoutError`].
    fn place(&mut self, offset: u64, len: u64) -> Result<Placed, LayoutError>;

    /// Gives one granule's compressed bytes a place: only for layouts that were asked to compress.
    ///
    /// # Errors
    /// [`LayoutError::NotCompressed`] in all others.
    fn place_compressed(&mut self, offset: u64, packed_len: u64) -> Result<Placed, LayoutError> {
        let _ = packed_len;
        Err(LayoutError::NotCompressed { offset })
    }

    /// Says that `[offset, offset + len)` is zero whatever the parent holds. Does nothing in images
    /// that rest on none.
    ///
    /// # Errors
    /// [`LayoutError`].
    fn zero(&mut self, offset: u64, len: u64) -> Result<(), LayoutError> {
        let _ = (offset, len);
        Ok(())
    }

    /// The tables that are complete by now: taken out from time to time, they need not all be held.
    fn take_patches(&mut self) -> Vec<Patch>;

    /// What remains to be written, the headers last, and the file's length.
    ///
    /// # Errors
    /// [`LayoutError`].
    fn finish(self: Box<Self>) -> Result<Finish, LayoutError>;
}

/// The end of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// In the order in which they are to be written.
    pub patches: Vec<Patch>,
    /// The length that the file is to have.
    pub file_len: u64,
}

/// Why an image cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The format has a limit.
    #[error("{format} cannot hold a disk of {virtual_size} bytes: {limit}")]
    TooLarge {
        /// Its name.
        format: &'static str,
        /// As asked for.
        virtual_size: u64,
        /// The limit and where it comes from.
        limit: &'static str,
    },
    /// An option is not one that the format allows.
    #[error("{option} may not be {value}: {allowed}")]
    Option {
        /// Its name.
        option: &'static str,
        /// As asked for.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// The layout does not compress.
    #[error("guest offset {offset:#x} cannot be compressed in this image")]
    NotCompressed {
        /// In the guest's view.
        offset: u64,
    },
}

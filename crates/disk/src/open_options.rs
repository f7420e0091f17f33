//! How an image is to be opened, where the everyday way will not do.

use crate::Format;

/// How an image is to be opened; the default is what [`open`](crate::open) does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// The format of the top file; probed if there is none.
    pub format: Option<Format>,
    /// The internal snapshot of the top file that is to be seen, by its id or its name; the present
    /// state if there is none.
    pub snapshot: Option<String>,
    /// What becomes of the files that the image rests on.
    pub parents: Parents,
}

/// What becomes of the files that an image rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Parents {
    /// They are opened through the gate.
    #[default]
    Follow,
    /// They are left alone: what the image itself does not hold is unallocated, and reads as zero.
    Ignore,
}

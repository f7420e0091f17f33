//! What the caller may choose.

use detente_disk::Stamp;

/// How an image is converted. The default is what is right for almost everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConvertOptions {
    /// What becomes of bytes that are zero though the source keeps room for them.
    pub zeroes: Zeroes,
    /// What becomes of a file that has the destination's name.
    pub on_existing: OnExisting,
    /// What becomes of what cannot be read.
    pub on_unreadable: OnUnreadable,
    /// Whether room is kept for what is empty.
    pub preallocation: Preallocation,
    /// Whether the result is read back and compared before it gets its name.
    pub verification: Verification,
    /// Whether programs that write the source are looked for.
    pub source_lock: SourceLock,
    /// What makes the image unlike any other; drawn when it is not given.
    pub stamp: Option<Stamp>,
}

/// How an empty image is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateOptions {
    /// What becomes of a file that has the name.
    pub on_existing: OnExisting,
    /// Whether room is kept for what is empty.
    pub preallocation: Preallocation,
    /// What makes the image unlike any other; drawn when it is not given.
    pub stamp: Option<Stamp>,
}

/// How the size of an image is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResizeOptions {
    /// Whether it may become smaller.
    pub shrink: Shrink,
    /// Whether the result is read back and compared before it replaces the image.
    pub verification: Verification,
    /// Whether programs that write the image are looked for.
    pub source_lock: SourceLock,
}

/// What becomes of bytes that are zero though the source keeps room for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zeroes {
    /// They are moved like any others: nothing has to be looked at.
    #[default]
    AsMapped,
    /// Blocks of 4 KiB that hold nothing else are left out; everything is read for it.
    Detect,
}

/// What becomes of a file that has the destination's name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnExisting {
    /// It stays, and nothing is written.
    #[default]
    Refuse,
    /// It is replaced once the new one is whole. Block devices are written in place.
    Replace,
    /// The same, but the old file stays: it gets its name with `.before` behind it, which must be free.
    KeepOld,
}

/// What becomes of what cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnUnreadable {
    /// The conversion fails.
    #[default]
    Fail,
    /// It becomes zeroes, and the report lists it.
    Zero,
}

/// Whether room is kept for what is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preallocation {
    /// Empty parts of the file take no room.
    #[default]
    Sparse,
    /// All of the file has its room, so that it cannot run out of it later.
    Full,
}

/// Whether a result is read back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verification {
    /// No.
    #[default]
    Skip,
    /// Yes: from the medium as far as the system lets go of what it remembers, by our readers.
    ReadBack,
}

/// Whether programs that write the source are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SourceLock {
    /// Yes, by QEMU's locks, and we hold such locks ourselves. A changed file is an error anyhow.
    #[default]
    Required,
    /// No: a running machine's disk is read as it stands, which may be torn.
    Ignore,
}

/// Whether an image may become smaller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shrink {
    /// No.
    #[default]
    Refuse,
    /// If what is cut off is all zero.
    OnlyZeroes,
    /// Whatever is cut off.
    DiscardData,
}

//! Why a package database could not be read.

use detente_block::ReadError;

/// Why a package database, or one record of it, could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The storage failed.
    #[error("read of the package database failed")]
    Read(#[from] ReadError),
    /// The bytes are wrong: the package manager would complain too.
    #[error("corrupt package database at offset {offset:#x}: {rule}")]
    Corrupt {
        /// Where in the file; for a rule about a record, where the record was found.
        offset: u64,
        /// The rule that was broken.
        rule: Corruption,
    },
    /// As [`DatabaseError::Corrupt`], in a text.
    #[error("corrupt package database at line {line}: {rule}")]
    CorruptLine {
        /// The first line of the package, counted from 1.
        line: u64,
        /// The rule that was broken.
        rule: Corruption,
    },
    /// The bytes may be right, but we do not read this.
    #[error("unsupported package database: {0}")]
    Unsupported(#[from] Unsupported),
    /// Reading on would cost more than any sound database does.
    #[error("package database exceeds a limit: {0}")]
    LimitExceeded(#[from] Limit),
}

impl DatabaseError {
    pub(crate) fn corrupt(offset: u64, rule: Corruption) -> Self {
        Self::Corrupt { offset, rule }
    }

    /// Whether the records after this one can still be read: true of bytes that are wrong in one
    /// record, not of storage that fails.
    pub(crate) fn is_of_one_record(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::CorruptLine { .. })
    }
}

/// A rule of a format that was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// The file ends inside a structure.
    #[error("the file ends inside {part}")]
    Truncated {
        /// What it ended in.
        part: &'static str,
    },
    /// The size of pages is not one that the format allows.
    #[error("pages of {0} bytes")]
    PageSize(u64),
    /// A page number that the file does not have.
    #[error("page {page} of {pages}")]
    PageOutside {
        /// The number.
        page: u32,
        /// How many there are.
        pages: u32,
    },
    /// Every page belongs to one tree, bucket or record.
    #[error("page {0} is used twice")]
    PageUsedTwice(u32),
    /// A page of another kind than the one that points to it says.
    #[error("page {page} is of kind {found}, not {wanted}")]
    PageKind {
        /// The page.
        page: u32,
        /// What it says it is.
        found: u8,
        /// What it must be.
        wanted: &'static str,
    },
    /// A cell or item that does not lie inside its page.
    #[error("item {item} of page {page} lies outside of it")]
    ItemOutside {
        /// The page.
        page: u32,
        /// Which item.
        item: u16,
    },
    /// The schema names no table `Packages`.
    #[error("there is no table Packages")]
    NoTable,
    /// A row that is not a number and a blob.
    #[error("row {0} holds no blob")]
    NoBlob(u64),
    /// A record is shorter than its length says.
    #[error("a record ends after {found} of {wanted} bytes")]
    RecordEnds {
        /// How many bytes there are.
        found: u64,
        /// How many it needs.
        wanted: u64,
    },
    /// A slot or blob of ndb without its magic number.
    #[error("{part} has the wrong magic number")]
    Magic {
        /// What should have it.
        part: &'static str,
    },
    /// A blob of ndb that is not where, or not as long as, its slot says.
    #[error("the blob of package {0} disagrees with its slot")]
    BlobDiffers(u32),
    /// Blobs of ndb do not overlap.
    #[error("blobs take more room than the file has")]
    BlobsOverlap,
    /// An RPM header's length follows from its two counts.
    #[error("a header of {entries} entries and {data} bytes in a record of {record} bytes")]
    HeaderLength {
        /// Its count of index entries.
        entries: u32,
        /// Its count of data bytes.
        data: u32,
        /// How long the record is.
        record: u64,
    },
    /// An index entry of an RPM header that points outside its data, or into another's.
    #[error("tag {tag} lies at {at} of {data} bytes of data")]
    TagOutside {
        /// The tag.
        tag: u32,
        /// Where its data should be.
        at: u32,
        /// How many bytes there are.
        data: u32,
    },
    /// An index entry of an RPM header with another type than the tag has.
    #[error("tag {tag} is of type {kind}")]
    TagType {
        /// The tag.
        tag: u32,
        /// The type that it says.
        kind: u32,
    },
    /// A package without what every package has.
    #[error("a package without {0}")]
    Missing(&'static str),
    /// A name or version longer than any package manager allows.
    #[error("{0} is too long")]
    LongText(&'static str),
    /// A `Status` of dpkg that is not three words.
    #[error("status {0:?} is not three words")]
    Status(String),
}

/// What we do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// Neither of RPM's three stores.
    #[error("neither sqlite, ndb nor a Berkeley DB hash")]
    Store,
    /// A later version of a store.
    #[error("{store} of version {version}")]
    Version {
        /// Which store.
        store: &'static str,
        /// The version it says.
        version: u32,
    },
    /// Berkeley DB can encrypt; rpm never did.
    #[error("an encrypted Berkeley DB")]
    Encrypted,
}

/// What a sound database stays below. Chosen well above the largest that are known: a Fedora with
/// ten thousand packages has 400 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`MAX_PAGES`](crate::MAX_PAGES).
    #[error("more than {} pages", crate::MAX_PAGES)]
    Pages,
    /// [`MAX_PACKAGES`](crate::MAX_PACKAGES).
    #[error("more than {} packages", crate::MAX_PACKAGES)]
    Packages,
    /// [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES).
    #[error("a text of more than {} bytes", crate::MAX_TEXT_BYTES)]
    Text,
}

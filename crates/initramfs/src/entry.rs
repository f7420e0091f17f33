//! One entry of an archive.

use crate::header::Header;

/// The bits of `mode` that tell what an entry is (`S_IFMT`).
const TYPE_MASK: u32 = 0o170_000;

/// A file, directory, link or node of an initramfs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name without a leading `/` or `./`, otherwise as stored (`..` included). Bytes that are
    /// not UTF-8 are replaced. The root itself is `.`.
    pub name: String,
    /// Type and permissions, as in `st_mode`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// How many bytes of data come with this entry. With hard links it is 0 for all but one name.
    pub size: u64,
    /// Modification time in seconds since 1970.
    pub mtime: u32,
    /// Where a symbolic link points to.
    pub link_target: Option<String>,
    /// Which segment it is from, counted from 0.
    pub segment: u32,
    /// How many names the file has.
    pub nlink: u32,
    /// The first name of the same file in this archive, when this is a further one. Data that comes
    /// with any of the names belongs to all of them.
    pub hard_link_to: Option<String>,
    /// Major and minor number of a device node.
    pub rdev: (u32, u32),
}

impl Entry {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        kind_of(self.mode)
    }

    pub(crate) fn new(name: String, header: &Header, segment: u32) -> Self {
        Self {
            name,
            mode: header.mode,
            uid: header.uid,
            gid: header.gid,
            size: u64::from(header.filesize),
            mtime: header.mtime,
            link_target: None,
            segment,
            nlink: header.nlink,
            hard_link_to: None,
            rdev: (header.rmaj, header.rmin),
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// Type bits that mean nothing; the kernel ignores the entry.
    Unknown(u32),
}

pub(crate) fn kind_of(mode: u32) -> EntryKind {
    match mode & TYPE_MASK {
        0o100_000 => EntryKind::File,
        0o040_000 => EntryKind::Directory,
        0o120_000 => EntryKind::Symlink,
        0o020_000 => EntryKind::CharDevice,
        0o060_000 => EntryKind::BlockDevice,
        0o010_000 => EntryKind::Fifo,
        0o140_000 => EntryKind::Socket,
        other => EntryKind::Unknown(other),
    }
}

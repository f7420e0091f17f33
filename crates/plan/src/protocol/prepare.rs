//! Changing a guest from within: the orders.
//!
//! Each answers with an observation of `prepare/seen.rs`. What was refused is seen like anything
//! else; a task fails only where the guest's kernel did.

mod bytes;
mod path;
mod seen;

use serde::{Deserialize, Serialize};

pub use bytes::{Bytes, NotHex};
pub use path::{GuestPath, NotAPath};
pub use seen::{
    ChangeEnd, FileContent, FileSeen, FileState, MountSynced, Removed, Space, Spaces, Synced,
    ToolEnd, ToolRun, Written,
};

/// The longest content that lies in the message itself; what is longer comes by the payload disk.
pub const INLINE_LIMIT_BYTES: usize = 32 * 1024;

/// The most files that one task describes.
pub const MAX_DESCRIBED: usize = 256;

/// The longest line of a tool that is told while it runs; the rest of it is left out.
pub const PROGRESS_LINE_BYTES: usize = 240;

/// The most lines of one progress message.
pub const PROGRESS_LINES: usize = 16;

/// The time between two progress messages of a tool.
pub const PROGRESS_EVERY_MS: u64 = 500;

/// The serial number of the payload disk, where a machine shows one.
pub const PAYLOAD_SERIAL: &str = "detente-payload";

/// How the first sector of the payload disk begins. The run's id follows, then zeros.
pub const PAYLOAD_MAGIC: [u8; 16] = *b"detente-payload\n";

/// A sector of the payload disk. Each content begins with one, the first behind the header's.
pub const PAYLOAD_SECTOR_BYTES: u64 = 512;

/// Puts a file in its place: under another name in the same folder first, synced, then renamed.
///
/// Links in the path are followed as the guest would follow them, and [`Written::resolved`] says
/// where that led. A last name that is a link is followed too, so that what it names is written;
/// but a link is replaced itself where one is written, or demanded before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// The file. Folders that are missing are made, and reported.
    pub path: GuestPath,
    /// What is to be in it.
    pub content: Content,
    /// What has to be there now.
    pub before: Before,
    /// Permission bits; those of the file that is there, else 0644.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// Who owns it; as the file that is there, else root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// When it was modified; now, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Moment>,
    /// Extended attributes. If nothing is said, those of the file that is there; a new file gets
    /// its SELinux label by the guest's own `restorecon`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xattrs: Option<Vec<Xattr>>,
}

/// Takes a file or a link away. Links to folders are followed, one in the last name is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveFile {
    /// The file.
    pub path: GuestPath,
    /// What has to be there now.
    pub before: Before,
    /// Folders to take away afterwards, in this order, as far as nothing is in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty_folders: Vec<GuestPath>,
}

/// A condition on what is in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Before {
    /// None.
    Anything,
    /// There is nothing of that name.
    Absent,
    /// There is a regular file with this content.
    File {
        /// SHA-256, as hex.
        sha256: String,
    },
    /// There is a symbolic link.
    Link {
        /// What is in it.
        target: String,
    },
}

/// What a file is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "kebab-case")]
pub enum Content {
    /// These bytes, at most [`INLINE_LIMIT_BYTES`].
    Message {
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes of the payload disk.
    Payload(PayloadSpan),
    /// No bytes: a symbolic link. Permissions and times are not set for one.
    Link {
        /// What is in it, any text of at most 4000 bytes.
        target: String,
    },
}

/// Bytes of the payload disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadSpan {
    /// The run that the disk was made for, as its header says.
    pub run_id: String,
    /// Where they begin, a multiple of [`PAYLOAD_SECTOR_BYTES`].
    pub offset_bytes: u64,
    /// How many there are.
    pub len_bytes: u64,
    /// Their SHA-256, as hex; other bytes are not written.
    pub sha256: String,
}

/// Who owns a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A time as file systems keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Since 1970, perhaps before.
    pub seconds: i64,
    /// Below a thousand million.
    pub nanoseconds: u32,
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Xattr {
    /// `security.selinux`.
    pub name: String,
    /// Its value as it is stored, with the NUL that some end with.
    pub value: Bytes,
}

/// Runs a program of the guest's in the guest's root, with an empty standard input and a clean
/// environment: `PATH`, `HOME=/root`, `LANG=C`, `LC_ALL=C`, `TERM=dumb`, `SYSTEMD_OFFLINE=1` (units
/// are enabled on the disk, and none is started), and what is said here.
///
/// What it says is told while it runs ([`AgentMessage::Progress`](super::AgentMessage::Progress)),
/// and its end is kept. When the time of the task is nearly over, it and all that it has started is
/// killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTool {
    /// The program and its arguments: a whole path, or a name that is looked up in `PATH`.
    pub argv: Vec<String>,
    /// More environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// Where it starts; `/` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<GuestPath>,
    /// How much of the end of each output is reported, at most 64 KiB.
    pub tail_bytes: u32,
}

//! What came of a change, and what is in the guest.

use serde::{Deserialize, Serialize};

use super::{Moment, Owner, Xattr};

/// How an order to write or to remove ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeEnd {
    /// It is as was ordered, and synced.
    Done,
    /// What was demanded of the place did not hold; nothing was changed.
    Refused,
}

/// A file was written, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Whether it was.
    pub end: ChangeEnd,
    /// Where the path led: another one than was ordered where links are in it.
    pub resolved: String,
    /// What was there.
    pub found: FileState,
    /// What is there now.
    pub left: FileState,
    /// Folders that were made, the outermost first.
    pub made_folders: Vec<String>,
    /// Whether the guest's `restorecon` gave the label; none if it was not asked.
    pub relabelled: Option<bool>,
}

/// A file was removed, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Whether it was.
    pub end: ChangeEnd,
    /// Where the path led.
    pub resolved: String,
    /// What was there.
    pub found: FileState,
    /// Folders that were removed.
    pub removed_folders: Vec<String>,
}

/// A place and what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeen {
    /// As it was asked for.
    pub path: String,
    /// What the last name points to, if it is a link.
    pub link: Option<String>,
    /// Where the path leads; nothing where the way does not exist.
    pub resolved: Option<String>,
    /// What is there, links followed.
    pub state: FileState,
}

/// What is in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum FileState {
    /// Nothing.
    Absent,
    /// A regular file.
    File(Box<FileContent>),
    /// A symbolic link that was not followed.
    Link {
        /// What is in it; bytes that are no UTF-8 are replaced.
        target: String,
    },
    /// Something else.
    Other {
        /// `folder`, `device`, `pipe`, `socket`.
        kind: String,
    },
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, as hex.
    pub sha256: String,
    /// Permission bits.
    pub mode: u32,
    /// Who owns it.
    pub owner: Owner,
    /// When it was modified.
    pub modified: Moment,
    /// How many names it has.
    pub names: u64,
    /// Extended attributes, by name.
    pub xattrs: Vec<Xattr>,
}

/// A program of the guest's has run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolRun {
    /// How it ended.
    pub end: ToolEnd,
    /// How long it ran.
    pub elapsed_ms: u64,
    /// The end of its standard output; bytes that are no UTF-8 are replaced.
    pub output_tail: String,
    /// How long all of its standard output was.
    pub output_bytes: u64,
    /// The end of its standard error.
    pub error_tail: String,
    /// How long all of its standard error was.
    pub error_bytes: u64,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum ToolEnd {
    /// By itself.
    Exited {
        /// 0 is success.
        status: i32,
    },
    /// By a signal.
    Signalled {
        /// Its number.
        signal: i32,
    },
    /// It was killed because its time was over.
    TimedOut,
    /// There is no such program in the guest.
    Missing,
}

/// Everything that was written is on its disks, where no mount says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// Every mounted file system that has a disk, at most 1024.
    pub mounts: Vec<MountSynced>,
}

/// A file system that was synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountSynced {
    /// Where it is mounted.
    pub place: String,
    /// Its kind, `ext4`.
    pub filesystem: String,
    /// Why it could not be synced, if it could not.
    pub error: Option<String>,
}

/// Room, place by place, in the order of the question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spaces {
    /// The room.
    pub spaces: Vec<Space>,
}

/// Room in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// As it was asked for.
    pub path: String,
    /// What root may still write, in bytes.
    pub free_bytes: u64,
    /// All of it.
    pub total_bytes: u64,
    /// Files that can still be made; none where the file system does not count them.
    pub free_files: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

//! What stands at a path: before a change, and after it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FileState {
    /// Nothing.
    Absent,
    /// A regular file.
    File(FileFacts),
    /// A symbolic link.
    Link {
        /// Its target.
        target: String,
    },
    /// A folder, a device, a socket, a pipe.
    Other,
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// How many they are.
    pub len_bytes: u64,
    /// Its permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// When its bytes were last changed, in seconds since 1970. It is put back, and not compared.
    pub modified_s: i64,
    /// Who owns it. Absent where it was not looked at: what reads the image from outside does not
    /// tell it; the agent does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Its extended attributes by name, two hexadecimal digits a byte; `security.selinux` among
    /// them. Absent where they were not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xattrs: Option<BTreeMap<String, String>>,
}

/// The owner of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl FileState {
    /// Whether both stand for the same bytes and permissions. What one of them did not look at, and
    /// when the bytes were last changed, says nothing.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(own), Self::File(other)) => own.is_same(other),
            (Self::Absent, Self::Absent) | (Self::Other, Self::Other) => true,
            (Self::Link { target: own }, Self::Link { target }) => own == target,
            (Self::Absent | Self::File(_) | Self::Link { .. } | Self::Other, _) => false,
        }
    }
}

impl FileFacts {
    fn is_same(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(own: &Option<T>, other: &Option<T>) -> bool {
            match (own, other) {
                (Some(own), Some(other)) => own == other,
                (None, _) | (_, None) => true,
            }
        }
        self.sha256 == other.sha256
            && self.len_bytes == other.len_bytes
            && self.mode == other.mode
            && agree(&self.owner, &other.owner)
            && agree(&self.xattrs, &other.xattrs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> FileFacts {
        FileFacts {
            sha256: "00".to_owned(),
            len_bytes: 1,
            mode: 0o644,
            modified_s: 1,
            owner: None,
            xattrs: None,
        }
    }

    #[test]
    fn what_was_not_looked_at_does_not_differ() {
        let seen = FileFacts {
            modified_s: 9,
            owner: Some(Owner { uid: 0, gid: 0 }),
            ..file()
        };
        assert!(FileState::File(file()).is_same(&FileState::File(seen.clone())));
        let stranger = FileFacts {
            owner: Some(Owner { uid: 1, gid: 0 }),
            ..file()
        };
        assert!(!FileState::File(seen).is_same(&FileState::File(stranger)));
        let open = FileFacts {
            mode: 0o666,
            ..file()
        };
        assert!(!FileState::File(file()).is_same(&FileState::File(open)));
        assert!(!FileState::File(file()).is_same(&FileState::Absent));
        assert!(FileState::Absent.is_same(&FileState::Absent));
    }
}

//! One change of a guest.

use serde::{Deserialize, Serialize};

use super::{FileState, Tool};

/// A change of a guest. Paths are absolute and as the running guest sees them, without symbolic
/// links in them: whoever writes replaces the file itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// A file is written: new, or instead of what is there. Owner and labels of a file that is
    /// there are kept; a new one belongs to root and gets its folder's default label.
    Write {
        /// The file. Folders above it that are missing are made, with mode 0755.
        path: String,
        /// What is to be in it.
        content: Content,
        /// Its permission bits; absent: those of the file that is there, else 0644.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<u32>,
        /// What is there now. Where it differs when the change is made, it is not made.
        before: FileState,
    },
    /// A file or a symbolic link is removed.
    Remove {
        /// The file.
        path: String,
        /// What is there now. Where it differs when the change is made, it is not made.
        before: FileState,
    },
    /// A program of the guest's own is run.
    Run {
        /// The program and what it is to do.
        tool: Tool,
        /// The files that it is expected to change, for the journal.
        touches: Vec<Touched>,
    },
}

impl Change {
    /// The files that the change is known to touch.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let (own, touched): (Option<&str>, &[Touched]) = match self {
            Self::Write { path, .. } | Self::Remove { path, .. } => (Some(path), &[]),
            Self::Run { touches, .. } => (None, touches),
        };
        own.into_iter()
            .chain(touched.iter().map(|touched| touched.path.as_str()))
    }
}

/// A file that a program is expected to change, and what is there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// The file.
    pub path: String,
    /// What is there now.
    pub before: FileState,
}

/// What is written into a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Content {
    /// Text.
    Text {
        /// All of it.
        text: String,
    },
    /// Bytes that are no UTF-8: configuration in an older encoding.
    Bytes {
        /// All of it, two hexadecimal digits a byte.
        #[serde(with = "hex")]
        hex: Vec<u8>,
    },
    /// What another file of the guest holds. Its bytes are read from the image
    /// ([`Guest::content`](crate::Guest::content)).
    Copy {
        /// That file.
        path: String,
        /// The SHA-256 of its bytes, in hexadecimal digits.
        sha256: String,
        /// How many they are.
        len_bytes: u64,
    },
}

impl Content {
    /// Bytes, as text where they are.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text { text },
            Err(error) => Self::Bytes {
                hex: error.into_bytes(),
            },
        }
    }

    /// The bytes, where they are in the plan itself.
    #[must_use]
    pub fn inline(&self) -> Option<&[u8]> {
        match self {
            Self::Text { text } => Some(text.as_bytes()),
            Self::Bytes { hex } => Some(hex),
            Self::Copy { .. } => None,
        }
    }
}

/// Bytes as hexadecimal digits.
mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::super::digest::hex(bytes))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        super::super::digest::unhex(&text).ok_or_else(|| D::Error::custom("no hexadecimal digits"))
    }
}

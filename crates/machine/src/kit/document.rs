//! `kit.json`: what the script reads.

use serde::{Deserialize, Serialize};

use crate::encoding::{NotText, decode};
use crate::hyperv_inventory::VirtualMachine;

/// A kit with every disk that Hyper-V gives a machine has a hundredth of it.
const MAX_BYTES: usize = 16 << 20;

/// A machine to be made on a Hyper-V host, and the files that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kit {
    /// [`Kit::SCHEMA`].
    pub schema: String,
    /// What made it: `detente 0.1.0`.
    pub made_by: String,
    /// The machine in Hyper-V's words; paths of disks are names of files in the kit.
    pub machine: VirtualMachine,
    /// The disks.
    pub files: Vec<KitFile>,
}

/// A file of a kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitFile {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub length_bytes: u64,
    /// Its SHA-256, in lower case.
    pub sha256: String,
}

/// Why a kit was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadKitError {
    /// It is longer than any.
    #[error("{size_bytes} bytes are too many for a kit's description")]
    TooLarge {
        /// Its length.
        size_bytes: usize,
    },
    /// It is no text.
    #[error("the kit's description is no text")]
    NotText(#[from] NotText),
    /// It is no JSON, or not of the right shape.
    #[error("not a kit's description")]
    Json(#[from] serde_json::Error),
    /// It is another document, or a newer one.
    #[error(
        "this is {found:?}; detente reads {:?} and is too old for newer ones",
        Kit::SCHEMA
    )]
    Schema {
        /// What the document calls itself.
        found: String,
    },
    /// It names a file that is not in its folder.
    #[error("the kit names the file {name:?}, which is no plain name")]
    Name {
        /// The name.
        name: String,
    },
}

/// What every document of ours starts with.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
}

impl Kit {
    /// The name of the document.
    pub const SCHEMA: &str = "detente/hyperv-kit/1";

    /// A kit of a machine and its disks.
    #[must_use]
    pub fn new(made_by: &str, machine: VirtualMachine, files: Vec<KitFile>) -> Self {
        Self {
            schema: Self::SCHEMA.to_owned(),
            made_by: made_by.to_owned(),
            machine,
            files,
        }
    }

    /// Reads a kit's description.
    ///
    /// # Errors
    /// [`ReadKitError`].
    pub fn from_json(json: &[u8]) -> Result<Self, ReadKitError> {
        if json.len() > MAX_BYTES {
            let size_bytes = json.len();
            return Err(ReadKitError::TooLarge { size_bytes });
        }
        let text = decode(json)?;
        let head: Head = serde_json::from_str(&text)?;
        if head.schema != Self::SCHEMA {
            let found = head.schema.chars().take(64).collect();
            return Err(ReadKitError::Schema { found });
        }
        let kit: Self = serde_json::from_str(&text)?;
        let paths = kit.machine.hard_disk_drives.iter();
        let paths = paths.filter_map(|drive| drive.path.as_deref());
        let names = kit.files.iter().map(|file| file.name.as_str()).chain(paths);
        for name in names {
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':', '\0']) {
                let name = name.chars().take(64).collect();
                return Err(ReadKitError::Name { name });
            }
        }
        Ok(kit)
    }

    /// The document, with line breaks for people.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        let mut text = text.expect("strings, numbers and lists are JSON");
        text.push('\n');
        text
    }
}

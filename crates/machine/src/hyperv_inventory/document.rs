//! The document that the script writes.

use serde::{Deserialize, Serialize};

use super::VirtualMachine;
use super::lenient::{list, said};
use crate::encoding::{NotText, decode};
use crate::spec::Uuid;

/// A host with a thousand machines has a tenth of it.
const MAX_BYTES: usize = 64 << 20;

/// What a host has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// [`Inventory::SCHEMA`].
    pub schema: String,
    /// The host.
    #[serde(default)]
    pub host: Option<InventoryHost>,
    /// Machines.
    #[serde(default, deserialize_with = "list")]
    pub machines: Vec<VirtualMachine>,
}

/// The host that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryHost {
    /// Its version: `10.0.20348.0`.
    #[serde(default, deserialize_with = "said")]
    pub version: Option<String>,
    /// What it calls itself: `Microsoft Windows Server 2022 Standard`.
    #[serde(default, deserialize_with = "said")]
    pub product: Option<String>,
}

/// Why an inventory was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// It is longer than any.
    #[error("{size_bytes} bytes are too many for an inventory")]
    TooLarge {
        /// Its length.
        size_bytes: usize,
    },
    /// It is no text.
    #[error("the inventory is no text")]
    NotText(#[from] NotText),
    /// It is no JSON, or not of the right shape.
    #[error("not an inventory of Hyper-V")]
    Json(#[from] serde_json::Error),
    /// It is another document, or a newer one.
    #[error(
        "this is {found:?}; detente reads {:?} and is too old for newer ones",
        Inventory::SCHEMA
    )]
    Schema {
        /// What the document calls itself.
        found: String,
    },
    /// It has no machine.
    #[error("the inventory has no machine")]
    Empty,
    /// It has no machine of that name or id.
    #[error("the inventory has no machine {wanted:?}; it has {has}")]
    NoSuch {
        /// What was asked for.
        wanted: String,
        /// What there is.
        has: String,
    },
    /// It has several, and none was asked for, or several have the name.
    #[error("the inventory has several machines: {has}")]
    Several {
        /// What there is.
        has: String,
    },
}

/// What every document of ours starts with.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
}

impl Inventory {
    /// The name of the document.
    pub const SCHEMA: &str = "detente/hyperv-inventory/1";

    /// Reads an inventory, in whatever encoding PowerShell wrote it.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn from_json(json: &[u8]) -> Result<Self, InventoryError> {
        if json.len() > MAX_BYTES {
            let size_bytes = json.len();
            return Err(InventoryError::TooLarge { size_bytes });
        }
        let text = decode(json)?;
        let head: Head = serde_json::from_str(&text)?;
        if head.schema != Self::SCHEMA {
            let found = head.schema.chars().take(64).collect();
            return Err(InventoryError::Schema { found });
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// The machine of a name or an id; the only one without.
    ///
    /// # Errors
    /// [`InventoryError::NoSuch`], [`InventoryError::Several`], [`InventoryError::Empty`].
    pub fn machine(&self, wanted: Option<&str>) -> Result<&VirtualMachine, InventoryError> {
        let id: Option<Uuid> = wanted.and_then(|wanted| wanted.parse().ok());
        let is_wanted = |machine: &&VirtualMachine| match wanted {
            None => true,
            Some(name) => machine.name == name || (id.is_some() && machine.id == id),
        };
        let found: Vec<_> = self.machines.iter().filter(is_wanted).collect();
        match (found.as_slice(), wanted) {
            ([one], _) => Ok(one),
            ([], Some(wanted)) => Err(InventoryError::NoSuch {
                wanted: wanted.to_owned(),
                has: names(self.machines.iter()),
            }),
            ([], None) => Err(InventoryError::Empty),
            (several, _) => Err(InventoryError::Several {
                has: names(several.iter().copied()),
            }),
        }
    }
}

/// A few names, with ids where there are any.
fn names<'a>(machines: impl Iterator<Item = &'a VirtualMachine>) -> String {
    let mut names: Vec<String> = machines
        .map(|machine| match machine.id {
            Some(id) => format!("{:?} ({id})", machine.name),
            None => format!("{:?}", machine.name),
        })
        .collect();
    if names.len() > 8 {
        let more = names.len().saturating_sub(8);
        names.truncate(8);
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

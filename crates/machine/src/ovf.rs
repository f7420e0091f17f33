//! OVF envelopes and OVA archives, read: what other hypervisors export.
//!
//! [`parse()`] reads the envelope of versions 1 and 2 of the standard ([DMTF DSP0243]). An OVA is a
//! tar archive whose first entry is the envelope; [`Archive`] says where its entries are, so that
//! disks are read in place. [`Manifest`] holds the digests that go with a package.
//!
//! The standard has no word for Secure Boot templates, for the state of a TPM or for memory that
//! grows, so OVF is read and never written here.
//!
//! ```
//! let envelope = br#"<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1">
//!   <References/>
//!   <VirtualSystem id="web"><VirtualHardwareSection>
//!     <Item><InstanceID>1</InstanceID><ResourceType>3</ResourceType>
//!       <VirtualQuantity>2</VirtualQuantity></Item>
//!   </VirtualHardwareSection></VirtualSystem></Envelope>"#;
//! let envelope = detente_machine::ovf::parse(envelope)?;
//! let items = envelope.systems[0].items_of(None);
//! assert_eq!(items[0].quantity, Some(2));
//! # Ok::<(), detente_machine::ovf::OvfError>(())
//! ```

mod archive;
mod envelope;
mod href;
mod items;
mod manifest;
mod to_spec;
mod units;

pub use archive::{Archive, ArchiveEntry, ArchiveError};
pub use envelope::parse;
pub use href::file_of;
pub use items::{Item, Resource};
pub use manifest::{Algorithm, Manifest, ManifestEntry, ManifestError, Mismatch};

use crate::XmlError;

/// A package's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Files of the package.
    pub files: Vec<FileReference>,
    /// Virtual disks, whether or not a file holds their content.
    pub disks: Vec<DiskDescription>,
    /// Names of networks that adapters are connected to.
    pub networks: Vec<String>,
    /// Sizes of the machine to choose from; the default one first, if one is marked so.
    pub configurations: Vec<Configuration>,
    /// The machines, those of collections too.
    pub systems: Vec<VirtualSystem>,
    /// Sections that must be understood (`ovf:required`) and are not read here.
    pub not_read: Vec<String>,
}

/// A file of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReference {
    /// What disks call it by.
    pub id: String,
    /// Its name as written; [`file_of`] gives the path.
    pub href: String,
    /// Its length, if said.
    pub size_bytes: Option<u64>,
    /// How it is compressed as a whole, if it is: `gzip`.
    pub compression: Option<String>,
    /// How long its pieces are, if it comes in pieces.
    pub chunk_bytes: Option<u64>,
}

/// A virtual disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskDescription {
    /// What items call it by.
    pub id: String,
    /// The file that holds its content; an empty disk has none.
    pub file: Option<String>,
    /// The size that the guest sees, in bytes; the file knows it better.
    pub capacity_bytes: Option<u64>,
    /// The format of the file, as a URI.
    pub format: Option<String>,
    /// The disk that it rests on, if any.
    pub parent: Option<String>,
}

/// A size of the machine to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// What items name.
    pub id: String,
    /// For people.
    pub label: String,
    /// Whether it is the one without a choice.
    pub default: bool,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualSystem {
    /// Its id in the envelope.
    pub id: String,
    /// Its name, if it has one beside the id.
    pub name: Option<String>,
    /// What the package says is installed, for people.
    pub operating_system: Option<String>,
    /// The guest's kind in the writer's own words: `rhel6_64Guest`, `Ubuntu_64`.
    pub operating_system_type: Option<String>,
    /// The hardware families that it is for: `vmx-08`, `virtualbox-2.2`.
    pub families: Vec<String>,
    /// The firmware, where the writer says it; the standard has no word for it.
    pub firmware: Option<Firmware>,
    /// Whether Secure Boot is on, where the writer says it.
    pub secure_boot: Option<bool>,
    /// Notes of its owner.
    pub annotation: Option<String>,
    /// Devices of all configurations.
    pub items: Vec<Item>,
    /// What the machine has and the standard has no device for: a TPM by VMware's key.
    pub tpm: bool,
}

/// What starts the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// A BIOS.
    Bios,
    /// UEFI.
    Uefi,
}

impl VirtualSystem {
    /// The devices of one configuration: those of every configuration, unless one of the same
    /// number is there for this one.
    #[must_use]
    pub fn items_of(&self, configuration: Option<&str>) -> Vec<&Item> {
        let is_for = |item: &Item| {
            let chosen =
                configuration.is_some_and(|id| item.configurations.iter().any(|c| c == id));
            (item.configurations.is_empty(), chosen)
        };
        let replaced = |item: &Item| {
            let same = |other: &&Item| other.instance == item.instance && is_for(other).1;
            self.items.iter().any(|other| same(&other))
        };
        let wanted = |item: &&Item| match is_for(item) {
            (_, true) => true,
            (true, false) => !replaced(item),
            (false, false) => false,
        };
        self.items.iter().filter(wanted).collect()
    }
}

/// Why an envelope was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OvfError {
    /// It is no XML that is read.
    #[error("the envelope is not sound XML")]
    Xml(#[from] XmlError),
    /// It is XML of another kind.
    #[error("<{name}> of {namespace:?} is not an OVF envelope of version 1 or 2")]
    NotEnvelope {
        /// The element that holds all others.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// It breaks a rule of the standard.
    #[error("the envelope breaks a rule: {rule}")]
    Invalid {
        /// The rule, and what breaks it.
        rule: String,
    },
    /// It is sound, and not something that is read.
    #[error("not supported in an envelope: {what}")]
    Unsupported {
        /// What it is.
        what: String,
    },
}

//! What there is to say of a qcow2 file.

use detente_block::ReadError;

use super::compressed::Compression;
use super::spec::Qcow2Version;
use super::unsupported;
use crate::Format;

/// What there is to say of a qcow2 file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qcow2Details {
    /// Which version of the format.
    pub version: Qcow2Version,
    /// The size of a cluster in bytes.
    pub cluster_bytes: u64,
    /// How compressed clusters are compressed, if there are some.
    pub compression: Compression,
    /// Whether clusters are divided into 32 subclusters.
    pub extended_l2: bool,
    /// The width of a refcount: 1 to 64.
    pub refcount_bits: u32,
    /// What the header says of the state that the file was left in.
    pub marks: Qcow2Marks,
    /// The file that it rests on, as it is named.
    pub backing: Option<Qcow2BackingName>,
    /// The file that holds the guest's bytes, if it is another one.
    pub data_file: Option<Qcow2DataFile>,
    /// How the guest's bytes are encrypted; such an image is described, but not read.
    pub encryption: Option<Qcow2Encryption>,
    /// The internal snapshots, as far as their table can be read.
    pub snapshots: Vec<Qcow2Snapshot>,
    /// The bitmaps, as far as their directory can be read.
    pub bitmaps: Vec<Qcow2Bitmap>,
    /// Whether the bitmaps were kept up to date by whoever wrote last.
    pub bitmaps_consistent: bool,
    /// What is wrong with the table of snapshots or the directory of bitmaps. The guest's view does
    /// not depend on them.
    pub broken: Vec<String>,
}

/// What the header says of the state that the file was left in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Qcow2Marks {
    /// It was not closed: refcounts may be wrong.
    pub dirty: bool,
    /// QEMU found something wrong, and writes to it no more.
    pub corrupt: bool,
    /// Refcounts may be written late.
    pub lazy_refcounts: bool,
}

/// The file that an image rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qcow2BackingName {
    /// Its name, as it is spelt.
    pub name: String,
    /// Its format, as it is spelt.
    pub format: Option<String>,
}

/// The file that holds the guest's bytes of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qcow2DataFile {
    /// Its name, as it is spelt.
    pub name: String,
    /// Whether it alone is a raw image with the same content.
    pub raw: bool,
}

/// How the guest's bytes are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qcow2Encryption {
    /// AES-CBC with a password as the key, which QEMU gave up.
    Aes,
    /// LUKS.
    Luks,
    /// A method that we do not know.
    Unknown(u32),
}

/// An internal snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qcow2Snapshot {
    /// Its id, which no other has.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was taken: seconds since 1970.
    pub date_seconds: u32,
    /// And nanoseconds.
    pub date_nanoseconds: u32,
    /// How long the guest had been running, in nanoseconds.
    pub vm_clock_nanoseconds: u64,
    /// How many bytes of the machine's state come with it.
    pub vm_state_bytes: u64,
    /// The length of the guest's view then.
    pub virtual_size: u64,
    /// How many instructions the guest had run, if QEMU counted.
    pub icount: Option<u64>,
}

/// A bitmap of what was written since some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qcow2Bitmap {
    /// Its name.
    pub name: String,
    /// A bit stands for 2 to the power of this many bytes.
    pub granularity_bits: u8,
    /// It was not saved as it should have been.
    pub in_use: bool,
    /// It is kept up to date whenever the image is written.
    pub auto: bool,
}

impl Qcow2Details {
    /// The error for an image that is described, but not read.
    pub(crate) fn refuse_unreadable(&self) -> Result<(), ReadError> {
        let what = match self.encryption {
            Some(Qcow2Encryption::Aes) => "a qcow2 image encrypted with AES".to_owned(),
            Some(Qcow2Encryption::Luks) => "a qcow2 image encrypted with LUKS".to_owned(),
            Some(Qcow2Encryption::Unknown(method)) => {
                format!("a qcow2 image with encryption method {method}")
            }
            None => return self.refuse_unknown_backing(),
        };
        Err(unsupported(32, what))
    }

    /// Probing instead would let a guest choose the format by what it writes.
    fn refuse_unknown_backing(&self) -> Result<(), ReadError> {
        match &self.backing {
            Some(backing) if backing.known_format().is_none() && backing.format.is_some() => {
                let format = backing.format.as_deref().unwrap_or_default();
                let what = format!("a backing file of format {format:?}");
                Err(unsupported(8, what))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Qcow2BackingName {
    /// The format that is stated, if we know it.
    pub(super) fn known_format(&self) -> Option<Format> {
        let formats = [
            Format::Raw,
            Format::Qcow2,
            Format::Vhdx,
            Format::Vhd,
            Format::Vmdk,
        ];
        let name = self.format.as_deref()?;
        formats
            .into_iter()
            .find(|format| format.qemu_name() == name)
    }
}

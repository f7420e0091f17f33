//! The options of a new qcow2 image.

use super::compressed::Compression;
use crate::Format;

/// The options of a new qcow2 image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qcow2Spec {
    /// Which version of the format.
    pub version: Qcow2Version,
    /// The size of a cluster: 2 to the power of 9 to 21 bytes, 14 to 21 with subclusters.
    pub cluster_bits: u32,
    /// How clusters are compressed, if they are.
    pub compression: Option<Compression>,
    /// Whether clusters are divided into 32 subclusters (version 3).
    pub extended_l2: bool,
    /// What the image rests on.
    pub backing: Option<Qcow2Backing>,
}

/// The versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qcow2Version {
    /// QEMU 0.10's (`compat=0.10`).
    V2,
    /// QEMU 1.1's (`compat=1.1`).
    V3,
}

/// What a new qcow2 image rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qcow2Backing {
    /// As the image is to name it.
    pub path: String,
    /// Its format, so that nobody has to guess it.
    pub format: Format,
}

impl Default for Qcow2Spec {
    /// What `qemu-img create` makes: version 3, clusters of 64 KiB, nothing compressed.
    fn default() -> Self {
        Self {
            version: Qcow2Version::V3,
            cluster_bits: 16,
            compression: None,
            extended_l2: false,
            backing: None,
        }
    }
}

//! Rules of the header, and the titles of the specification's sections.

use super::Checker;
use crate::finding::Severity;
use crate::qcow2::details::Qcow2Encryption;
use crate::qcow2::features::Features;
use crate::qcow2::header::Version;

pub(super) const HEADER: &str = "[qcow2] Header";
pub(super) const BITMAPS_EXTENSION: &str = "[qcow2] Bitmaps extension";
pub(super) const ENCRYPTION_HEADER: &str = "[qcow2] Full disk encryption header pointer";
pub(super) const HOST_CLUSTERS: &str = "[qcow2] Host cluster management";
pub(super) const CLUSTER_MAPPING: &str = "[qcow2] Cluster mapping";
pub(super) const EXTENDED_L2: &str = "[qcow2] Extended L2 Entries";
pub(super) const SNAPSHOTS: &str = "[qcow2] Snapshots";
pub(super) const BITMAPS: &str = "[qcow2] Bitmaps";

impl Checker<'_> {
    /// What the header says that it may not, besides what keeps it from being opened.
    pub(super) fn header(&mut self) {
        let header = self.header;
        let features = header.features;
        let marks = [
            (
                features.dirty(),
                "qcow2.header.dirty",
                "the image was not closed",
            ),
            (
                features.corrupt(),
                "qcow2.header.corrupt",
                "the image is marked as corrupt",
            ),
        ];
        for (set, rule, what) in marks {
            if set {
                self.add(Severity::Note, rule, Features::AT, HEADER, what.to_owned());
            }
        }
        if header.version == Version::V3 && !header.header_length.is_multiple_of(8) {
            let what = format!(
                "header_length is {}, no multiple of 8",
                header.header_length
            );
            self.broken("qcow2.header.length", 100, HEADER, what);
        }
        if features.raw_data_file() && !features.data_file() {
            let what = "the raw external data bit is set without an external data file";
            self.broken("qcow2.header.raw-data-file", 88, HEADER, what.to_owned());
        }
        if features.raw_data_file() && header.backing.is_some() {
            let what = "there are a backing file and a raw external data file";
            self.broken("qcow2.header.raw-data-file", 8, HEADER, what.to_owned());
        }
        if features.bitmaps() && header.extensions.bitmaps.is_none() {
            let what = "the bitmaps bit is set, but there is no bitmaps extension";
            self.broken("qcow2.header.bitmaps", 88, HEADER, what.to_owned());
        }
        let luks = header.encryption == Some(Qcow2Encryption::Luks);
        if luks != header.extensions.encryption.is_some() {
            let what = "there is an encryption header if, and only if, the method is LUKS";
            self.broken(
                "qcow2.header.encryption",
                32,
                ENCRYPTION_HEADER,
                what.to_owned(),
            );
        }
    }
}

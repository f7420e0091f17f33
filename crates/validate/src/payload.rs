//! The payload disk: what is to be written into a guest, where the channel to its agent is too
//! narrow.
//!
//! A raw image. Its first sector says whose it is ([`PAYLOAD_MAGIC`], the run's id); each content
//! begins with a sector behind it. The machine gets it as its last disk, below an overlay of its
//! own as every disk: what a guest writes to it reaches nobody, and the agent writes no bytes into
//! the guest but those with the digest that the order names. The agent knows it by its serial
//! number ([`PAYLOAD_SERIAL`]) and its header.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use detente_disk::{Format, OverlaySpec, empty_overlay};
use detente_machine::{DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, Profile};
use detente_plan::protocol::{PAYLOAD_MAGIC, PAYLOAD_SECTOR_BYTES, PAYLOAD_SERIAL, PayloadSpan};
use sha2::{Digest as _, Sha256};

use crate::ValidateError;
use crate::agent::hex;
use crate::folder::write_file;

/// The image's length is a multiple of this: partition tools and hosts like whole mebibytes.
const ROUND_BYTES: u64 = 1 << 20;
const CHUNK_BYTES: usize = 1 << 20;

/// A payload disk that is being made.
#[derive(Debug)]
pub(crate) struct PayloadWriter {
    file: File,
    path: PathBuf,
    run_id: String,
    next: u64,
}

/// A payload disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    path: PathBuf,
    len_bytes: u64,
}

impl PayloadWriter {
    /// Begins the image; `run_id` is the order's.
    pub(crate) fn create(path: &Path, run_id: &str) -> Result<Self, ValidateError> {
        let mut header = PAYLOAD_MAGIC.to_vec();
        header.extend_from_slice(run_id.as_bytes());
        assert!(
            header.len() as u64 <= PAYLOAD_SECTOR_BYTES,
            "a run's id is short"
        );
        let file = File::create_new(path).and_then(|file| {
            file.write_all_at(&header, 0)?;
            Ok(file)
        });
        let file = file.map_err(|source| write_error(path, source))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            run_id: run_id.to_owned(),
            next: PAYLOAD_SECTOR_BYTES,
        })
    }

    /// Adds a content, to its end; where it lies is what an order names.
    pub(crate) fn add(&mut self, mut content: impl Read) -> Result<PayloadSpan, ValidateError> {
        let offset_bytes = self.next;
        let (mut digest, mut at) = (Sha256::new(), offset_bytes);
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let failed = |source| write_error(&self.path, source);
            let count = content.read(&mut buffer).map_err(failed)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            self.file.write_all_at(bytes, at).map_err(failed)?;
            digest.update(bytes);
            at = at.saturating_add(bytes.len() as u64);
        }
        self.next = at.next_multiple_of(PAYLOAD_SECTOR_BYTES);
        Ok(PayloadSpan {
            run_id: self.run_id.clone(),
            offset_bytes,
            len_bytes: at.saturating_sub(offset_bytes),
            sha256: hex(&digest.finalize()),
        })
    }

    /// Ends the image.
    pub(crate) fn finish(self) -> Result<Payload, ValidateError> {
        let len_bytes = self.next.next_multiple_of(ROUND_BYTES);
        let ended = self.file.set_len(len_bytes);
        ended.map_err(|source| write_error(&self.path, source))?;
        Ok(Payload {
            path: self.path,
            len_bytes,
        })
    }
}

impl Payload {
    /// The disk for a machine of this profile, to be put behind its others; its overlay is made in
    /// `work`.
    pub(crate) fn disk(&self, profile: Profile, work: &Path) -> Result<LaunchDisk, ValidateError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ValidateError::Overlay {
            path: self.path.clone(),
            source,
        };
        let path = std::path::absolute(&self.path).map_err(|error| failed(error.into()))?;
        let bytes = empty_overlay(&OverlaySpec {
            virtual_size: self.len_bytes,
            backing_path: path.to_string_lossy().into_owned(),
            backing_format: Format::Raw,
        });
        let overlay = work.join("payload.overlay");
        write_file(&overlay, &bytes.map_err(|error| failed(Box::new(error)))?)?;
        let format = ImageFormat::Raw;
        Ok(LaunchDisk {
            overlay,
            below: DiskBelow::Files(vec![DiskFile { path, format }]),
            bus: match profile {
                Profile::Kvm => DiskBus::Virtio,
                Profile::KvmLegacy => DiskBus::Sata,
                Profile::HypervVmbus => DiskBus::Vmbus,
            },
            serial: PAYLOAD_SERIAL.to_owned(),
        })
    }
}

fn write_error(path: &Path, source: std::io::Error) -> ValidateError {
    ValidateError::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_begin_with_a_sector_and_are_what_was_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payload.raw");
        let mut writer = PayloadWriter::create(&path, "run-7").unwrap();
        let long = vec![0xa5; CHUNK_BYTES + 3];
        let spans = [&b"abc"[..], b"", &long].map(|content| writer.add(content).unwrap());
        let payload = writer.finish().unwrap();

        assert_eq!(
            spans.clone().map(|span| span.offset_bytes),
            [512, 1024, 1024]
        );
        assert_eq!(
            spans.clone().map(|span| span.len_bytes),
            [3, 0, long.len() as u64]
        );
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(spans[0].sha256, abc);
        let image = std::fs::read(&path).unwrap();
        assert_eq!(image.len(), 2 << 20);
        assert!(image.starts_with(b"detente-payload\nrun-7\0"));
        assert_eq!(&image[512..516], b"abc\0");
        assert_eq!(&image[1024..1024 + long.len()], long);

        let disk = payload.disk(Profile::KvmLegacy, folder.path()).unwrap();
        assert_eq!(
            (disk.bus, &*disk.serial),
            (DiskBus::Sata, "detente-payload")
        );
        assert!(disk.overlay.is_file());
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payload.raw");
        std::fs::write(&path, "somebody's").unwrap();
        assert!(PayloadWriter::create(&path, "run-7").is_err());
    }
}

//! The disks of a guest: images of random content, each below an overlay.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use detente_machine::{DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk};
use sha2::{Digest as _, Sha256};

use crate::told::Told;

const MIB: usize = 1 << 20;

/// The sizes of the disks; each its own, so that they cannot be mistaken for each other.
const SIZES_MIB: [usize; 2] = [8, 4];

const SECTOR_BYTES: usize = 512;

/// Where the guest writes 64 KiB.
pub(crate) const WRITTEN_SECTOR: usize = 4096;
const WRITTEN_BYTES: usize = 64 << 10;

/// Where the second disk comes again after it was taken away.
pub(crate) const MOVED_LUN: u8 = 5;

/// How long it is then made, from 4 MiB.
pub(crate) const GROWN_BYTES: u64 = 6 << 20;

/// The disks of a guest.
pub(crate) struct Disks {
    folder: PathBuf,
    /// The content of each image, as it was made.
    contents: Vec<Vec<u8>>,
}

impl Disks {
    /// Makes so many of them.
    pub(crate) fn make(folder: &Path, count: usize) -> Self {
        let sizes = SIZES_MIB[..count].iter();
        let disks = Self {
            folder: folder.to_owned(),
            contents: sizes.map(|size| random(size * MIB)).collect(),
        };
        for (index, content) in disks.contents.iter().enumerate() {
            fs::write(disks.image(index), content).unwrap();
            let mut create = Command::new("qemu-img");
            create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]);
            create.args([disks.image(index), disks.overlay(index)]);
            assert!(create.status().unwrap().success());
        }
        disks
    }

    fn image(&self, index: usize) -> PathBuf {
        self.folder.join(format!("disk{index}.raw"))
    }

    fn overlay(&self, index: usize) -> PathBuf {
        self.folder.join(format!("disk{index}.qcow2"))
    }

    /// As a machine takes them.
    pub(crate) fn specs(&self) -> Vec<LaunchDisk> {
        let spec = |index| LaunchDisk {
            overlay: self.overlay(index),
            below: DiskBelow::Files(vec![DiskFile {
                path: self.image(index),
                format: ImageFormat::Raw,
            }]),
            bus: DiskBus::Vmbus,
            serial: format!("detente{index}"),
        };
        (0..self.count()).map(spec).collect()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.contents.len()
    }

    /// What the guest says of a disk: `disk with LUN 0: 16384 sectors, ...`.
    fn as_told(&self, index: usize, lun: u8) -> String {
        let content = &self.contents[index];
        let sectors = content.len() / SECTOR_BYTES;
        let digest = sha256(&content[..MIB]);
        format!("disk with LUN {lun}: {sectors} sectors, driver hv_storvsc, first MiB {digest}")
    }

    /// The guest read what the images hold and wrote into the overlay, and the images are as they
    /// were.
    pub(crate) fn check(&self, told: &Told) {
        told.says(&self.as_told(0, 0));
        if self.count() > 1 {
            told.says(&self.as_told(1, 1));
        }
        if told.moved {
            told.says(&self.as_told(1, MOVED_LUN));
            let sectors = GROWN_BYTES / 512;
            let zeros = sha256(&[0; WRITTEN_BYTES]);
            told.says(&format!(
                "resized LUN {MOVED_LUN}: {sectors} sectors, last 64 KiB {zeros}"
            ));
        }
        let written = told.value_of("written ");
        let (written, read) = written.split_once(" read ").unwrap();
        assert_eq!(written, read);
        let raw = self.folder.join("written.raw");
        let mut convert = Command::new("qemu-img");
        convert.args(["convert", "-O", "raw"]);
        convert.args([self.overlay(0), raw.clone()]);
        assert!(convert.status().unwrap().success());
        let at = WRITTEN_SECTOR * SECTOR_BYTES;
        let overlay = fs::read(raw).unwrap();
        assert_eq!(sha256(&overlay[at..at + WRITTEN_BYTES]), written);
        self.check_images();
    }

    /// The images are as they were.
    pub(crate) fn check_images(&self) {
        for (index, content) in self.contents.iter().enumerate() {
            assert!(fs::read(self.image(index)).unwrap() == *content);
        }
    }
}

fn random(bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    let mut source = File::open("/dev/urandom").unwrap();
    source.read_exact(&mut content).unwrap();
    content
}

/// A word that nobody can know before.
pub(crate) fn nonce() -> String {
    hex(&random(16))
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

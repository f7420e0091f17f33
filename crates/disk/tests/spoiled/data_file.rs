//! Images whose data is in a file of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{ClosedGate, Gate, GateError, MemoryBackend, Opened};
use detente_disk::{Format, OpenError, open, open_layer};

use crate::Expect::Corrupt;
use crate::header::details;
use crate::header::extended;
use crate::support::{self, at, check_content, put};
use crate::{Behind, disk, matches};

#[test]
fn an_external_data_file_comes_through_the_gate() {
    let mut image = extended(0x4441_5441, b"/etc/shadow");
    put(&mut image, 72, &4_u64.to_be_bytes());
    // No compressed cluster, and one at offset 0.
    put(&mut image, at::L2 + 16, &(1_u64 << 63).to_be_bytes());
    let error = disk(image.clone(), &ClosedGate).err().unwrap();
    let OpenError::DataFile(GateError::Refused { name, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(name, "/etc/shadow");
    // What the header says can be had all the same.
    let file = Arc::new(MemoryBackend::new(image.clone()));
    let layer = open_layer(Path::new("top"), file, &ClosedGate).unwrap();
    assert_eq!(layer.format, Format::Qcow2);
    let disk = disk(image.clone(), &Behind(vec![0x77; at::DATA + 512])).unwrap();
    let mut content = vec![0; support::SOUND_SIZE];
    content[..512].fill(0x77);
    content[1024..1536].fill(0x77);
    check_content(&*disk, &content, "external data file");
    let data_file = details(image.clone()).data_file.unwrap();
    assert_eq!(
        (data_file.name.as_str(), data_file.raw),
        ("/etc/shadow", false)
    );
    put(&mut image, 88, &2_u64.to_be_bytes());
    assert!(details(image).data_file.unwrap().raw);
}

/// Yields files under the name that the image itself has.
struct Itself(Vec<u8>);

impl Gate for Itself {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let opened = Behind(self.0.clone()).open(name)?;
        let path = PathBuf::from("top");
        Ok(Opened { path, ..opened })
    }
}

#[test]
fn an_image_is_not_its_own_data_file() {
    let mut image = extended(0x4441_5441, b"self");
    put(&mut image, 72, &4_u64.to_be_bytes());
    let file = Arc::new(MemoryBackend::new(image.clone()));
    let Err(OpenError::Loop { error, .. }) = open(Path::new("top"), file, &Itself(image)) else {
        panic!("it was opened");
    };
    matches(&error, &Corrupt(112, "\"self\" is the image itself"));
}

#[test]
fn clusters_of_an_external_data_file_are_not_compressed() {
    let mut image = extended(0x4441_5441, b"data");
    put(&mut image, 72, &4_u64.to_be_bytes());
    let disk = disk(image, &Behind(vec![0x77; 0x1000])).unwrap();
    let error = disk.read_exact_at(1024, &mut [0; 1]).unwrap_err();
    matches(&error, &Corrupt(at::L2 as u64 + 16, "external data file"));
}

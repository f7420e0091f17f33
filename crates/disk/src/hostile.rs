//! The hostile exerciser: opens, walks, reads, maps and checks whatever it is given, all bounded. It
//! must come back, with errors or without.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, Gate, GateError, MemoryBackend, Opened};

use crate::map::Mapped;
use crate::{Image, Layer, OpenOptions, Parents, check, open, open_layer, open_with};

/// How many extents are asked for.
const MAX_EXTENTS: u32 = 2000;
/// How much is read at the start of an extent, and how often.
const READ_BYTES: u64 = 5000;
const MAX_READS: u32 = 200;

/// A VMDK of one extent, whatever its file is.
const SE_SPARSE: &[u8] = b"# Disk DescriptorFile\nRW 164 SESPARSE \"extent\"\n";

/// Opens `bytes` as an image, walks all its extents, reads at each of them, and checks the file,
/// within bounds.
pub fn exercise(bytes: &[u8]) {
    let file: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(bytes.to_vec()));
    let gate = SameBytes {
        file: Arc::clone(&file),
        depth: 3,
    };
    let path = Path::new("hostile");
    match open(path, Arc::clone(&file), &gate) {
        Ok(image) => {
            walk(&image);
            map(&image);
            image.layers.iter().for_each(describe);
        }
        Err(error) => drop(error.to_string()),
    }
    match check(&*file) {
        Ok(report) => drop(format!("{report:?}")),
        Err(error) => drop(error.to_string()),
    }
    let alone = OpenOptions {
        snapshot: Some("1".to_owned()),
        parents: Parents::Ignore,
        ..OpenOptions::default()
    };
    if let Ok(image) = open_with(path, Arc::clone(&file), &gate, &alone) {
        walk(&image);
    }
    if let Ok(layer) = open_layer(path, file, &gate) {
        describe(&layer);
    }
    // Some extents are told by the descriptor only, not by a magic number.
    let descriptor = Arc::new(MemoryBackend::new(SE_SPARSE.to_vec()));
    if let Ok(image) = open(path, descriptor, &gate) {
        walk(&image);
        map(&image);
    }
}

fn describe(layer: &Layer) {
    drop(format!("{layer:?}"));
}

/// Walks the map of the whole chain.
fn map(image: &Image) {
    let size = image.stack.len_bytes();
    let mut offset = 0;
    for _ in 0..MAX_EXTENTS {
        let Ok(extent) = image.stack.map_extent(offset, u64::MAX) else {
            break;
        };
        let end = extent.offset.checked_add(extent.len);
        assert!(
            extent.offset == offset && extent.len > 0 && end.is_some_and(|end| end <= size),
            "not an extent: {extent:?}"
        );
        offset = offset.saturating_add(extent.len);
    }
}

fn walk(image: &Image) {
    let disk = &*image.reader;
    let mut offset = 0;
    let mut reads = 0;
    for _ in 0..MAX_EXTENTS {
        let Ok(extent) = disk.next_extent(offset) else {
            break;
        };
        assert!(
            extent.offset == offset && extent.len > 0,
            "not an extent: {extent:?}"
        );
        let end = offset.checked_add(extent.len);
        assert!(
            end.is_some_and(|end| end <= disk.len_bytes()),
            "too long: {extent:?}"
        );
        if reads < MAX_READS {
            read(disk, offset);
            reads = u32::saturating_add(reads, 1);
        }
        offset = offset.saturating_add(extent.len);
    }
    read(disk, disk.len_bytes().saturating_sub(READ_BYTES));
    assert!(
        disk.read_exact_at(disk.len_bytes(), &mut [0]).is_err(),
        "read past the end"
    );
}

fn read(disk: &dyn BlockRead, offset: u64) {
    let len = disk.len_bytes().saturating_sub(offset).min(READ_BYTES);
    let mut bytes = vec![0; usize::try_from(len).expect("it was bounded")];
    if let Err(error) = disk.read_exact_at(offset, &mut bytes) {
        drop(error.to_string());
    }
}

/// Yields the same bytes whatever the name, some files deep.
struct SameBytes {
    file: Arc<dyn BlockRead>,
    depth: u32,
}

impl Gate for SameBytes {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(GateError::Refused {
                name: name.to_owned(),
                rule: "deep enough",
            });
        };
        let gate = Box::new(Self {
            file: Arc::clone(&self.file),
            depth,
        });
        let path = PathBuf::from(format!("hostile-{depth}"));
        Ok(Opened {
            reader: Arc::clone(&self.file),
            path,
            gate,
        })
    }
}

//! Says where each byte of a disk is: `map IMAGE [FOLDER...]`. The image may name files of its own
//! folder, and of the folders that are given.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use detente_block::{BlockRead as _, DirectoryGate, FileBackend};
use detente_disk::{Mapped as _, Place, open};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().ok_or("map IMAGE [FOLDER...]")?;
    let path = Path::new(&path);
    // What the image names, and what those files name in turn, opens through the gate or not at all.
    let gate = arguments.fold(DirectoryGate::beside(path), |gate, folder| {
        gate.allow(folder.into())
    });
    let image = open(path, Arc::new(FileBackend::open(path)?), &gate)?;

    let mut out = std::io::stdout().lock();
    for layer in &image.layers {
        let format = layer.format.qemu_name();
        writeln!(out, "{format} {}", layer.path.display())?;
    }
    let mut offset = 0;
    while offset < image.stack.len_bytes() {
        let extent = image.stack.map_extent(offset, u64::MAX)?;
        let what = match extent.place {
            Place::File { file, offset } => format!("file {} at {offset:#x}", file.0),
            Place::Compressed { file, offset, len } => {
                format!(
                    "at most {len} bytes, packed, of file {} at {offset:#x}",
                    file.0
                )
            }
            Place::Zero { .. } => "zero".to_owned(),
            Place::Unallocated => "nowhere".to_owned(),
        };
        writeln!(out, "{:#x} + {:#x}: {what}", extent.offset, extent.len)?;
        // An extent starts where it was asked for and is never empty, so this ends.
        offset = extent.offset.saturating_add(extent.len);
    }
    Ok(())
}

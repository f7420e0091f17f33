//! Lists every directory of every volume of a raw disk, reads its largest file, and says how long
//! that took: `cargo run --release -p detente-volume --example walk -- DISK`.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use detente_block::{BlockRead, FileBackend};
use detente_volume::{FileKind, FileSystem, FsError, open, survey};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let path: PathBuf = std::env::args_os().nth(1).ok_or("which disk?")?.into();
    let disk: Arc<dyn BlockRead> = Arc::new(FileBackend::open(&path)?);
    let start = Instant::now();
    let found = survey(&disk)?;
    println!(
        "{:?}: {:?}, {} volumes {:?}",
        start.elapsed(),
        found.table,
        found.volumes.len(),
        found.notes
    );
    for volume in &found.volumes {
        println!(
            "{} at {}: {:?}",
            volume.number, volume.offset, volume.content
        );
        let start = Instant::now();
        match open(volume) {
            Ok(fs) => measure(fs.as_ref(), start)?,
            Err(error) => println!("  {error}"),
        }
    }
    Ok(())
}

fn measure(fs: &dyn FileSystem, start: Instant) -> Outcome {
    println!("  opened in {:?}", start.elapsed());
    let start = Instant::now();
    let (mut directories, mut files) = (0, Vec::new());
    let mut ahead = vec![String::new()];
    while let Some(path) = ahead.pop() {
        directories += 1;
        for entry in fs.read_dir(if path.is_empty() { "/" } else { &path })? {
            let child = format!("{path}/{}", entry.name);
            match entry.kind {
                FileKind::Directory => ahead.push(child),
                FileKind::File => files.push(child),
                FileKind::Symlink | FileKind::Special => {}
            }
        }
    }
    println!(
        "  listed {directories} directories, {} files in {:?}",
        files.len(),
        start.elapsed()
    );
    let start = Instant::now();
    let mut largest = (0, String::new());
    for path in files {
        let len = fs.metadata(&path)?.len;
        if len > largest.0 {
            largest = (len, path);
        }
    }
    println!("  metadata of every file in {:?}", start.elapsed());
    if !largest.1.is_empty() {
        read(fs, &largest.1)?;
    }
    Ok(())
}

fn read(fs: &dyn FileSystem, path: &str) -> Result<(), FsError> {
    let start = Instant::now();
    let bytes = fs.read(path, 1 << 30)?;
    println!(
        "  read {path}, {} bytes in {:?}",
        bytes.len(),
        start.elapsed()
    );
    Ok(())
}

//! Walks an initramfs and says how fast that went: `cargo run --release --example initramfs_speed FILE`.

use std::io::{Write, stdout};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use detente_block::FileBackend;
use detente_initramfs::{BlockReader, Limits, probe, walk};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: initramfs_speed FILE")?;
    let file = Arc::new(FileBackend::open(Path::new(&path))?);
    let started = Instant::now();
    let found = probe(BlockReader::new(file.clone()), &Limits::default())?;
    let probed = started.elapsed();
    let started = Instant::now();
    let segments = walk(BlockReader::new(file), &Limits::default(), &mut |_, _| {
        ControlFlow::Continue(())
    })?;
    let walked = started.elapsed();
    let mut out = stdout().lock();
    for segment in &segments {
        writeln!(out, "{segment:?}")?;
    }
    let bytes: u64 = segments.iter().map(|segment| segment.unpacked_bytes).sum();
    let per_second = u128::from(bytes) * 1000 / walked.as_micros().max(1) / 1000;
    writeln!(out, "probe: {} segments in {probed:?}", found.len())?;
    writeln!(
        out,
        "walk: {bytes} bytes unpacked in {walked:?}, {per_second} MB/s"
    )?;
    Ok(())
}

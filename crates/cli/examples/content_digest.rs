//! The digest of an image's content, and how long it took (`cargo xtask bench digest`).
//!
//! `cargo run --release --example content_digest -- IMAGE` prints a line of JSON.
#![expect(clippy::print_stdout, reason = "an example is a program of its own")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Context as _;
use detente_block::{DirectoryGate, FileBackend, content_digest};
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let path: PathBuf = std::env::args_os().nth(1).context("wanted: IMAGE")?.into();
    let started = Instant::now();
    let file = Arc::new(FileBackend::open(&path).with_context(|| path.display().to_string())?);
    let image = detente_disk::open(&path, file, &DirectoryGate::beside(&path))?;
    let digest = content_digest(image.reader.as_ref(), &AtomicBool::new(false))?
        .context("nobody cancelled it")?;
    println!(
        "{}",
        json!({
            "seconds": started.elapsed().as_secs_f64(),
            "read_bytes": digest.read_bytes,
            "virtual_bytes": image.reader.len_bytes(),
            "digest": digest.to_hex(),
        })
    );
    Ok(())
}

//! Looks into several archives at a time, on the cores that there are.
//!
//! A stream says how much memory its decoder needs. All decoders at work share
//! [`DECODER_MEMORY_BYTES`]: first each gets its part;
//! what needs more than that is read afterwards, alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use detente_block::BlockRead;
use detente_initramfs::{BlockReader, DECODER_MEMORY_BYTES, InitramfsError, Limit, Limits, walk};

use super::contents::Collector;
use crate::facts::{InitramfsImage, InitramfsRole};

/// A part of less than 10 MiB would not hold the windows that distributions use (8 MiB).
const MAX_WORKERS: usize = 4;

/// An image, and its bytes.
type Job<'a> = (&'a mut InitramfsImage, Arc<dyn BlockRead>);

/// Fills in what each image holds.
pub(super) fn fill(images: &mut [InitramfsImage], files: Vec<Arc<dyn BlockRead>>) {
    let jobs: Vec<Job<'_>> = images.iter_mut().zip(files).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.min(MAX_WORKERS).min(jobs.len()).max(1);
    let part = u64::try_from(workers)
        .ok()
        .and_then(|workers| DECODER_MEMORY_BYTES.checked_div(workers));
    let part = part.unwrap_or(DECODER_MEMORY_BYTES);
    let queue = Mutex::new(jobs);
    let greedy = Mutex::new(Vec::new());
    let work = || {
        while let Some(job) = take(&queue) {
            if let Some(job) = read(job, part) {
                greedy
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(job);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    while let Some(job) = take(&greedy) {
        let _ = read(job, DECODER_MEMORY_BYTES);
    }
}

fn take<'a>(jobs: &Mutex<Vec<Job<'a>>>) -> Option<Job<'a>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// Reads one image; gives it back if it needs more memory than its part.
fn read<'a>((image, file): Job<'a>, memory: u64) -> Option<Job<'a>> {
    let mut collector = Collector::new(image.role == InitramfsRole::Rescue);
    let limits = Limits {
        decoder_memory_bytes: memory,
        ..Limits::default()
    };
    let result = walk(
        BlockReader::new(Arc::clone(&file)),
        &limits,
        &mut |entry, data| collector.visit(entry, data),
    );
    match result {
        Ok(segments) => image.contents = Some(collector.finish(&segments)),
        Err(InitramfsError::LimitExceeded {
            limit: Limit::DecoderMemory(_),
            ..
        }) if memory < DECODER_MEMORY_BYTES => return Some((image, file)),
        Err(error) => {
            // A damaged one still has what was read of it.
            image.damage = Some(error.to_string());
            image.contents = Some(collector.finish(&[]));
        }
    }
    None
}

//! Does everything with bytes that may be anything: what the hostile tests and the fuzzer run.

use std::io;
use std::ops::ControlFlow;

use crate::DECODER_MEMORY_BYTES;
use crate::{InitramfsError, Limits, kernel, probe, uki, walk};

/// Small enough that one round takes milliseconds.
const LIMITS: Limits = Limits {
    unpacked_bytes: 8 << 20,
    entries: 2_000,
    name_bytes: 4096,
    segments: 16,
    decoder_memory_bytes: DECODER_MEMORY_BYTES,
};

/// Opens `bytes` as everything that this crate reads, and reads all of it. Returns how many of the
/// readers were content; never panics.
#[must_use]
pub fn exercise(bytes: &[u8]) -> u32 {
    let walked = walk_all(bytes).is_ok();
    let probed = probe(bytes, &LIMITS).is_ok();
    let image = uki::parse(bytes).inspect(exercise_uki).is_ok();
    let kernel = kernel::parse(bytes)
        .map(|info| (info.release().len(), info.is_x86_64()))
        .is_ok();
    [walked, probed, image, kernel].map(u32::from).iter().sum()
}

fn walk_all(bytes: &[u8]) -> Result<(), InitramfsError> {
    let mut entries = 0_u32;
    walk(bytes, &LIMITS, &mut |entry, data| {
        // Every third is read to its end, every third in part, every third ignored.
        entries = entries.wrapping_add(1);
        let read = match entries % 3 {
            0 => io::copy(data, &mut io::sink()).map(|_| ()),
            1 => data.read(&mut [0; 7]).map(|_| ()),
            _ => Ok(()),
        };
        let _ = (entry.kind(), read);
        ControlFlow::Continue(())
    })?;
    Ok(())
}

fn exercise_uki(image: &uki::Uki<'_>) {
    let _ = (
        image.machine(),
        image.cmdline(),
        image.osrel(),
        image.uname(),
    );
    let _ = image.linux().map(kernel::parse);
    for archive in [image.ucode(), image.initrd()].into_iter().flatten() {
        let _ = walk_all(archive);
    }
}

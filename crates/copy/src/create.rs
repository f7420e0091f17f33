//! Empty images.

use std::path::Path;
use std::sync::Arc;

use detente_block::{ClosedGate, MemoryBackend};
use detente_disk::{Format, OpenOptions, Target, open_with};

use crate::convert::Order;
use crate::{
    ConvertError, ConvertOptions, ConvertReport, CreateOptions, SourceLock, Unwatched, Zeroes,
};

/// Makes an empty image for a disk of `virtual_size` bytes at `destination`. If the target rests on a
/// parent, the parent shows through.
///
/// # Errors
/// As [`convert`](crate::convert()); the destination is then what it was before.
pub fn create(
    target: &Target,
    virtual_size: u64,
    destination: &Path,
    options: &CreateOptions,
) -> Result<ConvertReport, ConvertError> {
    let raw = OpenOptions {
        format: Some(Format::Raw),
        ..OpenOptions::default()
    };
    // A disk without a byte: nothing is moved, and nothing said to be zero.
    let nothing = Arc::new(MemoryBackend::new(Vec::new()));
    let nothing = open_with(Path::new(""), nothing, &ClosedGate, &raw);
    let nothing = nothing.expect("a raw disk cannot be corrupt");
    let options = ConvertOptions {
        on_existing: options.on_existing,
        preallocation: options.preallocation,
        stamp: options.stamp,
        source_lock: SourceLock::Ignore,
        zeroes: Zeroes::AsMapped,
        ..ConvertOptions::default()
    };
    let order = Order {
        source: &nothing,
        base: None,
        target,
        virtual_size,
        options: &options,
        progress: &Unwatched,
    };
    order.carry_out(destination, || Ok(()))
}

//! Framing and negotiation, with one field spoiled at a time; requests and their ends.

mod framing;
mod requests;
mod together;

use std::time::Duration;

use super::linux::Linux;
use crate::device::Now;

const VERSIONS: &[[u16; 2]] = &[[3, 2], [3, 1], [3, 0], [1, 0]];

/// A driver for shutdown that says yes.
fn willing() -> Linux {
    Linux::new(3, VERSIONS, |_, bytes| assert!(bytes.len() >= 28 + 2060))
}

fn at(seconds: u64) -> Now {
    Now {
        elapsed: Duration::from_secs(seconds),
        wall: Duration::ZERO,
        reference: 0,
    }
}

//! LZO1X, unpacked: the one compression that both file systems (btrfs) and initramfs files (lzop)
//! know and for which there is no library worth having.
//!
//! Linux, `Documentation/staging/lzo.rst`, has the instructions. Version 1 of the stream, with its
//! runs of zeros, is written into memory only (zram) and not read here.
//!
//! ```
//! use detente_lzo::{Damage, unpack};
//!
//! // Five literals, and the end.
//! let packed = b"\x16abcde\x11\0\0";
//! let mut out = [0; 8];
//! assert_eq!(unpack(packed, &mut out), Ok(5));
//! assert_eq!(&out[..5], b"abcde");
//! assert_eq!(unpack(packed, &mut out[..4]), Err(Damage::TooLong { room: 4 }));
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod stream;

pub use stream::{Damage, unpack};

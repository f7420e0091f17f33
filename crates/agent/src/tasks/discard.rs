//! `BLKDISCARD`: a disk is told what is not needed any more.
#![expect(unsafe_code, reason = "no safe call tells a disk what to discard")]

use std::os::fd::OwnedFd;

use rustix::ioctl::{Setter, ioctl, opcode};

/// `linux/fs.h`: `_IO(0x12, 119)`.
const BLKDISCARD: rustix::ioctl::Opcode = opcode::none(0x12, 119);

/// Discards the first `bytes` of a disk.
pub(super) fn discard(disk: &OwnedFd, bytes: u64) -> rustix::io::Result<()> {
    // SAFETY: Linux, block/ioctl.c: BLKDISCARD takes a pointer to two words of 64 bits, start and
    // length.
    let range = unsafe { Setter::<BLKDISCARD, [u64; 2]>::new([0, bytes]) };
    // SAFETY: the order only reads those two words, which live as long as the call.
    unsafe { ioctl(disk, range) }
}

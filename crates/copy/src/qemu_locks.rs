//! The locks by which QEMU keeps others from an image.
//!
//! QEMU's `block/file-posix.c` (`raw_check_lock_bytes`): whoever does something with an image holds
//! a shared lock on the byte 100 + n of the file, whoever does not want others to do it one on the
//! byte 200 + n, where n is 0 for reading, 1 for writing, 3 for changing the size. The locks belong to
//! the open file description.

use std::fs::File;
use std::io;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

const DOES: i64 = 100;
const DOES_NOT_SHARE: i64 = 200;
const READ: i64 = 0;
const WRITE: i64 = 1;
const RESIZE: i64 = 3;
/// What we do, and what nobody else may do meanwhile.
const OURS: [i64; 3] = [DOES + READ, DOES_NOT_SHARE + WRITE, DOES_NOT_SHARE + RESIZE];
/// What others may not hold.
const THEIRS: [i64; 3] = [DOES_NOT_SHARE + READ, DOES + WRITE, DOES + RESIZE];

/// Whether a file may be read in peace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    Yes,
    /// Somebody writes to it, or wants nobody to read it.
    ByOthers,
}

/// Takes our locks.
pub(crate) fn lock(file: &File) -> io::Result<Locked> {
    for byte in OURS {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_RDLCK, byte))) {
            Ok(_) => {}
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => {
                return Ok(Locked::ByOthers);
            }
            // A file system without locks is one where QEMU has none either.
            Err(nix::errno::Errno::ENOLCK | nix::errno::Errno::EOPNOTSUPP) => {
                return Ok(Locked::Yes);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    for byte in THEIRS {
        let mut found = range(libc::F_WRLCK, byte);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
        if found.l_type != kind(libc::F_UNLCK) {
            unlock(file);
            return Ok(Locked::ByOthers);
        }
    }
    Ok(Locked::Yes)
}

/// Gives our locks back. They go with the file at the latest.
pub(crate) fn unlock(file: &File) {
    for byte in OURS {
        let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_UNLCK, byte)));
    }
}

fn range(what: i32, byte: i64) -> libc::flock {
    libc::flock {
        l_type: kind(what),
        l_whence: kind(libc::SEEK_SET),
        l_start: byte,
        l_len: 1,
        // Has to be 0 for locks of open file descriptions.
        l_pid: 0,
    }
}

fn kind(number: i32) -> i16 {
    i16::try_from(number).expect("the kernel's constants are small")
}

//! The kernel's own file systems.

use std::ffi::CStr;
use std::{fs, io};

use rustix::mount::{MountFlags, mount};

/// What is mounted where, in this order.
const MOUNTS: [(&CStr, &str); 4] = [
    (c"proc", "/proc"),
    (c"sysfs", "/sys"),
    (c"devtmpfs", "/dev"),
    (c"tmpfs", detente_machine::lab::DISK_FOLDER),
];

pub(super) fn all() -> io::Result<()> {
    for (kind, place) in MOUNTS {
        fs::create_dir_all(place)?;
        match mount(kind, place, kind, MountFlags::empty(), None) {
            // A kernel may mount /dev by itself.
            Ok(()) | Err(rustix::io::Errno::BUSY) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

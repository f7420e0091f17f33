//! The second serial port.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use crate::shelter;

/// Opens `/dev/ttyS1` as eight bits without any handshake; never blocks.
///
/// # Errors
/// The port does not exist (yet), or no chip answers behind it.
pub(crate) fn open() -> io::Result<OwnedFd> {
    // 4, 65: Documentation/admin-guide/devices.txt.
    shelter::device("ttyS1", 4, 65)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = rustix::fs::openat(CWD, "/dev/ttyS1", flags, Mode::empty())?;
    let mut settings = tcgetattr(&port)?;
    settings.make_raw();
    settings
        .control_modes
        .remove(ControlModes::CRTSCTS | ControlModes::HUPCL | ControlModes::CSTOPB);
    settings
        .control_modes
        .insert(ControlModes::CLOCAL | ControlModes::CREAD);
    settings.set_speed(115_200)?;
    tcsetattr(&port, OptionalActions::Now, &settings)?;
    Ok(port)
}

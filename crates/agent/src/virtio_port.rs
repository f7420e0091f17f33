//! The fast path: a virtio-serial port with our name.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};

use crate::shelter;
use crate::sysfs;

/// What the host calls the port.
const PORT_NAME: &str = "org.detente.agent.0";

/// Opens the port; never blocks.
///
/// # Errors
/// There is none (yet), or somebody else has it.
pub(crate) fn open() -> io::Result<OwnedFd> {
    let (name, major, minor) = find(Path::new("/sys/class/virtio-ports"))
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    shelter::device(&name, major, minor)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(
        CWD,
        &*format!("/dev/{name}"),
        flags,
        Mode::empty(),
    )?)
}

/// The device behind our port: its name and numbers.
fn find(class: &Path) -> Option<(String, u32, u32)> {
    let entries = fs::read_dir(class).ok()?.flatten().take(256);
    let ours = entries
        .map(|entry| entry.path())
        .find(|port| sysfs::text(port.join("name")) == PORT_NAME)?;
    let numbers = sysfs::text(ours.join("dev"));
    let (major, minor) = numbers.split_once(':')?;
    let name = ours.file_name()?.to_str()?.to_owned();
    Some((name, major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::find;

    #[test]
    fn the_port_is_found_by_its_name_alone() {
        let class = tempfile::tempdir().unwrap();
        for (port, name, dev) in [
            ("vport1p1", "org.qemu.guest_agent.0", "246:1"),
            ("vport1p2", "org.detente.agent.0", "246:2"),
        ] {
            let port = class.path().join(port);
            fs::create_dir(&port).unwrap();
            fs::write(port.join("name"), format!("{name}\n")).unwrap();
            fs::write(port.join("dev"), format!("{dev}\n")).unwrap();
        }
        assert_eq!(find(class.path()), Some(("vport1p2".to_owned(), 246, 2)));
    }

    #[test]
    fn spoiled_numbers_are_no_port() {
        let class = tempfile::tempdir().unwrap();
        let port = class.path().join("vport0p1");
        fs::create_dir(&port).unwrap();
        fs::write(port.join("name"), "org.detente.agent.0").unwrap();
        fs::write(port.join("dev"), "246").unwrap();
        assert_eq!(find(class.path()), None);
    }
}

//! Disks that the host hot-plugs, found by their serial numbers.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

use super::Places;

/// How long a disk may take to appear once it was plugged in.
const LIMIT: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(5);

/// The header of a vital product data page (SPC-4, 7.8): page code and length among others.
const PAGE_HEADER_BYTES: usize = 4;

/// Waits for every disk, and gives each its serial number's name in the folder of disks, which
/// then holds nothing else.
pub(super) fn link(places: &Places, serials: &[String]) -> Result<(), String> {
    let fail = |error: io::Error| format!("the folder of disks: {error}");
    for entry in fs::read_dir(&places.disks).map_err(fail)? {
        fs::remove_file(entry.map_err(fail)?.path()).map_err(fail)?;
    }
    let deadline = Instant::now() + LIMIT;
    for serial in serials {
        if serial.is_empty() || serial.contains('/') || serial.starts_with('.') {
            return Err(format!("{serial:?} is no serial number"));
        }
        let device = loop {
            if let Some(device) = find(&places.sys, serial) {
                break places.dev.join(device);
            }
            if Instant::now() >= deadline {
                return Err(format!("no disk with serial number {serial} has appeared"));
            }
            std::thread::sleep(PAUSE);
        };
        symlink(device, places.disks.join(serial)).map_err(fail)?;
    }
    Ok(())
}

/// The block device with a serial number.
fn find(sys: &Path, serial: &str) -> Option<String> {
    let devices = fs::read_dir(sys.join("block")).ok()?;
    for entry in devices.flatten() {
        let page = fs::read(entry.path().join("device/vpd_pg80")).unwrap_or_default();
        if serial_of(&page) == Some(serial) {
            return entry.file_name().into_string().ok();
        }
    }
    None
}

fn serial_of(page: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(page.get(PAGE_HEADER_BYTES..)?).ok()?;
    Some(text.trim_matches(['\0', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &Path) -> Places {
        let places = Places {
            sys: root.join("sys"),
            dev: "/dev".into(),
            disks: root.join("disks"),
            program: "/bin/true".into(),
        };
        fs::create_dir_all(&places.disks).unwrap();
        let device = places.sys.join("block/sdb/device");
        fs::create_dir_all(&device).unwrap();
        // Page 0x80 as QEMU's scsi-disk gives it.
        fs::write(device.join("vpd_pg80"), b"\0\x80\0\x04m1d0").unwrap();
        fs::create_dir_all(places.sys.join("block/ram0")).unwrap();
        places
    }

    #[test]
    fn a_disk_is_named_by_its_serial_number_and_earlier_names_go() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        symlink("/dev/sda", places.disks.join("m0d0")).unwrap();
        link(&places, &["m1d0".to_owned()]).unwrap();
        let target = fs::read_link(places.disks.join("m1d0")).unwrap();
        assert_eq!(target, Path::new("/dev/sdb"));
        assert!(!places.disks.join("m0d0").is_symlink());
    }

    #[test]
    fn a_serial_number_that_leads_elsewhere_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        for serial in ["../x", "", ".."] {
            assert!(link(&places, &[serial.to_owned()]).is_err(), "{serial}");
        }
    }
}

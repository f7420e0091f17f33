//! A disk that was plugged in: it is waited for, written, read, discarded, and waited to go.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::{DiskStep, DiskUsed, UseDisk};
use rustix::fs::{Advice, CWD, Mode, OFlags, fadvise, openat};

use super::Limits;
use super::discard::discard;
use super::exercise_disk::{Aligned, elapsed_ms, read, write};
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

const BLOCK: &str = "/sys/class/block";
const MAX_DISKS: usize = 4096;
/// The kernel's unit in `size`, whatever a disk's sectors are.
const SECTOR_BYTES: u64 = 512;
const PAGE_BYTES: u64 = 4096;
const RESERVE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(100);

/// Waits, and does the step.
pub(super) fn run(order: &UseDisk, limits: &Limits) -> Result<DiskUsed, TaskError> {
    let (begun, class) = (Instant::now(), Path::new(BLOCK));
    let most = Duration::from_millis(order.wait_ms).min(limits.left(RESERVE));
    let wanted = |disk: Option<&String>| match order.step {
        DiskStep::AwaitGone => disk.is_none(),
        DiskStep::Read { at_least_bytes, .. } => {
            disk.is_some_and(|disk| len_bytes(class, disk) >= at_least_bytes)
        }
        DiskStep::Write { .. } | DiskStep::TryToWrite { .. } | DiskStep::Discard => disk.is_some(),
    };
    let disk = loop {
        let disk = find(class, &order.serial);
        if wanted(disk.as_ref()) || begun.elapsed() >= most {
            break disk;
        }
        sleep(LOOK);
    };
    let mut seen = DiskUsed {
        waited_ms: elapsed_ms(begun),
        ..DiskUsed::default()
    };
    let Some(disk) = disk else {
        return Ok(seen);
    };
    seen.len_bytes = len_bytes(class, &disk);
    seen.read_only = sysfs::text(class.join(&disk).join("ro")) == "1";
    let node = format!("/dev/{disk}");
    seen.disk = Some(disk);
    step(&node, order.step, &mut seen)?;
    Ok(seen)
}

fn step(node: &str, step: DiskStep, seen: &mut DiskUsed) -> Result<(), TaskError> {
    match step {
        DiskStep::AwaitGone => {}
        DiskStep::Write { bytes, seed } => {
            let disk = open(node, OFlags::RDWR | OFlags::DIRECT).doing("open the disk")?;
            let bytes = bytes.min(seen.len_bytes);
            seen.written_sha256 = Some(write(&disk, bytes, seed, &mut Aligned::new())?);
            seen.read_sha256 = Some(read(&disk, bytes, &mut Aligned::new())?);
        }
        DiskStep::Read { bytes, .. } => seen.read_sha256 = Some(digest(node, bytes, seen)?),
        DiskStep::TryToWrite { bytes } => {
            seen.refused = try_to_write(node).err().map(|error| error.to_string());
            seen.read_sha256 = Some(digest(node, bytes, seen)?);
        }
        DiskStep::Discard => {
            let len = seen.len_bytes;
            let discarded = open(node, OFlags::RDWR)
                .doing("open the disk")
                .and_then(|disk| discard(&disk, len).doing("discard"));
            seen.refused = discarded.err().map(|error| error.to_string());
        }
    }
    Ok(())
}

fn open(node: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    openat(CWD, node, flags | OFlags::CLOEXEC, Mode::empty())
}

/// The digest of a disk's first bytes, past the cache.
fn digest(node: &str, bytes: u64, seen: &DiskUsed) -> Result<String, TaskError> {
    let disk = open(node, OFlags::RDONLY | OFlags::DIRECT).doing("open the disk")?;
    read(&disk, bytes.min(seen.len_bytes), &mut Aligned::new())
}

/// Writes a page and syncs it.
fn try_to_write(node: &str) -> Result<(), TaskError> {
    let disk = open(node, OFlags::RDWR).doing("open the disk for writing")?;
    write(&disk, PAGE_BYTES, 0, &mut Aligned::new())?;
    fadvise(&disk, 0, None, Advice::DontNeed).doing("drop the cache")
}

/// The length of a disk.
pub(super) fn len_bytes(class: &Path, disk: &str) -> u64 {
    let sectors = sysfs::text(class.join(disk).join("size")).parse::<u64>();
    sectors.unwrap_or(0).saturating_mul(SECTOR_BYTES)
}

/// The disk with a serial number, when it has come or the time is over.
pub(super) fn await_disk(serial: &str, most: Duration) -> Option<String> {
    let begun = Instant::now();
    loop {
        let disk = find(Path::new(BLOCK), serial);
        if disk.is_some() || begun.elapsed() >= most {
            return disk;
        }
        sleep(LOOK);
    }
}

/// The whole disk with a serial number.
fn find(class: &Path, wanted: &str) -> Option<String> {
    let disks = sysfs::names(class, MAX_DISKS).into_iter();
    let mut whole = disks.filter(|disk| !class.join(disk).join("partition").exists());
    whole.find(|disk| serial(&class.join(disk)) == wanted)
}

/// virtio-blk and NVMe have a file for it; what speaks SCSI has page 0x80 of its vital product data
/// (SPC-4, 7.8.17), whose text begins behind four bytes.
fn serial(disk: &Path) -> String {
    for file in ["serial", "device/serial"] {
        let serial = sysfs::text(disk.join(file));
        if !serial.is_empty() {
            return serial.trim().to_owned();
        }
    }
    let page = fs::read(disk.join("device/vpd_pg80")).unwrap_or_default();
    let text = page.get(4..).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    text.trim_matches(['\0', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_found_by_its_serial_number_whatever_it_speaks() {
        let class = tempfile::tempdir().unwrap();
        let file = |path: &str, content: &[u8]| {
            let path = class.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        file("vda/serial", b"one\n");
        file("vda/size", b"2048\n");
        file("vda1/partition", b"1\n");
        file("vda1/serial", b"one\n");
        file("nvme0n1/device/serial", b"two                 \n");
        file("sda/device/vpd_pg80", b"\0\x80\0\x05three");
        file("sdb/device/vpd_pg80", b"\0");
        for (serial, disk) in [("one", "vda"), ("two", "nvme0n1"), ("three", "sda")] {
            assert_eq!(find(class.path(), serial).as_deref(), Some(disk));
        }
        assert_eq!(find(class.path(), "four"), None);
        assert_eq!(len_bytes(class.path(), "vda"), 1 << 20);
        assert_eq!(len_bytes(class.path(), "sdb"), 0);
    }
}

//! The disk that brings contents into the guest.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use detente_plan::protocol::{PAYLOAD_MAGIC, PAYLOAD_SECTOR_BYTES, PAYLOAD_SERIAL, PayloadSpan};
use sha2::{Digest as _, Sha256};

use crate::seeded::finish_hex;
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

const MAX_DISKS: usize = 1024;
const CHUNK: u64 = 1 << 20;

/// Block devices that are no disks of a machine.
const NO_DISKS: [&str; 8] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"];

/// The payload disk of a run: a disk whose header names it. Those that show the serial number are
/// looked at first; not every controller shows one.
///
/// # Errors
/// No disk has such a header.
pub(super) fn find(root: &Path, run_id: &str) -> Result<File, TaskError> {
    let mut names = sysfs::names(root.join("sys/block"), MAX_DISKS);
    names.retain(|name| !NO_DISKS.iter().any(|other| name.starts_with(other)));
    names.sort_by_key(|name| !shows_serial(root, name));
    let mut disks = names.iter().filter_map(|name| {
        let file = File::open(root.join("dev").join(name.replace('!', "/"))).ok()?;
        is_ours(&file, run_id).then_some(file)
    });
    disks.next().ok_or_else(|| TaskError::Missing {
        what: format!("the payload disk of run {run_id}"),
    })
}

fn shows_serial(root: &Path, name: &str) -> bool {
    let disk = root.join("sys/block").join(name);
    // virtio-blk has a file of its own; SCSI and SATA show page 0x80, four bytes before the text.
    let files = ["serial", "device/serial", "device/vpd_pg80"];
    files
        .iter()
        .any(|file| sysfs::text(disk.join(file)).contains(PAYLOAD_SERIAL))
}

fn is_ours(disk: &File, run_id: &str) -> bool {
    let mut header = vec![0; usize::try_from(PAYLOAD_SECTOR_BYTES).unwrap_or(512)];
    let mut expected = [PAYLOAD_MAGIC.as_slice(), run_id.as_bytes()].concat();
    expected.resize(header.len().max(expected.len()), 0);
    disk.read_exact_at(&mut header, 0).is_ok() && header == expected
}

/// Copies a content out of the disk.
///
/// # Errors
/// It cannot be read or written, or is not the one that was meant: then what was written is not to
/// be used.
pub(super) fn copy(disk: &File, span: &PayloadSpan, to: &File) -> Result<(), TaskError> {
    let mut buffer = vec![0; usize::try_from(CHUNK.min(span.len_bytes)).unwrap_or(0)];
    let (mut digest, mut at) = (Sha256::new(), 0_u64);
    while at < span.len_bytes {
        let left = usize::try_from(span.len_bytes.saturating_sub(at)).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        let part = buffer.get_mut(..len).unwrap_or_default();
        let from = span.offset_bytes.checked_add(at);
        let from = from.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput));
        from.and_then(|from| disk.read_exact_at(part, from))
            .doing("read the payload disk")?;
        to.write_all_at(part, at).doing("write the content")?;
        digest.update(&*part);
        at = at.saturating_add(len as u64);
    }
    if finish_hex(digest) == span.sha256 {
        Ok(())
    } else {
        Err(TaskError::Spoiled {
            what: "the content on the payload disk".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// FIPS 180-2, B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn disk(root: &Path, name: &str, head: &[u8]) {
        fs::create_dir_all(root.join("sys/block").join(name)).unwrap();
        fs::create_dir_all(root.join("dev")).unwrap();
        let mut image = head.to_vec();
        image.resize(512, 0);
        image.extend(b"abc");
        image.resize(4096, 0);
        fs::write(root.join("dev").join(name), image).unwrap();
    }

    fn span(offset_bytes: u64, len_bytes: u64) -> PayloadSpan {
        PayloadSpan {
            run_id: "run-7".into(),
            offset_bytes,
            len_bytes,
            sha256: ABC.into(),
        }
    }

    #[test]
    fn the_disk_is_known_by_its_header_with_and_without_a_serial_number() {
        let root = tempfile::tempdir().unwrap();
        disk(root.path(), "sda", b"another's");
        disk(root.path(), "sdb", b"detente-payload\nrun-7");
        disk(root.path(), "sdc", b"detente-payload\nrun-77");
        disk(root.path(), "loop0", b"detente-payload\nrun-7");
        assert!(!shows_serial(root.path(), "sdb"));
        find(root.path(), "run-7").unwrap();
        let device = root.path().join("sys/block/sdb/device");
        fs::create_dir_all(&device).unwrap();
        fs::write(device.join("vpd_pg80"), b"\0\x80\0\x0fdetente-payload").unwrap();
        assert!(shows_serial(root.path(), "sdb"));
        find(root.path(), "run-7").unwrap();
        assert!(find(root.path(), "run-8").is_err());
    }

    #[test]
    fn only_the_content_that_is_meant_is_copied() {
        let root = tempfile::tempdir().unwrap();
        disk(root.path(), "vdb", b"detente-payload\nrun-7");
        let disk = find(root.path(), "run-7").unwrap();
        let to = root.path().join("to");
        let mut options = File::options();
        let to = options
            .create(true)
            .truncate(true)
            .write(true)
            .open(&to)
            .unwrap();
        copy(&disk, &span(512, 3), &to).unwrap();
        assert_eq!(fs::read(root.path().join("to")).unwrap(), b"abc");
        assert!(copy(&disk, &span(512, 4), &to).is_err(), "another digest");
        assert!(copy(&disk, &span(4094, 3), &to).is_err(), "past the end");
        assert!(
            copy(&disk, &span(u64::MAX, 3), &to).is_err(),
            "past every end"
        );
    }
}

//! Writing to the root disk, syncing, and reading back past the cache.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use detente_plan::protocol::RootDisk;
use rustix::fs::{Advice, CWD, Mode, OFlags, fadvise, fsync, openat, unlinkat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::{mount_point, root_disk};
use crate::seeded::{Seeded, finish_hex};
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

/// `O_DIRECT` wants memory, place and length to be multiples of the disk's sector; no disk's is
/// longer than this.
pub(super) const ALIGN: usize = 4096;
const CHUNK: usize = 1 << 20;

/// Writes `bytes` (rounded up to whole pages) and reads them back.
pub(super) fn run(bytes: u64, seed: u64) -> Result<RootDisk, TaskError> {
    let mount = mount_point::root(&sysfs::text("/proc/self/mountinfo")).ok_or_else(|| {
        TaskError::Missing {
            what: "the root's mount".to_owned(),
        }
    })?;
    let disk = root_disk::find(Path::new("/sys"), &mount).ok_or_else(|| TaskError::Missing {
        what: format!("the disk below {}", mount.source),
    })?;
    let bytes = bytes.next_multiple_of(ALIGN as u64);
    let place = place();
    refuse_to_fill(place, bytes)?;
    let (file, past_cache) = create(place)?;
    let mut memory = Aligned::new();
    let start = Instant::now();
    let written_sha256 = write(&file, bytes, seed, &mut memory)?;
    let write_ms = elapsed_ms(start);
    if !past_cache {
        // Next best: ask the kernel to forget what it has written out.
        fadvise(&file, 0, None, Advice::DontNeed).doing("drop the cache")?;
    }
    let start = Instant::now();
    let read_sha256 = read(&file, bytes, &mut memory)?;
    Ok(RootDisk {
        disk: disk.name,
        filesystem: mount.filesystem,
        drivers: disk.drivers,
        bytes,
        written_sha256,
        read_sha256,
        past_cache,
        write_ms,
        read_ms: elapsed_ms(start),
    })
}

/// Where files on the root file system are no trouble.
pub(super) fn place() -> &'static str {
    if on_root("/var/tmp") { "/var/tmp" } else { "/" }
}

/// Whether a directory lies on the root's own file system.
fn on_root(path: &str) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    device(path).is_some() && device(path) == device("/")
}

/// A test must not be what fills the guest's disk.
pub(super) fn refuse_to_fill(place: &str, wanted_bytes: u64) -> Result<(), TaskError> {
    let room = rustix::fs::statvfs(place).doing("ask for free space")?;
    let free_bytes = room.f_bavail.saturating_mul(room.f_frsize);
    if wanted_bytes > free_bytes / 2 {
        return Err(TaskError::NoRoom {
            free_bytes,
            wanted_bytes,
        });
    }
    Ok(())
}

/// A file that has no name any more, so it is gone however we end; and whether it goes past the
/// cache.
pub(super) fn create(place: &str) -> Result<(OwnedFd, bool), TaskError> {
    let name = format!(
        "{}/.detente-{}",
        place.trim_end_matches('/'),
        std::process::id()
    );
    let plain = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = Mode::RUSR | Mode::WUSR;
    for (flags, past_cache) in [(plain | OFlags::DIRECT, true), (plain, false)] {
        let opened = openat(CWD, &*name, flags, mode);
        // Some file systems refuse O_DIRECT only after they have made the file.
        let _ = unlinkat(CWD, &*name, rustix::fs::AtFlags::empty());
        match opened {
            Ok(file) => return Ok((file, past_cache)),
            Err(Errno::INVAL) if past_cache => {}
            Err(error) => return Err(error).doing(&format!("create {name}")),
        }
    }
    Err(TaskError::Missing {
        what: "a way to create a file".to_owned(),
    })
}

/// Writes content from the start on, and syncs; its digest.
pub(super) fn write(
    file: &OwnedFd,
    bytes: u64,
    seed: u64,
    memory: &mut Aligned,
) -> Result<String, TaskError> {
    let (mut content, mut digest) = (Seeded::new(seed), Sha256::new());
    let mut at = 0_u64;
    while at < bytes {
        let chunk = memory.chunk(bytes.saturating_sub(at));
        content.fill(chunk);
        digest.update(&*chunk);
        // A short write of O_DIRECT may leave us between sectors, where nothing can go on.
        let written = rustix::io::pwrite(file, chunk, at).doing("write")?;
        if written != chunk.len() {
            return Err(Errno::IO).doing("write a whole chunk");
        }
        at = at.saturating_add(written as u64);
    }
    fsync(file).doing("sync")?;
    Ok(finish_hex(digest))
}

/// The digest of so much from the start on.
pub(super) fn read(file: &OwnedFd, bytes: u64, memory: &mut Aligned) -> Result<String, TaskError> {
    let mut digest = Sha256::new();
    let mut at = 0_u64;
    while at < bytes {
        let chunk = memory.chunk(bytes.saturating_sub(at));
        let count = rustix::io::pread(file, &mut *chunk, at).doing("read back")?;
        if count == 0 {
            return Err(Errno::IO).doing("read back as much as was written");
        }
        digest.update(chunk.get(..count).unwrap_or_default());
        at = at.saturating_add(count as u64);
    }
    Ok(finish_hex(digest))
}

/// Whole milliseconds since then.
pub(super) fn elapsed_ms(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Memory that begins at a multiple of [`ALIGN`].
pub(super) struct Aligned {
    memory: Vec<u8>,
    start: usize,
}

impl Aligned {
    /// A chunk's worth, and what it takes to begin where it must.
    pub(super) fn new() -> Self {
        let memory = vec![0; CHUNK + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { memory, start }
    }

    /// A chunk, or less if less is wanted.
    pub(super) fn chunk(&mut self, wanted: u64) -> &mut [u8] {
        let len = usize::try_from(wanted).unwrap_or(CHUNK).min(CHUNK);
        let end = self.start.saturating_add(len);
        self.memory.get_mut(self.start..end).unwrap_or_default()
    }
}

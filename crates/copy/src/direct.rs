//! Moves bytes from one file's page cache to another file's medium: neither copied nor cached twice.
//!
//! `splice(2)` puts the pages of the source into a pipe, not their bytes, and from there into a
//! descriptor that writes past the page cache. Decision 0020 says what that is worth.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, FallocateFlags, OFlags, StatxFlags, fallocate, statx};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

/// What is written past the page cache begins and ends at multiples of this, so that it shares no page
/// with what is written through it.
const PAGE: usize = 4096;
/// What a pipe refers to at a time: as much as anybody may ask for.
const PIPE: usize = 1 << 20;
/// Shorter ranges are not worth a wait for the medium.
pub(crate) const WORTH_IT: u64 = 256 << 10;

/// A second descriptor of a file that is written, past the page cache.
pub(crate) struct Direct {
    file: File,
    /// Pages of the source may be cut at multiples of this.
    memory_align: u64,
    works: AtomicBool,
    pipes: Mutex<Vec<Pipe>>,
}

/// An empty pipe.
struct Pipe {
    from: OwnedFd,
    to: OwnedFd,
}

impl Direct {
    /// Opens `path`, if its file system says that it writes past the page cache in pages.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let mut options = OpenOptions::new();
        let flags = OFlags::DIRECT.bits().cast_signed();
        let file = options.write(true).custom_flags(flags).open(path).ok()?;
        let said = statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN).ok()?;
        let known = said.stx_mask & StatxFlags::DIOALIGN.bits() != 0;
        let suits = |align: u32| align > 0 && (PAGE as u64).is_multiple_of(u64::from(align));
        (known && suits(said.stx_dio_mem_align) && suits(said.stx_dio_offset_align)).then(|| Self {
            file,
            memory_align: u64::from(said.stx_dio_mem_align),
            works: AtomicBool::new(true),
            pipes: Mutex::default(),
        })
    }

    /// Whether it may still be asked.
    pub(crate) fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// Takes room for what is to be written. Where that is not possible each write would wait for the
    /// one before it, and another way is better.
    pub(crate) fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        match fallocate(&self.file, FallocateFlags::empty(), offset, len) {
            Ok(()) => Ok(()),
            Err(errno @ (Errno::NOSPC | Errno::DQUOT)) => Err(errno.into()),
            Err(_) => {
                self.give_up();
                Ok(())
            }
        }
    }

    /// Moves bytes: how many, which is 0 when the source ends, and none when another way has to be
    /// taken. What shares a page with its neighbours goes through `cached`, as they do.
    pub(crate) fn copy(
        &self,
        cached: &File,
        source: &File,
        (from, to): (u64, u64),
        len: u64,
    ) -> io::Result<Option<u64>> {
        if !self.works() {
            return Ok(None);
        }
        let page = PAGE as u64;
        let before = to.next_multiple_of(page).saturating_sub(to).min(len);
        let pages = len.saturating_sub(before);
        let pages = pages - pages % page;
        if before > 0 || pages == 0 {
            let edge = if before > 0 { before } else { len };
            return copy_edge(cached, source, (from, to), edge).map(Some);
        }
        if !from.is_multiple_of(self.memory_align) {
            return Ok(None);
        }
        match self.copy_pages(source, (from, to), pages) {
            Ok(moved) => Ok(Some(moved)),
            Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::IO | Errno::INTR)) => {
                Err(errno.into())
            }
            Err(_) => {
                self.give_up();
                Ok(None)
            }
        }
    }

    fn give_up(&self) {
        self.works.store(false, Ordering::Relaxed);
    }

    /// Moves whole pages. A pipe that something was left in is not used again.
    fn copy_pages(
        &self,
        source: &File,
        (mut from, mut to): (u64, u64),
        len: u64,
    ) -> rustix::io::Result<u64> {
        let pipe = match self.spare().pop() {
            Some(pipe) => pipe,
            None => Pipe::new()?,
        };
        let (begin, end) = (to, to.saturating_add(len));
        // A pipe refers to so many pages, of which the first and the last may be cut.
        let most = match from.is_multiple_of(PAGE as u64) {
            true => PIPE,
            false => PIPE - PAGE,
        };
        while to < end {
            let wanted = usize::try_from(end - to).map_or(most, |rest| rest.min(most));
            let flags = SpliceFlags::MOVE;
            let filled = splice(source, Some(&mut from), &pipe.to, None, wanted, flags)?;
            // The source ends: what is less than a page is for whoever asked.
            let ends = filled % PAGE != 0 || filled == 0;
            let mut filled = filled - filled % PAGE;
            while filled > 0 {
                let moved = splice(&pipe.from, None, &self.file, Some(&mut to), filled, flags)?;
                if moved == 0 {
                    return Err(Errno::IO);
                }
                filled = filled.saturating_sub(moved);
            }
            if ends {
                return Ok(to - begin);
            }
        }
        self.spare().push(pipe);
        Ok(to - begin)
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Pipe>> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    fn new() -> rustix::io::Result<Self> {
        let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
        // Who has many pipes already gets a short one.
        let _ = fcntl_setpipe_size(&to, PIPE);
        Ok(Self { from, to })
    }
}

/// Less than a page, by hand.
fn copy_edge(cached: &File, source: &File, (from, to): (u64, u64), len: u64) -> io::Result<u64> {
    let mut bytes = [0; PAGE];
    let len = usize::try_from(len).map_or(PAGE, |len| len.min(PAGE));
    let bytes = bytes.get_mut(..len).unwrap_or_default();
    let read = source.read_at(bytes, from)?;
    cached.write_all_at(bytes.get(..read).unwrap_or_default(), to)?;
    Ok(read as u64)
}

#[cfg(test)]
#[expect(clippy::print_stderr, reason = "says what was skipped")]
mod tests {
    use super::*;

    /// A source of random bytes and an empty destination in one folder; none where nothing is written
    /// past the page cache.
    fn files(test: &str, len: usize) -> Option<(tempfile::TempDir, File, Vec<u8>, Direct, File)> {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = vec![0; len];
        getrandom::fill(&mut bytes).unwrap();
        let (source, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&source, &bytes).unwrap();
        let open = |path: &Path| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .unwrap()
        };
        File::create(&to).unwrap();
        let Some(direct) = Direct::open(&to) else {
            eprintln!("skipped: {test}: this file system does not write past the page cache");
            return None;
        };
        Some((folder, open(&source), bytes, direct, open(&to)))
    }

    /// Moves everything, whatever it takes, and says how often another way was asked for.
    fn move_all(
        (direct, cached, source): (&Direct, &File, &File),
        (mut from, mut to): (u64, u64),
        mut len: u64,
    ) -> usize {
        let mut others = 0;
        direct.reserve(to, len).unwrap();
        while len > 0 {
            let moved = match direct.copy(cached, source, (from, to), len).unwrap() {
                Some(0) => break,
                Some(moved) => moved,
                None => {
                    others += 1;
                    copy_edge(cached, source, (from, to), len).unwrap()
                }
            };
            (from, to, len) = (from + moved, to + moved, len - moved);
        }
        others
    }

    #[test]
    fn every_alignment_arrives() {
        const LEN: usize = (3 << 20) + 4096 + 700;
        let test = "every_alignment_arrives";
        for (from, to) in [
            (0, 0),
            (0, 512),
            (4096, 100),
            (512, 0),
            (512, 8192),
            (700, 4096),
        ] {
            let Some((_folder, source, bytes, direct, cached)) = files(test, LEN) else {
                return;
            };
            let len = LEN as u64 - from;
            let others = move_all((&direct, &cached, &source), (from, to), len);
            let mut read = vec![0; usize::try_from(len).unwrap()];
            cached.read_exact_at(&mut read, to).unwrap();
            assert!(
                read == bytes[usize::try_from(from).unwrap()..],
                "{from} to {to}"
            );
            if (from, to) == (0, 0) {
                assert_eq!(others, 0, "pages go directly");
            }
        }
    }

    /// What is written beside, through the page cache and at the same time, stays.
    #[test]
    fn neighbours_in_the_same_page_stay() {
        const LEN: usize = 2 << 20;
        let test = "neighbours_in_the_same_page_stay";
        let Some((_folder, source, bytes, direct, cached)) = files(test, LEN) else {
            return;
        };
        let (to, len) = (512, LEN as u64);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..50 {
                    cached.write_all_at(&[7; 512], 0).unwrap();
                    cached.write_all_at(&[8; 512], to + len).unwrap();
                }
            });
            move_all((&direct, &cached, &source), (0, to), len);
        });
        cached.sync_all().unwrap();
        let mut read = vec![0; LEN + 1024];
        cached.read_exact_at(&mut read, 0).unwrap();
        assert!(read[..512] == [7; 512] && read[LEN + 512..] == [8; 512]);
        assert!(read[512..LEN + 512] == bytes);
    }

    #[test]
    fn a_source_that_ends_early_is_told() {
        let test = "a_source_that_ends_early_is_told";
        let Some((_folder, source, _, direct, cached)) = files(test, 1 << 20) else {
            return;
        };
        direct.reserve(0, 2 << 20).unwrap();
        let moved = direct
            .copy(&cached, &source, (1 << 20, 0), 1 << 20)
            .unwrap();
        assert_eq!(moved, Some(0));
        let (at, len) = (1_048_576 - 8192, 1 << 20);
        let moved = direct.copy(&cached, &source, (at, 0), len).unwrap();
        assert_eq!(moved, Some(8192));
    }
}

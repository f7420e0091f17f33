//! The digests of the images' content, taken beside the boot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use detente_block::{BlockRead, content_digest};

/// The name of the method, for the record.
pub(crate) const METHOD: &str = "detente/content-digest/1";

/// How much less of the processors than the guest a digest claims (nice(2)).
const STAND_BACK: i32 = 10;

/// How often the user's wish to stop is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// Digests that are being taken, one for each disk.
pub(crate) struct Digesting {
    cancel: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    taken: Receiver<(usize, Option<String>)>,
}

impl Digesting {
    /// Starts on every disk; one that could not be opened gets no digest.
    pub(crate) fn start(disks: &[Option<Arc<dyn BlockRead>>]) -> Self {
        let cancel = Arc::new(AtomicBool::new(false));
        let (give, taken) = channel();
        let threads = disks
            .iter()
            .enumerate()
            .map(|(index, disk)| take(index, disk.clone(), cancel.clone(), give.clone()))
            .collect();
        Self {
            cancel,
            threads,
            taken,
        }
    }

    /// Waits for all of them: hex, or `None` where the disk could not be read, or where the user
    /// ended the run first.
    pub(crate) fn finish(self, interrupt: &AtomicBool) -> Vec<Option<String>> {
        let mut digests = vec![None; self.threads.len()];
        loop {
            match self.taken.recv_timeout(GLANCE) {
                Ok((index, digest)) => {
                    if let Some(place) = digests.get_mut(index) {
                        *place = digest;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if interrupt.load(Ordering::Relaxed) {
                        self.cancel.store(true, Ordering::Relaxed);
                    }
                }
                // Every thread has ended.
                Err(RecvTimeoutError::Disconnected) => return digests,
            }
        }
    }
}

fn take(
    index: usize,
    disk: Option<Arc<dyn BlockRead>>,
    cancel: Arc<AtomicBool>,
    give: Sender<(usize, Option<String>)>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        // On Linux this is the thread's own, and that of those it starts: the guest's processors
        // go first. Where it is refused the digest is only less polite.
        let _ = rustix::process::nice(STAND_BACK);
        let digest = disk.and_then(|disk| content_digest(disk.as_ref(), &cancel).ok().flatten());
        // Nobody waits for a digest that was given up.
        let _ = give.send((index, digest.map(|digest| digest.to_hex())));
    })
}

impl Drop for Digesting {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A digest that nobody waits for may end as it likes.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use detente_block::{MemoryBackend, ReadError};

    use super::*;

    /// A disk that cannot be read, or whose reading never comes to an end by itself.
    struct Bad {
        endless: bool,
    }

    impl BlockRead for Bad {
        fn len_bytes(&self) -> u64 {
            u64::MAX / 2
        }

        fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
            if self.endless {
                buffer.fill(1);
                return Ok(());
            }
            let source = std::io::Error::other("a test");
            Err(ReadError::Io { offset, source })
        }
    }

    #[test]
    fn each_disk_has_its_own_digest_and_an_unreadable_one_has_none() {
        let disks: [Arc<dyn BlockRead>; 3] = [
            Arc::new(MemoryBackend::new(vec![1; 4096])),
            Arc::new(Bad { endless: false }),
            Arc::new(MemoryBackend::new(vec![2; 4096])),
        ];
        let digests = Digesting::start(&disks.map(Some)).finish(&AtomicBool::new(false));
        assert!(digests[0].is_some() && digests[2].is_some());
        assert_ne!(digests[0], digests[2]);
        assert_eq!(digests[1], None);
    }

    #[test]
    fn a_digest_ends_when_the_user_ends_the_run() {
        let disks: [Arc<dyn BlockRead>; 1] = [Arc::new(Bad { endless: true })];
        let digests = Digesting::start(&disks.map(Some)).finish(&AtomicBool::new(true));
        assert_eq!(digests, [None]);
    }
}

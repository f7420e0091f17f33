//! The digests of the images' content, taken beside the boot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use detente_block::{BlockRead, content_digest};

/// The name of the method, for the record.
pub(crate) const METHOD: &str = "detente/content-digest/1";

/// Digests that are being taken, one for each disk.
pub(crate) struct Digesting {
    cancel: Arc<AtomicBool>,
    threads: Vec<Option<JoinHandle<Option<String>>>>,
}

impl Digesting {
    /// Starts on every disk.
    pub(crate) fn start(disks: &[Arc<dyn BlockRead>]) -> Self {
        let cancel = Arc::new(AtomicBool::new(false));
        let threads = disks
            .iter()
            .map(|disk| {
                let (disk, cancel) = (disk.clone(), cancel.clone());
                Some(std::thread::spawn(move || {
                    let digest = content_digest(disk.as_ref(), &cancel).ok().flatten()?;
                    Some(digest.to_hex())
                }))
            })
            .collect();
        Self { cancel, threads }
    }

    /// Waits for all of them: hex, or `None` where the disk could not be read.
    pub(crate) fn finish(mut self) -> Vec<Option<String>> {
        self.threads
            .iter_mut()
            .map(|thread| {
                thread
                    .take()
                    .and_then(|thread| thread.join().ok())
                    .flatten()
            })
            .collect()
    }
}

impl Drop for Digesting {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
        for thread in self.threads.iter_mut().filter_map(Option::take) {
            // A digest that nobody waits for may end as it likes.
            let _ = thread.join();
        }
    }
}

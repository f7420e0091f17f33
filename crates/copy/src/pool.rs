//! Threads that take tasks from one queue.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

/// More threads than this would take more memory than is promised.
const MAX_THREADS: usize = 12;

/// How many threads work.
pub(crate) fn threads() -> usize {
    thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(MAX_THREADS)
}

/// A queue that is served by threads; they end when it is dropped and empty.
pub(crate) struct Pool<T> {
    queue: SyncSender<T>,
}

impl<T: Send> Pool<T> {
    /// Starts the threads. Each makes its own `work` with `worker`, so that it can keep what it needs.
    pub(crate) fn start<'scope, W>(
        scope: &'scope Scope<'scope, '_>,
        worker: impl Fn() -> W,
    ) -> std::io::Result<Self>
    where
        T: 'scope,
        W: FnMut(T) + Send + 'scope,
    {
        let (queue, tasks) = sync_channel(threads());
        let tasks = Arc::new(Mutex::new(tasks));
        for count in 0..threads() {
            let mut work = worker();
            let tasks = Arc::clone(&tasks);
            let started = thread::Builder::new().spawn_scoped(scope, move || {
                while let Some(task) = next(&tasks) {
                    work(task);
                }
            });
            match started {
                Ok(_) => {}
                Err(error) if count == 0 => return Err(error),
                // Fewer have to do.
                Err(_) => break,
            }
        }
        Ok(Self { queue })
    }

    /// Waits for a free place in the queue.
    pub(crate) fn submit(&self, task: T) {
        // It fails only when every thread panicked, which the scope tells.
        let _ = self.queue.send(task);
    }
}

fn next<T>(tasks: &Mutex<Receiver<T>>) -> Option<T> {
    let tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
    tasks.recv().ok()
}

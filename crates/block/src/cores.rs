//! The same work on several cores at once.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// More threads than this wait for the disks only.
const MAX_THREADS: usize = 16;

/// What `work` gives on every core, on `most` threads at most; this thread is the last one.
pub(crate) fn on_every_core<T: Send>(most: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let work = &work;
    thread::scope(|scope| {
        // This thread works too; a thread that cannot be had is done without.
        let others: Vec<_> = (1..cores.min(MAX_THREADS).min(most))
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let own = work();
        let joined = others
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|p| resume_unwind(p)));
        joined.chain([own]).collect()
    })
}

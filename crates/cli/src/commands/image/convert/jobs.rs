//! Several conversions at a time.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use detente_copy::{ConvertReport, convert};
use detente_disk::Target;

use super::super::progress;
use super::super::watcher::{Watcher, reading};
use super::super::written::{Names, failure};
use super::Arguments;
use crate::failure::Failure;

/// One image to be made of another.
pub(super) struct Job {
    pub(super) source: PathBuf,
    pub(super) path: PathBuf,
    pub(super) target: Target,
}

impl Job {
    pub(super) fn names(&self) -> Names<'_> {
        Names {
            source: Some(&self.source),
            target: &self.path,
        }
    }
}

/// Does them all, so many at a time as was asked for; the results come in their order.
pub(super) fn run(
    arguments: &Arguments,
    jobs: &[Job],
    cancel: &AtomicBool,
) -> Vec<Result<ConvertReport, Failure>> {
    let watchers: Vec<_> = jobs.iter().map(|_| Watcher::new(cancel)).collect();
    let results: Vec<_> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(job), Some(watcher), Some(result)) =
                (jobs.get(index), watchers.get(index), results.get(index))
            else {
                return;
            };
            let done = one(arguments, job, watcher);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        }
    };
    progress::shown(
        || reading(&watchers),
        || {
            thread::scope(|scope| {
                // This thread works too.
                for _ in 1..usize::from(arguments.jobs).min(jobs.len()) {
                    scope.spawn(work);
                }
                work();
            });
        },
    );
    let results = results.into_iter().map(|result| {
        let result = result.into_inner().unwrap_or_else(PoisonError::into_inner);
        result.expect("each job was done")
    });
    results.collect()
}

fn one(arguments: &Arguments, job: &Job, watcher: &Watcher<'_>) -> Result<ConvertReport, Failure> {
    let snapshot = arguments.snapshot.as_deref();
    let image = arguments.source.open_snapshot(&job.source, snapshot)?;
    convert(
        &image,
        &job.target,
        &job.path,
        &arguments.options(),
        watcher,
    )
    .map_err(|error| failure(job.names(), error))
}

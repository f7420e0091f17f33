//! How far long work has come: a line on standard error, for people who look on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::output::StatusLine;
use crate::page::size;

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(200);
/// Work that takes no longer needs no line.
const QUIET: Duration = Duration::from_millis(500);

/// How far it is.
pub(in crate::commands) struct Reading {
    /// What is going on.
    pub(super) what: String,
    /// So many bytes are done.
    pub(super) done: u64,
    /// Of so many.
    pub(super) total: u64,
}

/// Does `work`, and meanwhile shows how far `read` says that it is.
pub(in crate::commands) fn shown<T>(
    read: impl Fn() -> Reading + Sync,
    work: impl FnOnce() -> T,
) -> T {
    let mut line = StatusLine::new();
    if !line.is_seen() {
        return work();
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let screen = scope.spawn(|| {
            let begun = Instant::now();
            // Each stage has its own rate.
            let mut stage = (String::new(), begun);
            while !done.load(Ordering::Relaxed) {
                thread::park_timeout(EVERY);
                let reading = read();
                if reading.what != stage.0 {
                    stage = (reading.what.clone(), Instant::now());
                }
                if begun.elapsed() >= QUIET {
                    line.say(&text(&reading, stage.1.elapsed()));
                }
            }
            line.say("");
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        screen.thread().unpark();
        result
    })
}

/// The same for work on a disk of `total` bytes that has come to a place.
pub(super) fn shown_at<T>(
    what: &str,
    total: u64,
    position: &AtomicU64,
    work: impl FnOnce() -> T,
) -> T {
    let read = || Reading {
        what: what.to_owned(),
        done: position.load(Ordering::Relaxed),
        total,
    };
    shown(read, work)
}

/// `digest  42 %  1.2 GiB of 4.0 GiB  850.0 MiB/s  3 s left`.
fn text(reading: &Reading, elapsed: Duration) -> String {
    let Reading { what, done, total } = reading;
    let done = *done.min(total);
    let percent = u128::from(done) * 100 / u128::from(*total.max(&1));
    let ms = elapsed.as_millis().max(1);
    let rate = u64::try_from(u128::from(done) * 1000 / ms).unwrap_or(u64::MAX);
    let left = match (total - done).checked_div(rate) {
        Some(seconds) => format!("  {} left", span(seconds)),
        None => String::new(),
    };
    format!(
        "{what}  {percent:>3} %  {} of {}  {}/s{left}",
        size(done),
        size(*total),
        size(rate)
    )
}

/// `3 s`, `2 min 5 s`, `1 h 10 min`.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600.. => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(done: u64, total: u64, ms: u64, expect: &str) {
        let what = "digest".to_owned();
        let reading = Reading { what, done, total };
        assert_eq!(text(&reading, Duration::from_millis(ms)), expect);
    }

    #[test]
    fn rate_and_time_left_follow_from_what_is_done() {
        check(
            1 << 30,
            4 << 30,
            2000,
            "digest   25 %  1.0 GiB of 4.0 GiB  512.0 MiB/s  6 s left",
        );
        check(
            0,
            4 << 30,
            600,
            "digest    0 %  0 bytes of 4.0 GiB  0 bytes/s",
        );
        check(
            9,
            8,
            1000,
            "digest  100 %  8 bytes of 8 bytes  8 bytes/s  0 s left",
        );
        check(0, 0, 0, "digest    0 %  0 bytes of 0 bytes  0 bytes/s");
        check(
            1,
            u64::MAX,
            1000,
            "digest    0 %  1 bytes of 16384.0 PiB  1 bytes/s  5124095576030431 h 0 min left",
        );
    }

    #[test]
    fn spans_are_said_in_two_units() {
        assert_eq!(span(59), "59 s");
        assert_eq!(span(125), "2 min 5 s");
        assert_eq!(span(4200), "1 h 10 min");
    }

    #[test]
    fn the_work_is_done_where_nobody_looks_on() {
        assert_eq!(shown_at("digest", 1, &AtomicU64::new(0), || 7), 7);
    }
}

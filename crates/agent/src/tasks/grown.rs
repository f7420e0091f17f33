//! Processors and memory that are plugged in: waited for, and brought up where the guest does not.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::{MemoryGrown, ProcessorsGrown};
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use super::exercise_disk::elapsed_ms;
use super::{Limits, memory};
use crate::sysfs;

const RESERVE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(100);
/// How long the guest's own rules have to bring up what was plugged in before the agent does.
const GUESTS_TURN: Duration = Duration::from_secs(5);
const MAX_BLOCKS: usize = 65_536;

/// Waits until more than so many processors are there, and runs on the new ones.
pub(super) fn processors(
    root: &Path,
    more_than: u32,
    wait_ms: u64,
    limits: &Limits,
) -> ProcessorsGrown {
    let (begun, most) = (Instant::now(), longest(wait_ms, limits));
    let devices = root.join("sys/devices/system/cpu");
    let numbers = |file: &str| sysfs::list(&sysfs::text(devices.join(file)));
    let mut clocks = Clocks::start();
    let mut seen = ProcessorsGrown::default();
    let mut appeared = None;
    loop {
        clocks.look();
        let (present, online) = (numbers("present"), numbers("online"));
        let more = present.len() > usize::try_from(more_than).unwrap_or(usize::MAX);
        let all = more && online.len() >= present.len();
        if all || begun.elapsed() >= most {
            seen.present = count(present.len());
            seen.online = count(online.len());
            let new = online.iter().copied().filter(|cpu| *cpu >= more_than);
            seen.ran_on = new.filter(|cpu| runs_on(*cpu)).collect();
            break;
        }
        let since = appeared.get_or_insert_with(Instant::now);
        if !more {
            *since = Instant::now();
        } else if since.elapsed() >= GUESTS_TURN {
            let idle = present.iter().filter(|cpu| !online.contains(cpu));
            for cpu in idle {
                let file = devices.join(format!("cpu{cpu}/online"));
                if fs::write(file, "1").is_ok() && !seen.brought_up.contains(cpu) {
                    seen.brought_up.push(*cpu);
                }
            }
        }
        sleep(LOOK);
    }
    clocks.look();
    seen.clock_shift_ms = clocks.shift_ms();
    seen.backwards = clocks.backwards;
    seen.waited_ms = elapsed_ms(begun);
    seen
}

/// Waits until there is so much memory.
pub(super) fn memory(
    root: &Path,
    at_least_bytes: u64,
    wait_ms: u64,
    limits: &Limits,
) -> MemoryGrown {
    let (begun, most) = (Instant::now(), longest(wait_ms, limits));
    let blocks = root.join("sys/devices/system/memory");
    let mut seen = MemoryGrown::default();
    loop {
        seen.total_bytes = memory::run(root).total_bytes;
        seen.came = seen.total_bytes >= at_least_bytes;
        seen.waited_ms = elapsed_ms(begun);
        if seen.came || begun.elapsed() >= most {
            return seen;
        }
        if begun.elapsed() >= GUESTS_TURN {
            let brought_up = bring_up_blocks(&blocks);
            seen.brought_up = seen.brought_up.saturating_add(brought_up);
        }
        sleep(LOOK);
    }
}

/// Linux, Documentation/admin-guide/mm/memory-hotplug.rst: blocks that were left offline.
fn bring_up_blocks(blocks: &Path) -> u32 {
    let names = sysfs::names(blocks, MAX_BLOCKS);
    let files = names
        .iter()
        .filter(|name| name.starts_with("memory"))
        .map(|name| blocks.join(name).join("state"));
    let idle = files.filter(|file| sysfs::text(file) == "offline");
    count(
        idle.filter(|file| fs::write(file, "online").is_ok())
            .count(),
    )
}

fn longest(wait_ms: u64, limits: &Limits) -> Duration {
    Duration::from_millis(wait_ms).min(limits.left(RESERVE))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether this very thread can be run on a processor.
pub(super) fn runs_on(cpu: u32) -> bool {
    let Ok(number) = usize::try_from(cpu) else {
        return false;
    };
    if number >= CpuSet::MAX_CPU {
        return false;
    }
    let mut only = CpuSet::new();
    only.set(number);
    sched_setaffinity(None, &only).is_ok() && sched_getcpu() == number
}

/// Watches the wall clock against the time since boot.
struct Clocks {
    first_ms: i64,
    last_ms: i64,
    monotonic_ms: i64,
    backwards: bool,
}

impl Clocks {
    fn start() -> Self {
        let offset = wall_ms().saturating_sub(monotonic_ms());
        Self {
            first_ms: offset,
            last_ms: offset,
            monotonic_ms: monotonic_ms(),
            backwards: false,
        }
    }

    fn look(&mut self) {
        let now = monotonic_ms();
        self.backwards |= now < self.monotonic_ms;
        self.monotonic_ms = now;
        self.last_ms = wall_ms().saturating_sub(now);
    }

    fn shift_ms(&self) -> i64 {
        self.last_ms.saturating_sub(self.first_ms)
    }
}

/// The wall clock, since 1970.
pub(super) fn wall_ms() -> i64 {
    milliseconds(ClockId::Realtime)
}

/// `CLOCK_MONOTONIC`.
pub(super) fn monotonic_ms() -> i64 {
    milliseconds(ClockId::Monotonic)
}

fn milliseconds(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    let part = now.tv_nsec / 1_000_000;
    now.tv_sec.saturating_mul(1000).saturating_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            end: Instant::now() + Duration::from_secs(60),
            output_bytes: 1024,
        }
    }

    fn file(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn processors_that_are_there_and_run_are_counted_at_once() {
        let root = tempfile::tempdir().unwrap();
        file(root.path(), "sys/devices/system/cpu/present", "0-2\n");
        file(root.path(), "sys/devices/system/cpu/online", "0-2\n");
        let seen = processors(root.path(), 2, 60_000, &limits());
        assert_eq!((seen.present, seen.online), (3, 3));
        assert!(seen.brought_up.is_empty() && !seen.backwards);
    }

    #[test]
    fn what_does_not_come_is_not_waited_for_beyond_the_limit() {
        let root = tempfile::tempdir().unwrap();
        file(root.path(), "sys/devices/system/cpu/present", "0-1\n");
        file(root.path(), "sys/devices/system/cpu/online", "0-1\n");
        let seen = processors(root.path(), 2, 0, &limits());
        assert_eq!((seen.present, seen.ran_on), (2, Vec::new()));
        file(root.path(), "proc/meminfo", "MemTotal: 1024 kB\n");
        let seen = memory(root.path(), 2 << 20, 0, &limits());
        assert_eq!((seen.total_bytes, seen.came), (1 << 20, false));
    }

    #[test]
    fn blocks_that_were_left_offline_are_brought_up() {
        let root = tempfile::tempdir().unwrap();
        file(root.path(), "memory0/state", "online\n");
        file(root.path(), "memory9/state", "offline\n");
        file(root.path(), "auto_online_blocks", "offline\n");
        assert_eq!(bring_up_blocks(root.path()), 1);
        assert_eq!(sysfs::text(root.path().join("memory9/state")), "online");
    }
}

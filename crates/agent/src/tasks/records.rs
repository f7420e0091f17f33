//! Numbered records on a disk, each synced before the next: what must survive a power cut.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::{PROGRESS_EVERY_MS, RecordsRead};
use rustix::fs::{CWD, Mode, OFlags, fsync, openat};

use super::Limits;
use super::use_disk::{await_disk, len_bytes};
use crate::seeded::Seeded;
use crate::task_error::{Doing as _, TaskError};
use crate::worker::Report;

/// A record fills a page, so that a torn one can be told.
const RECORD_BYTES: usize = 4096;
/// Between two records.
const PAUSE: Duration = Duration::from_millis(20);
const RESERVE: Duration = Duration::from_secs(1);
/// How long the disk may take to appear to whoever writes.
const APPEARS: Duration = Duration::from_secs(30);

/// Writes until the time or the disk is over; `tell` says the last one that is durable.
pub(super) fn write(
    serial: &str,
    seed: u64,
    for_ms: u64,
    limits: &Limits,
    tell: &mut dyn FnMut(Report),
) -> Result<RecordsRead, TaskError> {
    let Some((name, disk, records)) = open(serial, APPEARS, OFlags::RDWR)? else {
        return Ok(RecordsRead::default());
    };
    let end = Instant::now() + Duration::from_millis(for_ms).min(limits.left(RESERVE));
    let every = Duration::from_millis(PROGRESS_EVERY_MS);
    let mut told = Instant::now();
    let mut durable = 0;
    for number in 0..records {
        if Instant::now() >= end {
            break;
        }
        let record = record(seed, number);
        let written = rustix::io::pwrite(&disk, &record, place(number)).doing("write")?;
        if written != record.len() {
            return Err(rustix::io::Errno::IO).doing("write a whole record");
        }
        fsync(&disk).doing("sync")?;
        durable = number;
        if told.elapsed() >= every {
            told = Instant::now();
            tell(Report::Progress {
                lines: vec![number.to_string()],
                left_out: 0,
            });
        }
        sleep(PAUSE);
    }
    Ok(RecordsRead {
        disk: Some(name),
        whole_from_first: durable,
    })
}

/// Counts those that are whole, from the first on.
pub(super) fn read(serial: &str, seed: u64, wait_ms: u64) -> Result<RecordsRead, TaskError> {
    let wait = Duration::from_millis(wait_ms);
    let Some((name, disk, records)) = open(serial, wait, OFlags::RDONLY)? else {
        return Ok(RecordsRead::default());
    };
    let mut whole = 0;
    let mut found = vec![0; RECORD_BYTES];
    while whole < records {
        let count = rustix::io::pread(&disk, &mut found, place(whole)).doing("read")?;
        if count != RECORD_BYTES || found != record(seed, whole) {
            break;
        }
        whole = whole.saturating_add(1);
    }
    Ok(RecordsRead {
        disk: Some(name),
        whole_from_first: whole,
    })
}

/// The disk, and how many records it can hold.
fn open(
    serial: &str,
    wait: Duration,
    flags: OFlags,
) -> Result<Option<(String, OwnedFd, u64)>, TaskError> {
    let Some(name) = await_disk(serial, wait) else {
        return Ok(None);
    };
    let flags = flags | OFlags::CLOEXEC;
    let disk = openat(CWD, format!("/dev/{name}"), flags, Mode::empty()).doing("open the disk")?;
    let len = len_bytes(Path::new("/sys/class/block"), &name);
    Ok(Some((name, disk, len / RECORD_BYTES as u64)))
}

fn place(number: u64) -> u64 {
    number.saturating_mul(RECORD_BYTES as u64)
}

/// The content of a record: nothing but this number and seed makes it.
fn record(seed: u64, number: u64) -> Vec<u8> {
    let mut content = vec![0; RECORD_BYTES];
    Seeded::new(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9))).fill(&mut content);
    if let Some(start) = content.first_chunk_mut() {
        *start = number.to_le_bytes();
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_records_are_alike_and_each_says_its_number() {
        let records = [record(1, 0), record(1, 1), record(2, 0), record(2, 1)];
        for (index, one) in records.iter().enumerate() {
            assert!(records.iter().skip(index + 1).all(|other| other != one));
        }
        assert_eq!(record(7, 300)[..8], 300_u64.to_le_bytes());
    }
}

//! Several files that are written, synced and read back at once.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use detente_plan::protocol::{DiskLoaded, DiskWorker};

use crate::task_error::{Doing as _, TaskError};
use crate::tasks::Limits;
use crate::tasks::exercise_disk::{
    ALIGN, Aligned, create, elapsed_ms, place, read, refuse_to_fill, write,
};

/// Kept back to report.
const RESERVE: Duration = Duration::from_secs(2);
const MAX_WORKERS: u8 = 8;

/// Loads the root disk.
pub(super) fn run(
    (workers, rounds): (u8, u8),
    bytes: u64,
    seed: u64,
    spoil: bool,
    limits: &Limits,
) -> Result<DiskLoaded, TaskError> {
    let workers = workers.clamp(1, MAX_WORKERS);
    let bytes = bytes.next_multiple_of(ALIGN as u64);
    let place = place();
    refuse_to_fill(place, bytes.saturating_mul(workers.into()))?;
    let mut past_cache = true;
    // One by one, since they have one name; each is gone before the next is made.
    let mut files = Vec::new();
    for _ in 0..workers {
        let (file, direct) = create(place)?;
        past_cache &= direct;
        files.push(file);
    }
    let begun = Instant::now();
    let seen = std::thread::scope(|scope| {
        let threads: Vec<_> = files
            .iter()
            .zip(0_u64..)
            .map(|(file, number)| {
                let spoil = spoil && number == 0;
                let seed = seed.wrapping_add(number);
                scope.spawn(move || work(file, rounds, bytes, seed, spoil, limits))
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|seen| seen.unwrap_or_else(|_| gave_up("the thread broke")))
            .collect()
    });
    Ok(DiskLoaded {
        workers: seen,
        past_cache,
        elapsed_ms: elapsed_ms(begun),
    })
}

fn gave_up(why: &str) -> DiskWorker {
    DiskWorker {
        error: Some(why.to_owned()),
        ..DiskWorker::default()
    }
}

/// Writes and reads one file.
fn work(
    file: &OwnedFd,
    rounds: u8,
    bytes: u64,
    seed: u64,
    spoil: bool,
    limits: &Limits,
) -> DiskWorker {
    let mut seen = DiskWorker::default();
    let mut memory = Aligned::new();
    for round in 0..rounds {
        if limits.left(RESERVE).is_zero() {
            seen.error = Some("there was no time for more".to_owned());
            break;
        }
        let seed = seed.wrapping_add(u64::from(round) << 32);
        match one_round(file, bytes, seed, spoil, &mut memory) {
            Ok(same) => {
                seen.rounds = seen.rounds.saturating_add(1);
                seen.bytes = seen.bytes.saturating_add(bytes);
                seen.wrong = seen.wrong.saturating_add(u8::from(!same));
            }
            Err(error) => {
                seen.error = Some(error.to_string());
                break;
            }
        }
    }
    seen
}

/// Whether what was read is what was written.
fn one_round(
    file: &OwnedFd,
    bytes: u64,
    seed: u64,
    spoil: bool,
    memory: &mut Aligned,
) -> Result<bool, TaskError> {
    let written = write(file, bytes, seed, memory)?;
    if spoil {
        let page = memory.chunk(ALIGN as u64);
        page.fill(0);
        rustix::io::pwrite(file, page, 0).doing("overwrite a part")?;
    }
    Ok(read(file, bytes, memory)? == written)
}

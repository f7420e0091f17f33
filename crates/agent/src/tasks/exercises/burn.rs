//! Keeping every processor busy, with work whose result is known.

use std::time::{Duration, Instant};

use detente_plan::protocol::ProcessorsBurnt;
use sha2::{Digest as _, Sha256};

use crate::seeded::Seeded;
use crate::tasks::Limits;
use crate::tasks::exercise_disk::elapsed_ms;

/// Kept back to report.
const RESERVE: Duration = Duration::from_secs(2);
const MAX_WORKERS: usize = 64;
const ROUND_BYTES: usize = 64 * 1024;
const SEED: u64 = 7;

/// Computes one digest again and again, in a thread for each processor.
pub(super) fn run(for_ms: u64, limits: &Limits) -> ProcessorsBurnt {
    let begun = Instant::now();
    let end = begun + Duration::from_millis(for_ms).min(limits.left(RESERVE));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = workers.min(MAX_WORKERS);
    let mut content = vec![0; ROUND_BYTES];
    Seeded::new(SEED).fill(&mut content);
    let content = &content;
    let rounds: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|_| scope.spawn(move || burn(content, end)))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|seen| seen.unwrap_or((0, 1))).collect()
    });
    let sum = |counts: &mut dyn Iterator<Item = u64>| counts.fold(0, u64::saturating_add);
    ProcessorsBurnt {
        workers: u32::try_from(workers).unwrap_or(u32::MAX),
        elapsed_ms: elapsed_ms(begun),
        rounds: sum(&mut rounds.iter().map(|(all, _)| *all)),
        wrong: sum(&mut rounds.iter().map(|(_, wrong)| *wrong)),
    }
}

/// Rounds, and how many of them came to another digest than the first.
fn burn(content: &[u8], end: Instant) -> (u64, u64) {
    let expected = Sha256::digest(content);
    let (mut rounds, mut wrong) = (0_u64, 0_u64);
    while Instant::now() < end {
        rounds = rounds.saturating_add(1);
        wrong = wrong.saturating_add(u64::from(Sha256::digest(content) != expected));
    }
    (rounds, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_comes_to_the_same() {
        let limits = Limits {
            end: Instant::now() + Duration::from_secs(60),
            output_bytes: 0,
        };
        let seen = run(20, &limits);
        assert!(seen.rounds > 0 && seen.workers > 0 && seen.wrong == 0);
    }
}

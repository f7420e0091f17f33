//! `detente inspect --batch`: many guests, a few at a time.

mod guests;
mod line;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use detente_guest::{Options, inspect};

use self::guests::Machine;
use self::line::Line;
use crate::output::{Output, StatusLine};
use crate::{BAD, CANNOT_TELL, FINE, INTERRUPTED, disks, interrupt};

/// So many finished answers may wait for a slow guest before them, for each that is looked at.
const WAITING_PER_JOB: usize = 4;

/// How a batch is to be worked through.
pub(super) struct Batch<'a> {
    /// A folder of images, or a list.
    pub(super) from: &'a Path,
    /// How many guests are looked at at a time.
    pub(super) jobs: usize,
    pub(super) options: Options,
    pub(super) allow_path: &'a [PathBuf],
    pub(super) answer: Answer,
}

/// How the answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// For people: a line of a table for each machine.
    Table,
    /// For programs: a document on a line for each machine.
    Lines,
}

/// What the workers share. Answers are told in the order of the guests; nobody runs so far ahead
/// that more than a few answers have to be held.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    cancel: std::sync::Arc<AtomicBool>,
}

struct State {
    /// The next guest to look at.
    next: usize,
    /// The next answer to tell.
    told: usize,
    answers: Vec<Option<Line>>,
}

pub(super) fn run(batch: &Batch<'_>, out: &mut Output) -> anyhow::Result<ExitCode> {
    let machines = guests::read(batch.from)?;
    let cancel = interrupt::watch()?;
    let window = batch.jobs * WAITING_PER_JOB;
    let shared = Shared {
        state: Mutex::new(State {
            next: 0,
            told: 0,
            answers: std::iter::repeat_with(|| None).take(window).collect(),
        }),
        changed: Condvar::new(),
        cancel,
    };
    std::thread::scope(|scope| {
        for _ in 0..batch.jobs {
            scope.spawn(|| shared.work(batch, &machines));
        }
        let told = shared.tell(batch, &machines, out);
        // Whatever ended the telling ends the work.
        if told.is_err() {
            shared.cancel.store(true, Ordering::Relaxed);
            shared.changed.notify_all();
        }
        told
    })
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at one guest after the other.
    fn work(&self, batch: &Batch<'_>, machines: &[Machine]) {
        while let Some(index) = self.take(machines.len()) {
            let line = machines.get(index).map(|machine| look(batch, machine));
            let mut state = self.state();
            let slot = index % state.answers.len();
            if let Some(answer) = state.answers.get_mut(slot) {
                *answer = line;
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// The next guest, once there is room for its answer.
    fn take(&self, count: usize) -> Option<usize> {
        let mut state = self.state();
        loop {
            if state.next >= count || self.cancel.load(Ordering::Relaxed) {
                return None;
            }
            if state.next < state.told + state.answers.len() {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.wait(state);
        }
    }

    /// A signal does not wake anybody: look for it now and then.
    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let a_while = std::time::Duration::from_millis(200);
        let (state, _) = self
            .changed
            .wait_timeout(state, a_while)
            .unwrap_or_else(PoisonError::into_inner);
        state
    }

    /// Tells the answers in the order of the guests.
    fn tell(
        &self,
        batch: &Batch<'_>,
        machines: &[Machine],
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let mut status = StatusLine::new();
        let mut code = FINE;
        if batch.answer == Answer::Table {
            out.line(&line::heading())?;
        }
        for index in 0..machines.len() {
            let Some(line) = self.answer(index) else {
                return Ok(ExitCode::from(INTERRUPTED));
            };
            status.say("");
            out.line(line.text())?;
            code = worse(code, line.code);
            status.say(&format!("{} of {} guests", index + 1, machines.len()));
        }
        status.say("");
        Ok(ExitCode::from(code))
    }

    /// Waits for one answer; `None` if there will be none.
    fn answer(&self, index: usize) -> Option<Line> {
        let mut state = self.state();
        loop {
            let slot = index % state.answers.len();
            if let Some(line) = state.answers.get_mut(slot).and_then(Option::take) {
                state.told = index + 1;
                drop(state);
                self.changed.notify_all();
                return Some(line);
            }
            if self.cancel.load(Ordering::Relaxed) {
                return None;
            }
            state = self.wait(state);
        }
    }
}

/// What is certain counts more than what could not be told.
fn worse(code: u8, other: u8) -> u8 {
    match (code, other) {
        (BAD, _) | (_, BAD) => BAD,
        (CANNOT_TELL, _) | (_, CANNOT_TELL) => CANNOT_TELL,
        _ => FINE,
    }
}

/// Looks at one guest. Whatever is wrong with it is its own answer.
fn look(batch: &Batch<'_>, machine: &Machine) -> Line {
    let facts = disks::open_all(&machine.disks, batch.allow_path)
        .map_err(anyhow::Error::new)
        .and_then(|images| {
            let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
            let guest = inspect(&readers, batch.options)?;
            let facts = guest.facts();
            Line::of_facts(machine, facts, super::code(facts), batch.answer)
        });
    facts.unwrap_or_else(|error| Line::of_error(machine, &error, batch.answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_counts_more() {
        assert_eq!(worse(FINE, FINE), FINE);
        assert_eq!(worse(CANNOT_TELL, FINE), CANNOT_TELL);
        assert_eq!(worse(CANNOT_TELL, BAD), BAD);
        assert_eq!(worse(BAD, CANNOT_TELL), BAD);
    }
}

//! Talking to the agent while the user looks on: a task is given, what its program prints is passed
//! on as it comes.

use std::time::Duration;

use detente_host::Acceleration;
use detente_plan::protocol::{Observation, Task};

use super::error::PrepareError;
use super::observer::{PrepareEvent, PrepareObserver};
use crate::limits::{ms, scaled};
use crate::session::{NoAnswer, Session};

/// How often what a program printed is passed on.
const GLANCE: Duration = Duration::from_millis(500);

/// A conversation with somebody who looks on.
pub(crate) struct Talk<'o> {
    pub(crate) session: Session,
    pub(crate) observer: &'o mut dyn PrepareObserver,
    pub(crate) acceleration: Acceleration,
}

impl Talk<'_> {
    /// A limit on this machine.
    pub(crate) fn limit(&self, seconds: u64) -> Duration {
        scaled(seconds, self.acceleration)
    }

    /// Tells whoever looks on.
    pub(crate) fn came(&mut self, text: &str) {
        let elapsed_ms = ms(self.session.elapsed());
        self.observer
            .event(&PrepareEvent::Came { text, elapsed_ms });
    }

    /// Has something done, and waits for it; what it was is `Err` where nothing was seen.
    pub(crate) fn ask(
        &mut self,
        task: Task,
        limit: Duration,
    ) -> Result<Result<Observation, NoAnswer>, PrepareError> {
        let given = self.session.give(task, limit);
        let end = self.session.elapsed() + limit;
        while self.session.elapsed() < end && !self.session.interrupted() {
            let id = given.id;
            let came = self.session.wait(GLANCE, |state| {
                let over = state.has_result(id) || state.died().is_some() || state.gone().is_some();
                over.then_some(())
            })?;
            self.pass_on();
            if !matches!(came, crate::session::Waited::Late) {
                break;
            }
        }
        let answer = self.session.answer(&given)?;
        self.pass_on();
        match answer {
            Err(NoAnswer::Interrupted) => Err(PrepareError::Interrupted),
            answer => Ok(answer.map(|(seen, _)| seen)),
        }
    }

    /// Passes on what programs have printed.
    fn pass_on(&mut self) {
        let (lines, left_out) = self.session.tools.take();
        if left_out > 0 {
            self.observer
                .event(&PrepareEvent::LeftOut { lines: left_out });
        }
        for text in lines.iter().filter(|line| !line.trim().is_empty()) {
            self.observer.event(&PrepareEvent::Line { text });
        }
    }
}

/// Why nothing was seen, in words.
pub(crate) fn why(nothing: NoAnswer) -> String {
    match nothing {
        NoAnswer::Failed(why) | NoAnswer::Died(why) | NoAnswer::Silent(why) => why,
        NoAnswer::Interrupted => "interrupted".to_owned(),
    }
}

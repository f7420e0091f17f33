//! The cases of the plan `base` that are one question, or a conversation that leaves the guest as it
//! was.

mod clock;
mod pairs;
mod port;
mod processor;
mod questions;
mod screen;
mod soak;
mod support_data;
mod supportable;

use std::time::Duration;

use detente_plan::protocol::{Exercise, Exercised, Observation, Task};

use super::plugging::operating::{Step, ask};
use crate::session::Session;

pub(super) use clock::{correction, drift};
pub(super) use pairs::pairs;
pub(super) use port::port;
pub(super) use processor::processor;
pub(super) use questions::{CPU_03, MEM_08, NET_03, NET_04, STO_13, SUP_04};
pub(super) use screen::screen;
pub(super) use soak::soak;
pub(super) use support_data::support_data;
pub(super) use supportable::supportable;

/// What comes of an exercise, by whoever picks it out.
fn exercise<T>(
    session: &mut Session,
    exercise: Exercise,
    limit: Duration,
    pick: impl FnOnce(Exercised) -> Option<T>,
) -> Step<T> {
    ask(session, Task::Exercise(exercise), limit, |seen| {
        pick(exercised(seen)?)
    })
}

fn exercised(seen: Observation) -> Option<Exercised> {
    match seen {
        Observation::Exercised(exercised) => Some(exercised),
        _ => None,
    }
}

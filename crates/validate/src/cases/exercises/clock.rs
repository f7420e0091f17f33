//! TIME-02 and TIME-03: the guest's clock against the host's, and after it was turned back.

use std::time::Duration;

use detente_host::HostError;
use detente_machine::Profile;
use detente_machine::hyperv::Command;
use detente_plan::CaseId;
use detente_plan::judge::{self, Corrector, Finding, Stretch};
use detente_plan::protocol::{Exercise, Exercised, GuestClock, Observation, Task};

use super::exercise;
use crate::cases::plugging::operating::{Step, ask, found};
use crate::cases::{Context, Found, no_answer, wrong_answer};
use crate::limits::ms;
use crate::session::{NoAnswer, Session};

/// How long each stretch is.
const STRETCH: Duration = Duration::from_secs(10);

/// How far the clock is turned back: LISA's two days.
const BACK_S: u32 = 2 * 24 * 3600;

/// How far from right it may be to count as right.
const WITHIN_MS: u32 = 2000;

/// How long somebody may take to put it right: LISA's 120 seconds.
const CORRECTION_MS: u64 = 120_000;

/// How long the agent is given to turn the clock before the host tells it the time.
const TO_TURN: Duration = Duration::from_secs(3);

/// A reading of the guest's clocks, between two of the host's.
struct Reading {
    before_ms: u64,
    after_ms: u64,
    guest: GuestClock,
}

/// Measures an idle stretch and one under load.
pub(crate) fn drift(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Time02);
    let talk = |session: &mut Session| -> Step<Finding> {
        let first = reading(session, limit)?;
        session.wait(STRETCH, |_| None::<()>)?;
        let second = reading(session, limit)?;
        let load = Exercise::BurnProcessors {
            for_ms: ms(STRETCH),
        };
        let given = session.give(Task::Exercise(load), limit);
        // What it comes to is another case's business; it ends before anything else is asked.
        let _ = session.answer(&given)?;
        let third = reading(session, limit)?;
        Ok(judge::time02(
            &stretch(&first, &second),
            &stretch(&second, &third),
        ))
    };
    found(talk(session))
}

fn reading(session: &mut Session, limit: Duration) -> Step<Reading> {
    let before_ms = ms(session.elapsed());
    let guest = ask(session, Task::ReadClocks, limit, |seen| match seen {
        Observation::GuestClock(clock) => Some(clock),
        _ => None,
    })?;
    Ok(Reading {
        before_ms,
        after_ms: ms(session.elapsed()),
        guest,
    })
}

fn stretch(from: &Reading, to: &Reading) -> Stretch {
    let middle = |reading: &Reading| reading.before_ms.midpoint(reading.after_ms);
    let asking = |reading: &Reading| reading.after_ms.saturating_sub(reading.before_ms) / 2 + 1;
    Stretch {
        host_ms: middle(to).saturating_sub(middle(from)),
        monotonic_ms: to
            .guest
            .monotonic_ms
            .saturating_sub(from.guest.monotonic_ms),
        wall_ms: to.guest.wall_ms.saturating_sub(from.guest.wall_ms),
        doubt_ms: asking(from).saturating_add(asking(to)),
    }
}

/// Turns the guest's clock back; on the synthetic hardware the host then tells it the time.
pub(crate) fn correction(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Time03);
    let corrector = match context.profile {
        Profile::HypervVmbus => Corrector::Host,
        Profile::Kvm | Profile::KvmLegacy => Corrector::Program,
    };
    let talk = |session: &mut Session| -> Step<Finding> {
        let asked = Exercise::TurnBackClock {
            by_s: BACK_S,
            within_ms: WITHIN_MS,
            for_ms: CORRECTION_MS,
        };
        if corrector == Corrector::Program {
            // Without a keeper nobody needs to be waited for.
            let keepers = reading(session, limit)?.guest.keepers;
            if keepers.is_empty() {
                let seen = detente_plan::protocol::ClockTurned {
                    turned: true,
                    ..Default::default()
                };
                return Ok(judge::time03(&seen, corrector, CORRECTION_MS));
            }
            let seen = exercise(session, asked, limit, |seen| match seen {
                Exercised::ClockTurned(seen) => Some(seen),
                _ => None,
            })?;
            return Ok(judge::time03(&seen, corrector, CORRECTION_MS));
        }
        let given = session.give(Task::Exercise(asked), limit);
        session.wait(TO_TURN, |_| None::<()>)?;
        // A machine without the service does not take it: then nobody puts the clock right.
        let _ = session.ask(Command::SyncTime);
        match session.answer(&given)? {
            Ok((Observation::Exercised(Exercised::ClockTurned(seen)), _)) => {
                Ok(judge::time03(&seen, corrector, CORRECTION_MS))
            }
            Ok(_) => Err(wrong_answer().into()),
            Err(NoAnswer::Failed(why)) => Err(no_answer(NoAnswer::Failed(why)).into()),
            Err(nothing) => Err(no_answer(nothing).into()),
        }
    };
    found(talk(session))
}

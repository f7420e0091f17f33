//! Asking a service of the machine, and waiting for its answer.

use std::time::Duration;

use detente_host::HostError;
use detente_machine::hyperv::{Answer, Command};

use crate::session::{NoAnswer, Session, Waited};

/// Why a service did not do it.
pub(in crate::cases) enum Refusal {
    /// It said so.
    Said(String),
    /// Nobody is there to do it, or to wait for it.
    Lost(NoAnswer),
}

/// Asks a service and waits for its answer.
pub(in crate::cases) fn service(
    session: &mut Session,
    command: Command,
    limit: Duration,
) -> Result<Result<Answer, Refusal>, HostError> {
    let id = match session.ask(command) {
        Ok(id) => id,
        // Whoever cannot be asked is gone, or has none of this; neither is the guest's fault.
        Err(error) => {
            let nobody = || NoAnswer::Silent(error.to_string());
            return Ok(Err(Refusal::Lost(session.lost_or(nobody))));
        }
    };
    let waited = session.wait(limit, |state| {
        let over = state.services.has_answer(id) || state.died().is_some();
        over.then_some(())
    })?;
    Ok(match (session.take_answer(id), waited) {
        (Some(Answer::Failed { why }), _) => Err(Refusal::Said(why)),
        (Some(answer), _) => Ok(answer),
        (None, Waited::Interrupted) => Err(Refusal::Lost(NoAnswer::Interrupted)),
        (None, Waited::Late) => {
            let seconds = limit.as_secs();
            Err(Refusal::Said(format!("no answer within {seconds} s")))
        }
        (None, Waited::Came(()) | Waited::Gone) => Err(Refusal::Lost(session.end())),
    })
}

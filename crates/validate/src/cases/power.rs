//! PWR-01: the power button is pressed, and the guest shuts itself down.

use std::time::Duration;

use detente_host::{HostError, PowerOff};
use detente_plan::judge::PowerSeen;
use detente_plan::protocol::{HostMessage, Phase};

use super::Context;
use crate::limits::{ms, scaled};
use crate::session::{Session, Waited};

/// How long the agent is given to let go of the root.
const LEAVING: Duration = Duration::from_secs(10);

/// How long the console's last bytes may take after the power went off.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// Presses the button and watches; `None` if the user ended the run. Whether the root is clean
/// can be seen only when the machine is gone: the caller looks.
pub(crate) fn power(
    context: &Context<'_>,
    session: &mut Session,
) -> Result<Option<PowerSeen>, HostError> {
    session.say(&HostMessage::Leave)?;
    session.wait(LEAVING, |state| {
        (state.phase == Some(Phase::Leaving)).then_some(())
    })?;
    let limit = scaled(
        context.plan.parameters.shutdown_limit_s,
        context.acceleration,
    );
    let pressed = session.elapsed();
    session.machine().press_power_button()?;
    let waited = session.wait(limit, |state| state.power_off)?;
    let elapsed = session.elapsed().saturating_sub(pressed);
    let (by_guest, otherwise) = match waited {
        Waited::Came(PowerOff::Guest) => (true, String::new()),
        Waited::Came(PowerOff::GuestPanic) => (false, "it panicked".to_owned()),
        Waited::Came(PowerOff::Host) => (false, "the host turned it off".to_owned()),
        Waited::Late => (false, "the guest did not react in time".to_owned()),
        Waited::Gone => {
            let how = session.exited.clone().unwrap_or_default();
            (false, format!("the machine's process ended ({how})"))
        }
        Waited::Interrupted => return Ok(None),
    };
    if by_guest {
        session.wait(LAST_BYTES, |state| {
            state.console.last_words.as_ref().map(|_| ())
        })?;
    }
    Ok(Some(PowerSeen {
        by_guest,
        otherwise,
        last_words: session.console.last_words.clone(),
        root_clean: None,
        elapsed_ms: ms(elapsed),
        limit_ms: ms(limit),
    }))
}

//! PWR-01: the power button is pressed, and the guest shuts itself down.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::{HostError, PowerOff};
use detente_plan::judge::{Finding, PowerSeen, RootState};
use detente_plan::protocol::{HostMessage, Phase};

use super::interrupted;
use crate::limits::ms;
use crate::session::{Session, Waited};

/// How long the agent is given to let go of the root.
const LEAVING: Duration = Duration::from_secs(10);

/// How long the console's last bytes may take after the power went off.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// How the shutdown went.
pub(crate) enum Shutdown {
    /// The button was pressed. Whether the root is clean can be seen only when the machine is
    /// gone: the caller looks.
    Seen(PowerSeen),
    /// It was not, or nobody waited for what came of it.
    Unseen(Finding),
    /// Nobody wanted to know: the machine is simply ended.
    Unasked,
}

/// Presses the button and watches for no longer than `limit`.
pub(crate) fn power(session: &mut Session, limit: Duration) -> Result<Shutdown, HostError> {
    session.mention(&HostMessage::Leave);
    session.wait(LEAVING, |state| {
        let over = state.phase == Some(Phase::Leaving) || ended(state).is_some();
        over.then_some(())
    })?;
    if session.interrupted() {
        return Ok(Shutdown::Unseen(interrupted()));
    }
    // A guest that is off by now was not turned off by the button.
    if let Some(finding) = ended(session) {
        return Ok(Shutdown::Unseen(finding));
    }
    let pressed = session.elapsed();
    if let Err(error) = session.machine().press_power_button() {
        let finding = Finding::plain(Outcome::Error, "no_button", error.to_string());
        return Ok(Shutdown::Unseen(finding));
    }
    watch(session, pressed, limit)
}

/// What came of the button.
enum Came {
    Off(PowerOff),
    Panic(String),
    Reset,
}

/// Watches what comes of the button.
fn watch(session: &mut Session, pressed: Duration, limit: Duration) -> Result<Shutdown, HostError> {
    let waited = session.wait(limit, |state| {
        let off = state.power_off.map(Came::Off);
        let panicked = || state.panic_line().cloned().map(Came::Panic);
        let reset = || (state.resets > 0).then_some(Came::Reset);
        off.or_else(panicked).or_else(reset)
    })?;
    let elapsed = session.elapsed().saturating_sub(pressed);
    let (by_guest, otherwise) = match waited {
        Waited::Came(Came::Off(PowerOff::Guest)) => (true, String::new()),
        Waited::Came(Came::Off(PowerOff::GuestPanic)) => (false, "it panicked".to_owned()),
        Waited::Came(Came::Panic(line)) => (false, format!("its kernel panicked: {line}")),
        Waited::Came(Came::Reset) => (false, "it reset itself".to_owned()),
        Waited::Late => (false, "the guest did not react in time".to_owned()),
        Waited::Came(Came::Off(PowerOff::Host)) | Waited::Gone => {
            return Ok(Shutdown::Unseen(lost(session)));
        }
        Waited::Interrupted => return Ok(Shutdown::Unseen(interrupted())),
    };
    if by_guest {
        session.wait(LAST_BYTES, |state| {
            state.console.last_words.as_ref().map(|_| ())
        })?;
    }
    Ok(Shutdown::Seen(PowerSeen {
        by_guest,
        otherwise,
        last_words: session.console.last_words.clone(),
        root: RootState::Unread("not looked at yet"),
        elapsed_ms: ms(elapsed),
        limit_ms: ms(limit),
    }))
}

/// A machine that was taken away, or broke, while the guest was shutting down.
fn lost(session: &Session) -> Finding {
    let how = session.gone().unwrap_or_default();
    let message = format!("{how} after the power button was pressed");
    Finding::plain(Outcome::Error, "machine_lost", message)
}

/// What it means that the guest has ended before the button was pressed, if it has.
fn ended(session: &Session) -> Option<Finding> {
    let sentence = |how| format!("{how} before the power button was pressed");
    if let Some(how) = session.died() {
        return Some(Finding::plain(
            Outcome::Failed,
            "guest_ended",
            sentence(how),
        ));
    }
    let gone = session.gone()?;
    Some(Finding::plain(Outcome::Error, "no_answer", sentence(gone)))
}

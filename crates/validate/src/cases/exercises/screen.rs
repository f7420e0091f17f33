//! GFX-01: the guest shows something on its screen.

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::judge::{self, Finding};

use crate::cases::plugging::operating::{Step, found};
use crate::cases::{Context, Found, SCREEN};
use crate::picture;
use crate::session::Session;

/// Takes a picture and looks at it.
pub(crate) fn screen(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let file = context.work.join(SCREEN);
    let talk = |session: &mut Session| -> Step<Finding> {
        let failed = |code: &'static str, why: String| Finding::plain(Outcome::Error, code, why);
        session
            .machine()
            .screen_picture(&file)
            .map_err(|error| failed("no_picture", error.to_string()))?;
        let png = std::fs::read(&file).map_err(|error| failed("no_picture", error.to_string()))?;
        let seen =
            picture::look(&png).map_err(|error| failed("unreadable_picture", error.to_string()))?;
        Ok(judge::gfx01(&seen))
    };
    found(talk(session))
}

//! A machine that is left up after a failure, for a person to look at, until that person has enough.
//!
//! Two sockets lead in: the guest's console, and a line-by-line shell that the agent runs, which
//! needs no password, no network and no login.

mod console;
mod place;
mod shell;

use std::time::Duration;

use detente_host::HostError;

use crate::limits::ms;
use crate::observer::{Observer, Progress};
use crate::session::Session;

use console::ConsoleSocket;
pub(crate) use place::Hold;
use place::Place;
use shell::ShellSocket;

/// How long nothing may happen before the sockets are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Leaves the machine up until the user ends it or it ends itself. What cannot be had (a socket's
/// path that is too long, for instance) is said; the machine is then held without it.
pub(crate) fn hold(
    session: &mut Session,
    hold: &Hold,
    observer: &mut dyn Observer,
) -> Result<(), HostError> {
    let place = Place::new(hold);
    let sockets = place.as_ref().map(|place| (place.console(), place.shell()));
    let (mut console, mut shell) = match sockets {
        Ok((console, shell)) => (console.ok(), shell.ok().filter(|_| session.agent.is_some())),
        Err(_) => (None, None),
    };
    observer.progress(&Progress::Held {
        ways: &ways(console.as_ref(), shell.as_ref()),
        elapsed_ms: ms(session.elapsed()),
    });
    session.tap(true);
    while !session.end_of_hold() && session.exited.is_none() {
        session.wait(GLANCE, |state| state.has_tapped().then_some(()))?;
        let said = session.tapped();
        if let Some(console) = &mut console {
            console.serve(session, &said);
        }
        if let Some(shell) = &mut shell {
            shell.serve(session);
        }
    }
    session.tap(false);
    Ok(())
}

/// How to get in, a line each.
fn ways(console: Option<&ConsoleSocket>, shell: Option<&ShellSocket>) -> Vec<String> {
    let mut ways = Vec::new();
    if let Some(console) = console {
        let path = console.path().display();
        ways.push(format!(
            "the guest's console: socat -,raw,echo=0,escape=0x1d UNIX-CONNECT:{path} (Ctrl-] leaves it)"
        ));
    }
    if let Some(shell) = shell {
        let path = shell.path().display();
        ways.push(format!(
            "commands as root, without a login: socat - UNIX-CONNECT:{path}"
        ));
    }
    if ways.is_empty() {
        ways.push("no socket could be made: look at console.log in the run's folder".to_owned());
    }
    ways
}

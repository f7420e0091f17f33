//! How a guest, its machine or its agent ended, as far as it was seen.

use detente_host::PowerOff;

use super::{NoAnswer, Session};

impl Session {
    /// What was seen to end the guest, if anything was: its own fault, or its hardware's.
    pub(crate) fn died(&self) -> Option<String> {
        if let Some(line) = self.panic_line() {
            return Some(format!("the guest's kernel panicked: {line}"));
        }
        match self.power_off {
            Some(PowerOff::Guest) => Some("the guest powered itself off".to_owned()),
            Some(PowerOff::GuestPanic) => Some("the guest panicked".to_owned()),
            Some(PowerOff::Host) | None => {
                (self.resets > self.wanted_resets).then(|| "the machine was reset".to_owned())
            }
        }
    }

    /// Why the machine is gone, if it is, though the guest did not end it.
    pub(crate) fn gone(&self) -> Option<String> {
        if let Some(how) = &self.exited {
            return Some(format!("the machine's process ended ({how})"));
        }
        let by_host = self.power_off == Some(PowerOff::Host);
        by_host.then(|| "the host turned the machine off".to_owned())
    }

    /// Why the agent will not answer any more, if it will not.
    pub(super) fn lost(&self) -> Option<NoAnswer> {
        if let Some(how) = self.died() {
            return Some(NoAnswer::Died(how));
        }
        if let Some(how) = self.gone() {
            return Some(NoAnswer::Silent(how));
        }
        let silent = self
            .last_heard
            .is_some_and(|heard| self.now().saturating_duration_since(heard) > self.silence);
        silent.then(|| {
            let seconds = self.silence.as_secs();
            NoAnswer::Silent(format!("the agent has been silent for {seconds} s"))
        })
    }

    /// The line of a panic, after which nothing comes.
    pub(crate) fn panic_line(&self) -> Option<&String> {
        self.console.panic.as_ref()
    }
}

//! Devices that were plugged in, and when the agent was heard last.

use std::time::Duration;

use super::Session;

/// Devices that are remembered as gone: more than any case plugs in.
const GONE: usize = 64;

impl Session {
    /// Whether the guest has let go of a device.
    pub(crate) fn is_gone(&self, name: &str) -> bool {
        self.gone.iter().any(|gone| gone == name)
    }

    /// When the agent was heard last, counted from the machine's start.
    pub(crate) fn last_heard(&self) -> Option<Duration> {
        let heard = self.last_heard?;
        Some(heard.saturating_duration_since(self.started))
    }

    pub(super) fn removed(&mut self, name: String) {
        if self.gone.len() < GONE {
            self.gone.push(name);
        }
    }
}

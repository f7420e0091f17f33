//! A machine that is started again within one conversation.

use super::{AgentClock, Session};

impl Session {
    /// Forgets what belongs to the boot before a reset that was wanted: whoever speaks next is the
    /// agent of the next one.
    pub(crate) fn begin_boot(&mut self) {
        self.wanted_resets = self.resets;
        self.earlier_agent = self.agent.take().or(self.earlier_agent.take());
        self.phase = None;
        self.first_survey = None;
        self.survey = None;
        self.surveys = 0;
        self.last_heard = None;
        self.clock = AgentClock::default();
        self.serial.open = false;
        self.virtio.open = false;
        self.console.begin_boot();
    }

    /// Counts a reset. SeaBIOS, started a second time, resets the machine once more to find it as at
    /// first (`tryReboot`): what comes before the agent of the next boot speaks belongs to the reset
    /// that was wanted.
    pub(super) fn was_reset(&mut self) {
        let is_wanted = self.wanted_resets == self.resets && self.wanted_resets > 0;
        self.resets = self.resets.saturating_add(1);
        if is_wanted && self.agent.is_none() {
            self.wanted_resets = self.resets;
        }
    }
}

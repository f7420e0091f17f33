//! Waiting for a state of a session.

use std::time::{Duration, Instant};

use detente_host::HostError;

use super::Session;

/// How often the user's wish to stop is looked at.
pub(super) const GLANCE: Duration = Duration::from_millis(200);

/// How a waiting ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waited<T> {
    /// What was waited for.
    Came(T),
    /// The limit was over.
    Late,
    /// The machine is gone, so it can never come.
    Gone,
    /// The user ended the run.
    Interrupted,
}

impl Session {
    /// Takes events until `wanted` finds what it looks for, the limit is over, the machine is gone
    /// or the user ends the run.
    pub(crate) fn wait<T>(
        &mut self,
        limit: Duration,
        wanted: impl FnMut(&Self) -> Option<T>,
    ) -> Result<Waited<T>, HostError> {
        let deadline = self.now() + limit;
        self.wait_until(deadline, wanted)
    }

    /// [`Session::wait`], up to a time of the machine's.
    pub(super) fn wait_until<T>(
        &mut self,
        deadline: Instant,
        mut wanted: impl FnMut(&Self) -> Option<T>,
    ) -> Result<Waited<T>, HostError> {
        loop {
            if let Some(found) = wanted(self) {
                return Ok(Waited::Came(found));
            }
            if self.interrupted() {
                return Ok(Waited::Interrupted);
            }
            if self.exited.is_some() {
                return Ok(Waited::Gone);
            }
            let now = self.now();
            if now >= deadline {
                return Ok(Waited::Late);
            }
            let glance = deadline.min(now + GLANCE);
            if !self.pump(glance)? {
                // A machine that has nothing to tell until then is as good as one that took that
                // long.
                self.waited_to = glance;
            }
        }
    }
}

//! Waiting for a state of a session.

use std::time::{Duration, Instant};

use detente_host::HostError;

use super::Session;

/// How often the user's wish to stop is looked at.
const GLANCE: Duration = Duration::from_millis(200);

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
        mut wanted: impl FnMut(&Self) -> Option<T>,
    ) -> Result<Waited<T>, HostError> {
        let mut now = Instant::now();
        let deadline = now + limit;
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
            if now >= deadline {
                return Ok(Waited::Late);
            }
            let glance = deadline.min(now + GLANCE);
            // A machine that has nothing to tell until then is as good as one that took that long.
            now = if self.pump(glance)? {
                Instant::now().max(now)
            } else {
                glance
            };
        }
    }
}

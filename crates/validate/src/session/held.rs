//! What a machine that is left up for a person needs of a session.

use std::sync::atomic::Ordering;

use super::Session;
use super::task::{Given, TaskEnd};

/// The most bytes of the console that are kept for those who look on.
const TAP_BYTES: usize = 256 * 1024;

impl Session {
    /// Begins or ends to keep what the console says, for others.
    pub(crate) fn tap(&mut self, on: bool) {
        self.tap = on.then(Vec::new);
    }

    /// Whether the console has said something since the last time.
    pub(crate) fn has_tapped(&self) -> bool {
        self.tap.as_ref().is_some_and(|tap| !tap.is_empty())
    }

    /// What the console has said since the last time.
    pub(crate) fn tapped(&mut self) -> Vec<u8> {
        self.tap.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Keeps what the console says, as much as somebody may want to see.
    pub(super) fn keep_for_tap(&mut self, bytes: &[u8]) {
        if let Some(tap) = &mut self.tap
            && tap.len() < TAP_BYTES
        {
            tap.extend_from_slice(bytes);
        }
    }

    /// Whether the user has had enough of a machine that was left up. This is no end of the run: the
    /// wish is taken.
    pub(crate) fn end_of_hold(&self) -> bool {
        self.interrupt.swap(false, Ordering::Relaxed)
    }

    /// The end of a task, once; an agent that does not answer in time has said so.
    pub(crate) fn taken(&mut self, given: &Given) -> Option<TaskEnd> {
        let late = given.is_late(self.now()).then(|| TaskEnd::Failed {
            reason: "the agent did not answer".to_owned(),
            timed_out: true,
        });
        self.results.remove(&given.id).or(late)
    }
}

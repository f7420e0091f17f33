//! What is told to the one machine that runs in a lab.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::HostError;

/// Something that happened to a machine's process.
pub(crate) enum Told {
    /// It ended.
    Ended {
        /// In words.
        status: String,
        /// The end of what it wrote to its standard error.
        stderr: String,
    },
    /// What it stands on broke.
    Broken(HostError),
}

/// Where the lab's threads tell what happens; whoever runs the present machine listens.
#[derive(Clone, Default)]
pub(crate) struct Sink(Arc<Mutex<Option<Sender<Told>>>>);

impl Sink {
    /// Listens from now on, instead of whoever did.
    pub(crate) fn listen(&self) -> Receiver<Told> {
        let (sender, receiver) = channel();
        *self.lock() = Some(sender);
        receiver
    }

    /// Ends the listening.
    pub(crate) fn close(&self) {
        *self.lock() = None;
    }

    pub(crate) fn tell(&self, told: Told) {
        if let Some(sender) = &*self.lock() {
            let _ = sender.send(told);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Sender<Told>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

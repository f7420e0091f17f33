//! The owner's side of an adapter: frames to and fro, and the cable.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::options::NvspVersion;
use super::{MAX_FRAME_BYTES, MIN_FRAME_BYTES};

/// How many frames wait in either direction at most.
const WAITING_LIMIT: usize = 1024;

/// Whether the cable is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// It is.
    #[default]
    Up,
    /// It is not.
    Down,
}

/// How far the guest has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Its driver has not opened the channel.
    #[default]
    Closed,
    /// The channel is open, and no version is agreed upon.
    Opened,
    /// A version is agreed upon.
    Negotiated(NvspVersion),
    /// RNDIS is up; the interface is down.
    Initialized(NvspVersion),
    /// The interface is up: frames go both ways.
    Running(NvspVersion),
}

/// What has happened since the adapter was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Frames that the guest has sent.
    pub sent: u64,
    /// Frames that were put into the guest's memory.
    pub received: u64,
    /// Frames for the guest that were lost: no room, no interface, or not for it.
    pub receive_dropped: u64,
    /// Frames of the guest that were lost: nobody took them, or the cable was out.
    pub send_dropped: u64,
    /// Messages of the guest that were refused: malformed, or asking for what we do not do.
    pub refused: u64,
}

/// Why a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It is no frame.
    #[error("a frame of {len} bytes; they have {MIN_FRAME_BYTES} to {MAX_FRAME_BYTES}")]
    Length {
        /// How long it is.
        len: usize,
    },
    /// The cable is out.
    #[error("the link is down")]
    LinkDown,
    /// The guest has not taken the frames before it.
    #[error("{waiting} frames are waiting already")]
    Full {
        /// How many.
        waiting: usize,
    },
}

/// By this the owner of an adapter moves frames. After [`Handle::push_frame`] and
/// [`Handle::set_link`] it calls the bus's `poke` for the channel.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) link: Link,
    pub(super) stage: Stage,
    pub(super) counters: Counters,
    pub(super) to_guest: VecDeque<Vec<u8>>,
    from_guest: VecDeque<Vec<u8>>,
}

impl Handle {
    /// Sends a frame to the guest: from the destination address on, without the checksum.
    ///
    /// # Errors
    /// [`Refused`]; the frame is lost then.
    pub fn push_frame(&self, frame: Vec<u8>) -> Result<(), Refused> {
        let len = frame.len();
        let mut shared = self.lock();
        let waiting = shared.to_guest.len();
        let refused = if !(MIN_FRAME_BYTES..=MAX_FRAME_BYTES).contains(&len) {
            Refused::Length { len }
        } else if shared.link == Link::Down {
            Refused::LinkDown
        } else if waiting >= WAITING_LIMIT {
            Refused::Full { waiting }
        } else {
            shared.to_guest.push_back(frame);
            return Ok(());
        };
        count(&mut shared.counters.receive_dropped);
        Err(refused)
    }

    /// The next frame that the guest has sent.
    #[must_use]
    pub fn pop_frame(&self) -> Option<Vec<u8>> {
        self.lock().from_guest.pop_front()
    }

    /// Puts the cable in or pulls it out. The guest is told; frames that wait for it are lost.
    pub fn set_link(&self, link: Link) {
        let mut shared = self.lock();
        shared.link = link;
        if link == Link::Down {
            shared.drop_waiting();
        }
    }

    /// How far the guest has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.lock().stage
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        // Nothing that holds it can leave it half done.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The guest has sent a frame.
    pub(super) fn sent(&mut self, frame: Vec<u8>) {
        if self.link == Link::Down || self.from_guest.len() >= WAITING_LIMIT {
            count(&mut self.counters.send_dropped);
            return;
        }
        count(&mut self.counters.sent);
        self.from_guest.push_back(frame);
    }

    /// What waits for the guest is for one that is not there.
    pub(super) fn drop_waiting(&mut self) {
        let waiting = u64::try_from(self.to_guest.len()).unwrap_or(u64::MAX);
        let dropped = &mut self.counters.receive_dropped;
        *dropped = dropped.saturating_add(waiting);
        self.to_guest.clear();
    }
}

/// One more.
pub(super) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

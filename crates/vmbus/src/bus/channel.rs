//! A device's channel: closed, open, or at rest.

use std::time::Duration;

use detente_block::with_causes;

use super::gpadl::Lent;
use super::link::Link;
use super::options::ChannelId;
use crate::device::{Device, DeviceError, Now};
use crate::synic::Synic;

/// How often a device is called again at once because the guest has sent more meanwhile. Then it
/// is others' turn.
const ROUNDS: u32 = 8;

/// A number on the bus.
pub(super) enum Slot {
    /// A device is offered by it.
    Taken(Box<OfferedChannel>),
    /// The device is gone; the guest was told, and has not yet released the number.
    Rescinded,
}

impl Slot {
    pub(super) fn taken(&self) -> Option<&OfferedChannel> {
        match self {
            Self::Taken(channel) => Some(channel),
            Self::Rescinded => None,
        }
    }

    pub(super) fn taken_mut(&mut self) -> Option<&mut OfferedChannel> {
        match self {
            Self::Taken(channel) => Some(channel),
            Self::Rescinded => None,
        }
    }
}

/// A device, and what the guest has made of its channel.
pub(super) struct OfferedChannel {
    pub(super) id: ChannelId,
    pub(super) device: Box<dyn Device>,
    /// Whether this guest knows of it.
    pub(super) told: bool,
    pub(super) lent: Lent,
    pub(super) state: State,
}

/// How far the guest has come with a channel.
pub(super) enum State {
    Closed,
    Open(Link),
    /// The guest broke a rule. It still has to close.
    Resting,
}

impl OfferedChannel {
    pub(super) fn new(id: ChannelId, device: Box<dyn Device>) -> Self {
        Self {
            id,
            device,
            told: false,
            lent: Lent::default(),
            state: State::Closed,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match self.state {
            State::Closed => true,
            State::Open(_) | State::Resting => false,
        }
    }

    pub(super) fn link(&self) -> Option<&Link> {
        match &self.state {
            State::Open(link) => Some(link),
            State::Closed | State::Resting => None,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.state {
            State::Open(link) => Some(link),
            State::Closed | State::Resting => None,
        }
    }

    /// The guest has opened the channel, and knows that it worked.
    pub(super) fn open(&mut self, synic: &Synic, link: Link, now: Now) -> Result<(), String> {
        self.state = State::Open(link);
        self.attempt(synic, |channel| channel.start(synic, now))?;
        // Packets may have been there before.
        self.service(synic, now)
    }

    /// Calls the device until nothing is left to do, or it was called often enough.
    ///
    /// The error says why the channel rests from now on.
    pub(super) fn service(&mut self, synic: &Synic, now: Now) -> Result<(), String> {
        self.attempt(synic, |channel| channel.rounds(synic, now))
    }

    /// Whether it was open or resting. The device is told.
    pub(super) fn close(&mut self) -> bool {
        if self.is_closed() {
            return false;
        }
        self.state = State::Closed;
        self.device.closed();
        true
    }

    /// The guest has left: it knows of nothing, and has lent nothing.
    pub(super) fn forget(&mut self) -> bool {
        self.told = false;
        self.lent.clear();
        self.close()
    }

    /// When the device wants to be called though nothing happens.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match self.link()?.again {
            true => Some(Duration::ZERO),
            false => self.device.deadline(),
        }
    }

    fn attempt(
        &mut self,
        synic: &Synic,
        work: impl FnOnce(&mut Self) -> Result<(), DeviceError>,
    ) -> Result<(), String> {
        let done = work(self);
        let relid = self.id.relid();
        if let Some(link) = self.link_mut() {
            link.deliver(synic, relid);
        }
        done.map_err(|error| {
            self.state = State::Resting;
            with_causes(&error)
        })
    }

    fn start(&mut self, synic: &Synic, now: Now) -> Result<(), DeviceError> {
        let State::Open(link) = &mut self.state else {
            return Ok(());
        };
        let mut channel = link.channel(synic, &self.lent, self.id.relid());
        self.device.opened(&mut channel, now)
    }

    fn rounds(&mut self, synic: &Synic, now: Now) -> Result<(), DeviceError> {
        let State::Open(link) = &mut self.state else {
            return Ok(());
        };
        link.again = true;
        for _ in 0..ROUNDS {
            link.rings.begin_drain()?;
            let mut channel = link.channel(synic, &self.lent, self.id.relid());
            self.device.service(&mut channel, now)?;
            if !link.rings.end_drain()? {
                link.again = false;
                break;
            }
        }
        Ok(())
    }
}

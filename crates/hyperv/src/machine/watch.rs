//! What the bus's thread waits for.

use std::os::fd::AsRawFd;
use std::time::Duration;

use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};
use vmm_sys_util::eventfd::EventFd;

use super::error::MachineError;

/// Who rang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bell {
    /// Another thread of ours.
    Wake,
    /// A processor is done with a message.
    EndOfMessage {
        /// Which.
        processor: u32,
    },
    /// The guest signalled a channel.
    Signal {
        /// The channel's connection.
        connection: u32,
    },
}

impl Bell {
    fn number(self) -> u64 {
        match self {
            Self::Wake => 0,
            Self::EndOfMessage { processor } => 1 << 32 | u64::from(processor),
            Self::Signal { connection } => 2 << 32 | u64::from(connection),
        }
    }

    fn of(number: u64) -> Self {
        let [a, b, c, d, kind, ..] = number.to_le_bytes();
        let low = u32::from_le_bytes([a, b, c, d]);
        match kind {
            1 => Self::EndOfMessage { processor: low },
            2 => Self::Signal { connection: low },
            _ => Self::Wake,
        }
    }
}

/// How many bells one look hears.
const AT_ONCE: usize = 64;

/// A set of bells.
#[derive(Debug)]
pub(super) struct Watch {
    epoll: Epoll,
}

impl Watch {
    /// An empty set.
    pub(super) fn new() -> Result<Self, MachineError> {
        let epoll = Epoll::new().map_err(MachineError::Watch)?;
        Ok(Self { epoll })
    }

    /// Listens to an eventfd.
    pub(super) fn add(&self, bell: Bell, event: &EventFd) -> Result<(), MachineError> {
        let wanted = EpollEvent::new(EventSet::IN, bell.number());
        self.epoll
            .ctl(ControlOperation::Add, event.as_raw_fd(), wanted)
            .map_err(MachineError::Watch)
    }

    /// Waits for bells, or for so long.
    pub(super) fn wait(&self, limit: Option<Duration>) -> Result<Vec<Bell>, MachineError> {
        // Rounded up: to come early would be to come twice.
        let limit = limit.map_or(-1, |limit| {
            let millis = limit.as_micros().div_ceil(1000);
            i32::try_from(millis).unwrap_or(i32::MAX)
        });
        let mut events = [EpollEvent::default(); AT_ONCE];
        let count = match self.epoll.wait(limit, &mut events) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(MachineError::Watch(error)),
        };
        let rung = events.iter().take(count);
        Ok(rung.map(|event| Bell::of(event.data())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_is_known_by_its_number() {
        for bell in [
            Bell::Wake,
            Bell::EndOfMessage { processor: 7 },
            Bell::Signal { connection: 0x2001 },
        ] {
            assert_eq!(Bell::of(bell.number()), bell);
        }
    }

    #[test]
    fn bells_that_rang_are_heard() {
        let watch = Watch::new().unwrap();
        let event = EventFd::new(vmm_sys_util::eventfd::EFD_NONBLOCK).unwrap();
        let bell = Bell::Signal { connection: 1 };
        watch.add(bell, &event).unwrap();
        assert_eq!(watch.wait(Some(Duration::ZERO)).unwrap(), []);
        event.write(1).unwrap();
        assert_eq!(watch.wait(None).unwrap(), [bell]);
        event.read().unwrap();
        assert_eq!(watch.wait(Some(Duration::ZERO)).unwrap(), []);
    }
}

//! A device for tests of the bus: it writes down what is done to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::device::{Channel, Device, DeviceError, Now, Offer, Sent};
use crate::guid::Guid;
use crate::packet::{Outgoing, OutgoingKind, PacketKind};

/// The class of all of them: that of SCSI controllers.
pub(super) const CLASS: Guid = Guid::new(0xba61_63d9_04a1_4d29_b605_72e2_ffb1_dc7f);

/// What was done to a device.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(super) fn add(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    /// What was written down since the last time.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Completes what asks for it with what it got; `fail` in a packet makes it give up.
pub(super) struct Scripted {
    offer: Offer,
    log: Log,
    greeting: Option<Vec<u8>>,
    every: Option<Duration>,
    due: Option<Duration>,
    waiting: Option<(u64, Vec<u8>)>,
    at_once: usize,
}

impl Scripted {
    /// The device of this instance.
    pub(super) fn echo(instance: u128) -> Self {
        Self {
            offer: Offer {
                class: CLASS,
                instance: Guid::new(instance),
                flags: 1,
                mmio_mib: 0,
                user_data: [0; 120],
            },
            log: Log::default(),
            greeting: None,
            every: None,
            due: None,
            waiting: None,
            at_once: usize::MAX,
        }
    }

    /// It says this as soon as the channel is open.
    pub(super) fn greeting(mut self, payload: &[u8]) -> Self {
        self.greeting = Some(payload.to_vec());
        self
    }

    /// It says "tick" again and again.
    pub(super) fn every(mut self, period: Duration) -> Self {
        self.every = Some(period);
        self
    }

    /// It takes one packet and returns.
    pub(super) fn one_at_a_time(mut self) -> Self {
        self.at_once = 1;
        self
    }

    pub(super) fn offered_as(mut self, change: impl FnOnce(&mut Offer)) -> Self {
        change(&mut self.offer);
        self
    }

    pub(super) fn log(&self) -> Log {
        self.log.clone()
    }

    fn send(
        &mut self,
        channel: &mut dyn Channel,
        kind: OutgoingKind<'_>,
        transaction: u64,
        payload: &[u8],
    ) -> Result<Sent, DeviceError> {
        let packet = Outgoing {
            kind,
            transaction,
            wants_completion: false,
            payload,
        };
        Ok(channel.send(&packet)?)
    }

    fn say(&mut self, channel: &mut dyn Channel, payload: &[u8]) -> Result<(), DeviceError> {
        let sent = self.send(channel, OutgoingKind::InBand, 0, payload)?;
        assert_eq!(sent, Sent::Done);
        Ok(())
    }

    /// False: the answer has to wait for room.
    fn answer(&mut self, channel: &mut dyn Channel) -> Result<bool, DeviceError> {
        let Some((transaction, payload)) = self.waiting.take() else {
            return Ok(true);
        };
        match self.send(channel, OutgoingKind::Completion, transaction, &payload)? {
            Sent::Done => Ok(true),
            Sent::Full => {
                self.log.add("full");
                self.waiting = Some((transaction, payload));
                Ok(false)
            }
        }
    }
}

impl Device for Scripted {
    fn offer(&self) -> Offer {
        self.offer
    }

    fn opened(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        self.log.add("opened");
        self.due = self.every.map(|period| now.elapsed + period);
        match self.greeting.clone() {
            Some(greeting) => self.say(channel, &greeting),
            None => Ok(()),
        }
    }

    fn closed(&mut self) {
        self.waiting = None;
        self.log.add("closed");
    }

    fn service(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        let mut taken = 0;
        while self.answer(channel)? && taken < self.at_once {
            taken += 1;
            let Some(packet) = channel.receive()? else {
                break;
            };
            if packet.payload.starts_with(b"fail") {
                let rule = "no packet says fail".to_owned();
                return Err(DeviceError::Protocol { rule });
            }
            let mut payload = packet.payload;
            if let PacketKind::GpaDirect(ranges) = &packet.kind {
                for range in ranges {
                    let mut bytes = vec![0; range.len_bytes() as usize];
                    range.read(channel.memory(), 0, &mut bytes)?;
                    payload.extend(bytes);
                }
            }
            if packet.wants_completion {
                self.waiting = Some((packet.transaction, payload));
            }
        }
        if let (Some(due), Some(period)) = (self.due, self.every)
            && due <= now.elapsed
        {
            self.due = Some(due + period);
            self.say(channel, b"tick")?;
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Duration> {
        self.due
    }
}

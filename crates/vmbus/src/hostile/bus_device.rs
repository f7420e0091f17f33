//! A device that does all that a device can, and holds the bus to its promises.

use std::time::Duration;

use crate::device::{Channel, Device, DeviceError, Now, Offer, Sent};
use crate::guid::Guid;
use crate::packet::{Outgoing, OutgoingKind, PacketKind};

/// More of a range is not read.
const MOST_BYTES: u32 = 8192;

/// It completes what asks for it, reads what it was lent, and speaks when time passes.
pub(super) struct Counting {
    instance: u128,
    open: bool,
    due: Option<Duration>,
    packets: u64,
    waiting: Option<u64>,
}

impl Counting {
    pub(super) fn new(instance: u128) -> Self {
        Self {
            instance,
            open: false,
            due: None,
            packets: 0,
            waiting: None,
        }
    }

    fn send(&self, channel: &mut dyn Channel, transaction: u64) -> Result<Sent, DeviceError> {
        let kind = match self.packets % 3 {
            0 => OutgoingKind::Completion,
            1 => OutgoingKind::InBand,
            _ => OutgoingKind::TransferPages {
                set: 0xcafe,
                ranges: &[(0, 100), (1728, 60)],
            },
        };
        let payload = [7; 600];
        let len = usize::try_from(transaction % 600).unwrap_or(0);
        Ok(channel.send(&Outgoing {
            kind,
            transaction,
            wants_completion: transaction.is_multiple_of(2),
            payload: &payload[..len],
        })?)
    }

    /// Whether there was room.
    fn answer(&mut self, channel: &mut dyn Channel) -> Result<bool, DeviceError> {
        let Some(transaction) = self.waiting else {
            return Ok(true);
        };
        match self.send(channel, transaction)? {
            Sent::Done => self.waiting = None,
            Sent::Full => return Ok(false),
        }
        Ok(true)
    }

    /// Reads and writes what a number of a GPADL says, if there is such a one.
    fn use_lent(channel: &dyn Channel, gpadl: u32) -> Result<(), DeviceError> {
        for range in channel.lent(gpadl).unwrap_or_default() {
            let len = range.len_bytes().min(MOST_BYTES);
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            range.read(channel.memory(), 0, &mut bytes)?;
            range.write(channel.memory(), 0, &bytes)?;
        }
        Ok(())
    }
}

impl Device for Counting {
    fn offer(&self) -> Offer {
        Offer {
            class: Guid::new(self.instance % 3),
            instance: Guid::new(self.instance),
            flags: 1,
            mmio_mib: 0,
            user_data: [0; 120],
        }
    }

    fn opened(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        assert!(!self.open, "it is opened once");
        self.open = true;
        self.due = Some(now.elapsed + Duration::from_millis(100));
        // No room is no fault.
        let _sent = self.send(channel, 1)?;
        Ok(())
    }

    fn closed(&mut self) {
        assert!(self.open, "only what is open is closed");
        *self = Self::new(self.instance);
    }

    fn service(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        assert!(self.open, "only what is open is called");
        while self.answer(channel)? {
            let Some(packet) = channel.receive()? else {
                break;
            };
            self.packets += 1;
            Self::use_lent(channel, (packet.transaction & 0xff) as u32)?;
            match packet.kind {
                PacketKind::InBand if packet.payload.starts_with(b"fail") => {
                    let rule = "no packet says fail".to_owned();
                    return Err(DeviceError::Protocol { rule });
                }
                PacketKind::GpaDirect(ranges) => {
                    for range in ranges {
                        let len = range.len_bytes().min(MOST_BYTES);
                        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
                        range.read(channel.memory(), 0, &mut bytes)?;
                    }
                }
                PacketKind::InBand | PacketKind::Completion => {}
            }
            self.waiting = packet.wants_completion.then_some(packet.transaction);
        }
        if self.due.is_some_and(|due| due <= now.elapsed) {
            self.due = Some(now.elapsed + Duration::from_millis(100));
            let _sent = self.send(channel, 0)?;
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Duration> {
        assert!(self.open, "only what is open is asked");
        self.due
    }
}

//! What has to be sent, in order, when the ring has room.

use std::collections::VecDeque;

use super::nvsp::{Content, rndis_message};
use crate::device::{Channel, Sent};
use crate::packet::{Outgoing, OutgoingKind};
use crate::ring::RingError;

/// A packet of ours.
#[derive(Debug)]
enum Item {
    /// The answer to a packet of the guest.
    Completion { transaction: u64, payload: Vec<u8> },
    /// RNDIS messages in the receive buffer.
    Delivery {
        transaction: u64,
        set: u16,
        content: Content,
        ranges: Vec<(u32, u32)>,
    },
}

/// Packets that wait for room.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Item>);

impl Outbox {
    pub(super) fn complete(&mut self, transaction: u64, payload: Vec<u8>) {
        self.0.push_back(Item::Completion {
            transaction,
            payload,
        });
    }

    pub(super) fn deliver(
        &mut self,
        transaction: u64,
        set: u16,
        content: Content,
        ranges: Vec<(u32, u32)>,
    ) {
        self.0.push_back(Item::Delivery {
            transaction,
            set,
            content,
            ranges,
        });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Sends as much as there is room for.
    pub(super) fn flush(&mut self, channel: &mut dyn Channel) -> Result<Sent, RingError> {
        while let Some(item) = self.0.front() {
            if item.send(channel)? == Sent::Full {
                return Ok(Sent::Full);
            }
            self.0.pop_front();
        }
        Ok(Sent::Done)
    }
}

impl Item {
    fn send(&self, channel: &mut dyn Channel) -> Result<Sent, RingError> {
        match self {
            Self::Completion {
                transaction,
                payload,
            } => channel.send(&Outgoing {
                kind: OutgoingKind::Completion,
                transaction: *transaction,
                wants_completion: false,
                payload,
            }),
            Self::Delivery {
                transaction,
                set,
                content,
                ranges,
            } => channel.send(&Outgoing {
                kind: OutgoingKind::TransferPages { set: *set, ranges },
                transaction: *transaction,
                wants_completion: true,
                payload: &rndis_message(*content),
            }),
        }
    }
}

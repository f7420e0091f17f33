//! One open channel of a component: who has said what.

use super::Stage;
use super::header::{FLAG_REQUEST, FLAG_RESPONSE, FLAG_TRANSACTION, IcVersion, Kind, Message};
use super::negotiate::{choice, question};
use crate::device::{Channel, DeviceError, Sent};
use crate::packet::{Outgoing, OutgoingKind, PacketKind};

/// A guest only answers, so it has no reason for more packets than this at a time.
const PACKET_LIMIT: u32 = 64;

/// The negotiation is transaction 0; requests count from 1.
const NEGOTIATION: u8 = 0;

/// A component's side of its channel.
#[derive(Debug)]
pub(crate) struct Session {
    kind: Kind,
    versions: &'static [IcVersion],
    stage: Stage,
    greeted: bool,
    last: u8,
    packets: u32,
}

/// What the guest sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// It picked versions, or said that it knows none: see [`Session::stage`].
    Negotiated,
    /// It answered.
    Reply(Reply),
    /// Something sound that nobody waits for.
    Other,
}

/// An answer of the guest, to whatever it says it is an answer to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) transaction: u8,
    pub(crate) status: u32,
    pub(crate) body: Vec<u8>,
}

impl Session {
    pub(crate) fn new(kind: Kind, versions: &'static [IcVersion]) -> Self {
        Self {
            kind,
            versions,
            stage: Stage::Closed,
            greeted: false,
            last: NEGOTIATION,
            packets: 0,
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    pub(crate) fn open(&mut self) {
        *self = Self::new(self.kind, self.versions);
        self.stage = Stage::Negotiating;
    }

    pub(crate) fn close(&mut self) {
        self.stage = Stage::Closed;
    }

    pub(crate) fn spoil(&mut self) {
        self.stage = Stage::Broken;
    }

    /// Starts a round of service: asks for the versions, if that has not been done.
    pub(crate) fn begin(&mut self, channel: &mut dyn Channel) -> Result<(), DeviceError> {
        self.packets = 0;
        if self.stage == Stage::Negotiating && !self.greeted {
            let body = question(self.versions);
            let nothing = IcVersion::new(0, 0);
            let message = Message {
                framework: nothing,
                kind: Kind::Negotiate,
                version: nothing,
                status: 0,
                transaction: NEGOTIATION,
                flags: FLAG_TRANSACTION | FLAG_REQUEST,
                body: &body,
            };
            self.greeted = send(channel, &message)? == Sent::Done;
        }
        Ok(())
    }

    /// The next thing that the guest says.
    pub(crate) fn receive(
        &mut self,
        channel: &mut dyn Channel,
    ) -> Result<Option<Incoming>, DeviceError> {
        let Some(packet) = channel.receive()? else {
            return Ok(None);
        };
        self.packets = self.packets.saturating_add(1);
        if self.packets > PACKET_LIMIT {
            return Err(broken(&format_args!(
                "more than {PACKET_LIMIT} packets, where each is an answer"
            )));
        }
        match packet.kind {
            PacketKind::InBand => {}
            PacketKind::Completion => return Ok(Some(Incoming::Other)),
            PacketKind::GpaDirect(_) => {
                return Err(broken(&"a component's packet names ranges of memory"));
            }
        }
        self.incoming(&packet.payload).map(Some)
    }

    fn incoming(&mut self, payload: &[u8]) -> Result<Incoming, DeviceError> {
        let message = Message::decode(payload).map_err(|rule| broken(&rule))?;
        if message.flags & FLAG_RESPONSE == 0 {
            let flags = message.flags;
            return Err(broken(&super::header::Malformed::NoAnswer { flags }));
        }
        if message.kind == Kind::Negotiate && self.stage == Stage::Negotiating && self.greeted {
            let versions = choice(message.body, self.versions).map_err(|rule| broken(&rule))?;
            self.stage = versions.map_or(Stage::NoVersion, Stage::Ready);
            return Ok(Incoming::Negotiated);
        }
        if message.kind != self.kind || !matches!(self.stage, Stage::Ready(_)) {
            return Ok(Incoming::Other);
        }
        Ok(Incoming::Reply(Reply {
            transaction: message.transaction,
            status: message.status,
            body: message.body.to_vec(),
        }))
    }

    /// Asks, and says under which transaction; `None` when it is not the time, or there is no room.
    pub(crate) fn request(
        &mut self,
        channel: &mut dyn Channel,
        body: &[u8],
    ) -> Result<Option<u8>, DeviceError> {
        let Stage::Ready(versions) = self.stage else {
            return Ok(None);
        };
        let transaction = self.last.checked_add(1).unwrap_or(1);
        let message = Message {
            framework: versions.framework,
            kind: self.kind,
            version: versions.message,
            status: 0,
            transaction,
            flags: FLAG_TRANSACTION | FLAG_REQUEST,
            body,
        };
        match send(channel, &message)? {
            Sent::Full => Ok(None),
            Sent::Done => {
                self.last = transaction;
                Ok(Some(transaction))
            }
        }
    }
}

fn send(channel: &mut dyn Channel, message: &Message<'_>) -> Result<Sent, DeviceError> {
    let payload = message.encode();
    Ok(channel.send(&Outgoing {
        kind: OutgoingKind::InBand,
        transaction: u64::from(message.transaction),
        wants_completion: false,
        payload: &payload,
    })?)
}

fn broken(rule: &dyn std::fmt::Display) -> DeviceError {
    DeviceError::Protocol {
        rule: rule.to_string(),
    }
}

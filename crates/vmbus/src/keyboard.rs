//! The synthetic keyboard: keys go down and up in the guest.
//!
//! Messages lie in the packets as they are, without a pipe's header: type (32 bits), then
//!
//! | type | from | content |
//! |---|---|---|
//! | 1 | guest | version (32 bits): 0x10000 |
//! | 2 | host | bit 0: accepted |
//! | 3 | host | make code (16 bits), 16 reserved, 32 bits: 1 Unicode, 2 break, 4 E0, 8 E1 |
//! | 4 | guest | lights (16 bits): 1 scroll, 2 numbers, 4 capitals |
//!
//! The guest speaks first here, and Linux waits ten seconds for the answer. Linux asks for a
//! completion too, and gets an empty one.
//!
//! What only a real guest shows: its keyboard layout (text is typed as on a US keyboard, and a
//! guest with another layout reads other letters), and the lights, which Linux does not report.

mod handle;
mod scan;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::device::{Channel, Device, DeviceError, Now, Offer, Sent};
use crate::guid::Guid;
use crate::ic::{fields, lock};
use crate::packet::{Outgoing, OutgoingKind, Packet, PacketKind};

use handle::Shared;
pub use handle::{KeyboardHandle, Lights, Stroke, TypeError};
pub use scan::{Key, Prefix};

const CLASS: Guid = Guid::new(0xf912_ad6d_2b17_48ea_bd65_f927_a61c_7684);
const INSTANCE: Guid = Guid::new(0xd34b_2567_b9b6_42b9_8778_0a4e_c0b9_55bf);
const ENUMERATE_INTERFACE: u16 = 1;
const VERSION: u32 = 0x1_0000;

const PROTOCOL_REQUEST: u32 = 1;
const PROTOCOL_RESPONSE: u32 = 2;
const EVENT: u32 = 3;
const LIGHTS: u32 = 4;

const IS_BREAK: u32 = 2;
const IS_E0: u32 = 4;
const IS_E1: u32 = 8;

/// Packets of a guest in one round; a keyboard's lights do not change more often.
const PACKET_LIMIT: u32 = 256;

/// Answers that may wait for room in the ring.
const REPLY_LIMIT: usize = 64;

/// How far the guest's driver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyboardStage {
    /// The guest has not opened the channel.
    #[default]
    Closed,
    /// It has not asked for a version yet.
    Opened,
    /// It asked for a version that we do not know, and was told so.
    Rejected(u32),
    /// It takes keys.
    Ready,
    /// It broke a rule; the channel rests until it is opened again.
    Broken,
}

/// The keyboard.
#[derive(Debug)]
pub struct Keyboard {
    stage: KeyboardStage,
    shared: Arc<Mutex<Shared>>,
    replies: VecDeque<Reply>,
}

#[derive(Debug)]
enum Reply {
    Completion(u64),
    Message(Vec<u8>),
}

/// A keyboard, and what types on it.
#[must_use]
pub fn new() -> (Keyboard, KeyboardHandle) {
    let shared = Arc::default();
    let handle = KeyboardHandle(Arc::clone(&shared));
    let device = Keyboard {
        stage: KeyboardStage::Closed,
        shared,
        replies: VecDeque::new(),
    };
    (device, handle)
}

impl Keyboard {
    fn serve(&mut self, channel: &mut dyn Channel) -> Result<(), DeviceError> {
        let mut packets = 0_u32;
        while let Some(packet) = channel.receive()? {
            packets = packets.saturating_add(1);
            if packets > PACKET_LIMIT || self.replies.len() > REPLY_LIMIT {
                return Err(broken("more packets than a keyboard gets"));
            }
            self.heard(&packet)?;
        }
        while let Some(reply) = self.replies.front() {
            let sent = match reply {
                Reply::Completion(transaction) => complete(channel, *transaction)?,
                Reply::Message(message) => send(channel, message)?,
            };
            if sent == Sent::Full {
                return Ok(());
            }
            self.replies.pop_front();
        }
        self.strike(channel)
    }

    fn heard(&mut self, packet: &Packet) -> Result<(), DeviceError> {
        match packet.kind {
            PacketKind::InBand => {}
            PacketKind::Completion => return Ok(()),
            PacketKind::GpaDirect(_) => {
                return Err(broken("a keyboard's packet names ranges of memory"));
            }
        }
        if packet.wants_completion {
            let completion = Reply::Completion(packet.transaction);
            self.replies.push_back(completion);
        }
        let short = || broken("a message is shorter than its type says");
        let field = |at| fields::u32_at(&packet.payload, at).ok_or_else(short);
        match field(0)? {
            PROTOCOL_REQUEST => self.asked(field(4)?),
            LIGHTS => {
                let lights = fields::u16_at(&packet.payload, 4).ok_or_else(short)?;
                lock(&self.shared).lights = Some(Lights(lights));
            }
            other => return Err(broken(&format!("a message of type {other}"))),
        }
        Ok(())
    }

    fn asked(&mut self, version: u32) {
        self.stage = if version == VERSION {
            KeyboardStage::Ready
        } else {
            KeyboardStage::Rejected(version)
        };
        let accepted = u32::from(version == VERSION);
        let mut message = PROTOCOL_RESPONSE.to_le_bytes().to_vec();
        message.extend_from_slice(&accepted.to_le_bytes());
        self.replies.push_back(Reply::Message(message));
    }

    /// Sends the strokes that wait, until the ring is full.
    fn strike(&self, channel: &mut dyn Channel) -> Result<(), DeviceError> {
        if self.stage != KeyboardStage::Ready {
            return Ok(());
        }
        let mut shared = lock(&self.shared);
        while let Some(stroke) = shared.strokes.front() {
            if send(channel, &event(*stroke))? == Sent::Full {
                return Ok(());
            }
            shared.strokes.pop_front();
        }
        Ok(())
    }

    fn publish(&mut self) {
        let mut shared = lock(&self.shared);
        shared.stage = self.stage;
        if self.stage != KeyboardStage::Ready {
            shared.strokes.clear();
        }
    }
}

fn event(stroke: Stroke) -> Vec<u8> {
    let (key, up) = match stroke {
        Stroke::Down(key) => (key, 0),
        Stroke::Up(key) => (key, IS_BREAK),
    };
    let prefix = match key.prefix {
        Prefix::None => 0,
        Prefix::E0 => IS_E0,
        Prefix::E1 => IS_E1,
    };
    let mut message = EVENT.to_le_bytes().to_vec();
    message.extend_from_slice(&u32::from(key.make & 0x7f).to_le_bytes());
    message.extend_from_slice(&(up | prefix).to_le_bytes());
    message
}

fn send(channel: &mut dyn Channel, payload: &[u8]) -> Result<Sent, DeviceError> {
    Ok(channel.send(&Outgoing {
        kind: OutgoingKind::InBand,
        transaction: 0,
        wants_completion: false,
        payload,
    })?)
}

fn complete(channel: &mut dyn Channel, transaction: u64) -> Result<Sent, DeviceError> {
    Ok(channel.send(&Outgoing {
        kind: OutgoingKind::Completion,
        transaction,
        wants_completion: false,
        payload: &[],
    })?)
}

fn broken(rule: &str) -> DeviceError {
    DeviceError::Protocol {
        rule: rule.to_owned(),
    }
}

impl Device for Keyboard {
    fn offer(&self) -> Offer {
        Offer {
            class: CLASS,
            instance: INSTANCE,
            flags: ENUMERATE_INTERFACE,
            mmio_mib: 0,
            user_data: [0; 120],
        }
    }

    fn opened(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        self.stage = KeyboardStage::Opened;
        self.replies.clear();
        lock(&self.shared).lights = None;
        self.service(channel, now)
    }

    fn closed(&mut self) {
        self.stage = KeyboardStage::Closed;
        self.replies.clear();
        self.publish();
    }

    fn service(&mut self, channel: &mut dyn Channel, _: Now) -> Result<(), DeviceError> {
        let result = self.serve(channel);
        if result.is_err() {
            self.stage = KeyboardStage::Broken;
        }
        self.publish();
        result
    }
}

#[cfg(test)]
mod tests;

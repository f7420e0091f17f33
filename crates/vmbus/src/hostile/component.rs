//! Integration components and the keyboard, with a guest that answers whatever the bytes say.
//!
//! The bytes are steps: 0 sends any packet, 1 answers the oldest question and then spoils the
//! answer, 2 lets time pass, 3 lets the owner ask, 4 sets the room in the ring, 5 closes and opens
//! the channel, 6 sends a packet of another kind.

use std::time::Duration;

use super::bytes::Bytes;
use crate::device::{Device, DeviceError, Now};
use crate::ic::Pending;
use crate::ic::scripted::Scripted;
use crate::packet::{Packet, PacketKind};
use crate::pages::PageRange;
use crate::{heartbeat, keyboard, kvp, shutdown, time_sync, vss};

/// Questions that nobody answers; older ones are forgotten.
const QUESTION_LIMIT: usize = 64;

/// Drives the data exchange component: how many requests were answered soundly.
pub fn exercise_kvp(bytes: &[u8]) -> usize {
    let (mut device, handle) = kvp::new();
    let mut pending = Vec::new();
    drive(&mut device, bytes, |what, until| {
        let pool = [
            kvp::Pool::External,
            kvp::Pool::Guest,
            kvp::Pool::Auto,
            kvp::Pool::AutoExternal,
            kvp::Pool::AutoInternal,
        ][usize::from(what >> 3) % 5];
        let value = kvp::Value::Text("value".repeat(usize::from(what)));
        pending.push(match what % 8 {
            0 => handle.get_directly(pool, "key", until),
            1 => handle.set(pool, "key", &value, until),
            2 => handle.set(pool, "key", &kvp::Value::U64(7), until),
            3 => handle.delete(pool, "key", until),
            4 => handle.at(pool, u32::from(what), until),
            5 => handle.ip_info("00:15:5D:00:00:01", until),
            6 => handle.get(pool, "key", until),
            _ => handle.list(pool, until),
        });
    });
    sound(&pending)
}

/// Drives one of the other components, or the keyboard, as the first byte says: how much of what
/// was asked was answered soundly.
pub fn exercise_component(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let which = bytes.u8() % 5;
    let bytes = bytes.up_to(usize::MAX);
    match which {
        0 => {
            let (mut device, handle) = heartbeat::new();
            drive(&mut device, bytes, |_, _| ());
            usize::try_from(handle.pulse().answered).unwrap_or(0)
        }
        1 => {
            let (mut device, handle) = time_sync::new();
            drive(&mut device, bytes, |_, _| handle.sync());
            usize::try_from(handle.report().answered).unwrap_or(0)
        }
        2 => exercise_shutdown(bytes),
        3 => exercise_vss(bytes),
        _ => exercise_keyboard(bytes),
    }
}

fn exercise_shutdown(bytes: &[u8]) -> usize {
    let (mut device, handle) = shutdown::new();
    let mut pending = Vec::new();
    drive(&mut device, bytes, |what, until| {
        let action = match what % 3 {
            0 => shutdown::Action::PowerOff,
            1 => shutdown::Action::Restart,
            _ => shutdown::Action::Hibernate,
        };
        pending.push(handle.request(action, shutdown::Manner::Forced, until));
    });
    sound(&pending)
}

fn exercise_vss(bytes: &[u8]) -> usize {
    let (mut device, handle) = vss::new();
    let mut pending = Vec::new();
    drive(&mut device, bytes, |what, until| {
        let operation = match what % 3 {
            0 => vss::Operation::HotBackup,
            1 => vss::Operation::Freeze,
            _ => vss::Operation::Thaw,
        };
        pending.push(handle.request(operation, until));
    });
    sound(&pending)
}

fn exercise_keyboard(bytes: &[u8]) -> usize {
    let (mut device, handle) = keyboard::new();
    let mut typed = 0;
    drive(&mut device, bytes, |what, _| {
        let text = ["a", "Hello, world!\n", "\u{e9}"][usize::from(what) % 3];
        typed += usize::from(handle.text(text).is_ok());
    });
    typed
}

fn sound<A>(pending: &[Pending<A>]) -> usize {
    let results = pending.iter().filter_map(Pending::take);
    results.filter(Result::is_ok).count()
}

/// A device, open or resting, and its guest.
struct Stage<'a> {
    device: &'a mut dyn Device,
    channel: Scripted,
    now: Now,
    rests: bool,
}

impl Stage<'_> {
    fn open(&mut self) {
        self.channel = Scripted::new();
        let opened = self.device.opened(&mut self.channel, self.now);
        self.note(opened);
    }

    fn serve(&mut self) {
        if !self.rests {
            let served = self.device.service(&mut self.channel, self.now);
            self.note(served);
        }
        while self.channel.sent.len() > QUESTION_LIMIT {
            self.channel.sent.pop_front();
        }
    }

    fn note(&mut self, result: Result<(), DeviceError>) {
        // What went wrong can be said, whatever it was.
        self.rests = result.is_err_and(|error| !error.to_string().is_empty());
    }
}

fn drive(device: &mut dyn Device, bytes: &[u8], mut ask: impl FnMut(u8, Duration)) {
    let mut bytes = Bytes::new(bytes);
    let mut stage = Stage {
        device,
        channel: Scripted::new(),
        now: Now {
            elapsed: Duration::ZERO,
            wall: Duration::from_secs(1_700_000_000),
            reference: 0,
        },
        rests: false,
    };
    stage.open();
    while !bytes.is_empty() {
        match bytes.u8() {
            0 => {
                let len = usize::from(bytes.u16());
                let payload = bytes.up_to(len).to_vec();
                send(&mut stage.channel, PacketKind::InBand, payload);
            }
            1 => answer(&mut stage.channel, &mut bytes),
            2 => {
                let passed = Duration::from_millis(u64::from(bytes.u16()));
                stage.now.elapsed += passed;
                stage.now.wall += passed;
            }
            3 => {
                let until = stage.now.elapsed + Duration::from_secs(10);
                ask(bytes.u8(), until);
            }
            4 => stage.channel.room = usize::from(bytes.u8()),
            5 => {
                stage.device.closed();
                stage.open();
            }
            other => {
                let kind = match PageRange::new(8, 0, vec![1]) {
                    Ok(range) if other & 1 == 0 => PacketKind::GpaDirect(vec![range]),
                    Ok(_) | Err(_) => PacketKind::Completion,
                };
                send(&mut stage.channel, kind, vec![0; 32]);
            }
        }
        stage.serve();
    }
    stage.device.closed();
    assert_eq!(stage.device.deadline(), None, "a closed device waits");
}

fn send(channel: &mut Scripted, kind: PacketKind, payload: Vec<u8>) {
    channel.incoming.push_back(Packet {
        kind,
        transaction: 1,
        wants_completion: payload.first().is_some_and(|byte| byte & 0x40 != 0),
        payload,
    });
}

/// Answers the oldest question as Linux would, and then spoils it: a count, and for each place
/// where it is, how long it is, and what comes there.
fn answer(channel: &mut Scripted, bytes: &mut Bytes<'_>) {
    let Some((_, _, mut payload)) = channel.sent.pop_front() else {
        return;
    };
    if payload.len() >= 28 {
        payload[25] = 5;
        if payload[12..14] == [0, 0] {
            choose(&mut payload);
        }
    }
    for _ in 0..bytes.u8() % 8 {
        let at = usize::from(bytes.u16());
        let len = usize::from(bytes.u8());
        let field = bytes.up_to(len);
        if let Some(place) = payload.get_mut(at..at + field.len()) {
            place.copy_from_slice(field);
        }
    }
    send(channel, PacketKind::InBand, payload);
}

/// Picks the first of the frameworks and of the messages.
fn choose(payload: &mut [u8]) {
    let frameworks = usize::from(payload[28]);
    let message = 36 + 4 * frameworks;
    payload.copy_within(message..message + 4, 40);
    payload[18..20].copy_from_slice(&[16, 0]);
    payload[28..32].copy_from_slice(&[1, 0, 1, 0]);
}

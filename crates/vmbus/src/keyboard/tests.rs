//! The keyboard against a driver that behaves like Linux's, which turns events into bytes of a
//! PS/2 keyboard; expected codes are from tables of scan code set 1.

use super::scan::{Shift, key_of};
use super::{Key, Keyboard, KeyboardHandle, KeyboardStage, Lights, Prefix, Stroke, TypeError, new};
use crate::device::{Channel, Device, DeviceError, Now, Sent};
use crate::fake_guest::GuestPacket;
use crate::ic::linux::{Rig, u16_of, u32_of};
use crate::ic::scripted::Scripted;
use crate::packet::{Packet, PacketKind};
use crate::pages::PageRange;

const REQUEST: [u8; 8] = [1, 0, 0, 0, 0, 0, 1, 0];
const NOW: Now = Now {
    elapsed: std::time::Duration::ZERO,
    wall: std::time::Duration::ZERO,
    reference: 0,
};

/// A keyboard that Linux has opened and accepted.
fn rig() -> (Rig, KeyboardHandle) {
    let (device, handle) = new();
    let mut rig = Rig::new(device);
    assert_eq!(handle.stage(), KeyboardStage::Opened);
    // Linux asks for a completion, and does nothing with it.
    assert!(rig.guest.request(rig.channel, &REQUEST).is_empty());
    let packets = rig.asked();
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0].1, [2, 0, 0, 0, 1, 0, 0, 0]);
    (rig, handle)
}

/// What Linux's driver hands to the keyboard driver above it.
fn bytes(rig: &mut Rig) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (_, payload) in rig.asked() {
        assert_eq!((u32_of(&payload, 0), u16_of(&payload, 6)), (3, 0));
        let info = u32_of(&payload, 8);
        bytes.extend((info & 4 != 0).then_some(0xe0));
        bytes.extend((info & 8 != 0).then_some(0xe1));
        let release = if info & 2 != 0 { 0x80 } else { 0 };
        bytes.push(u8::try_from(u16_of(&payload, 4)).unwrap() | release);
    }
    bytes
}

fn after(payload: &[u8]) -> (Keyboard, KeyboardHandle, Scripted, Result<(), DeviceError>) {
    let (mut device, handle) = new();
    let mut channel = Scripted::new();
    device.opened(&mut channel, NOW).unwrap();
    channel.push(PacketKind::InBand, 7, payload);
    let result = device.service(&mut channel, NOW);
    (device, handle, channel, result)
}

#[test]
fn letters_go_down_and_up() {
    let (mut rig, handle) = rig();
    assert_eq!(handle.stage(), KeyboardStage::Ready);
    handle.text("ab\n").unwrap();
    assert_eq!(bytes(&mut rig), [0x1e, 0x9e, 0x30, 0xb0, 0x1c, 0x9c]);
    assert_eq!(handle.waiting(), 0);
}

#[test]
fn capitals_are_typed_with_shift() {
    let (mut rig, handle) = rig();
    handle.text("A!").unwrap();
    let wanted = [0x2a, 0x1e, 0x9e, 0xaa, 0x2a, 0x02, 0x82, 0xaa];
    assert_eq!(bytes(&mut rig), wanted);
}

#[test]
fn control_alt_delete() {
    let (mut rig, handle) = rig();
    handle
        .chord(&[Key::CONTROL, Key::ALT, Key::DELETE])
        .unwrap();
    let wanted = [0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d];
    assert_eq!(bytes(&mut rig), wanted);
}

#[test]
fn the_pause_key_has_its_own_prefix() {
    let (mut rig, handle) = rig();
    let e1 = Key {
        prefix: Prefix::E1,
        make: 0x1d,
    };
    let lock = Key::plain(0x45);
    let strokes = [
        Stroke::Down(e1),
        Stroke::Down(lock),
        Stroke::Up(e1),
        Stroke::Up(lock),
    ];
    handle.strokes(&strokes).unwrap();
    assert_eq!(bytes(&mut rig), [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5]);
}

#[test]
fn keys_of_a_us_keyboard() {
    let plain = [
        ('1', 0x02),
        ('0', 0x0b),
        ('-', 0x0c),
        ('=', 0x0d),
        ('q', 0x10),
        ('p', 0x19),
        ('[', 0x1a),
        (']', 0x1b),
        ('a', 0x1e),
        ('l', 0x26),
        (';', 0x27),
        ('\'', 0x28),
        ('`', 0x29),
        ('\\', 0x2b),
        ('z', 0x2c),
        ('m', 0x32),
        (',', 0x33),
        ('.', 0x34),
        ('/', 0x35),
        (' ', 0x39),
        ('\t', 0x0f),
        ('\u{8}', 0x0e),
    ];
    for (character, make) in plain {
        assert_eq!(key_of(character), Some((Key::plain(make), Shift::Up)));
    }
    let shifted = [
        ('!', 0x02),
        (')', 0x0b),
        ('_', 0x0c),
        ('+', 0x0d),
        ('P', 0x19),
        ('{', 0x1a),
        ('}', 0x1b),
        (':', 0x27),
        ('"', 0x28),
        ('~', 0x29),
        ('|', 0x2b),
        ('M', 0x32),
        ('<', 0x33),
        ('>', 0x34),
        ('?', 0x35),
    ];
    for (character, make) in shifted {
        assert_eq!(key_of(character), Some((Key::plain(make), Shift::Down)));
    }
    assert!((' '..='~').all(|character| key_of(character).is_some()));
}

#[test]
fn what_no_key_writes_is_not_half_typed() {
    let (mut rig, handle) = rig();
    let error = TypeError::NoKey { character: 'é' };
    assert_eq!(handle.text("caf\u{e9}"), Err(error));
    assert!(bytes(&mut rig).is_empty());
}

#[test]
fn a_long_text_waits_for_room_and_comes_whole() {
    let (mut rig, handle) = rig();
    let text = "abcdefghij".repeat(400);
    handle.text(&text).unwrap();
    let mut typed = Vec::new();
    for _ in 0..100 {
        typed.extend(bytes(&mut rig));
    }
    assert_eq!(typed.len(), 8000);
    let row = [0x1e, 0x9e, 0x30, 0xb0, 0x2e, 0xae, 0x20, 0xa0, 0x12, 0x92];
    assert!(typed.chunks(20).all(|piece| piece.starts_with(&row)));
}

#[test]
fn too_much_text_is_refused() {
    let (_, handle) = rig();
    let text = "a".repeat(32_768);
    handle.text(&text).unwrap();
    let waiting = 65_536;
    assert_eq!(handle.text("a"), Err(TypeError::TooMany { waiting }));
}

#[test]
fn nobody_types_before_the_guest_is_ready() {
    let (device, handle) = new();
    let refused = |stage| Err(TypeError::NotReady { stage });
    assert_eq!(handle.text("a"), refused(KeyboardStage::Closed));
    let _rig = Rig::new(device);
    assert_eq!(handle.text("a"), refused(KeyboardStage::Opened));
}

#[test]
fn another_version_is_rejected_and_may_be_asked_again() {
    let (device, handle) = new();
    let mut rig = Rig::new(device);
    rig.guest.request(rig.channel, &[1, 0, 0, 0, 1, 0, 1, 0]);
    assert_eq!(rig.asked()[0].1, [2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(handle.stage(), KeyboardStage::Rejected(0x1_0001));
    let packet = GuestPacket::in_band(9, &REQUEST).unanswered();
    rig.guest.write_packet(rig.channel, &packet);
    assert_eq!(rig.asked()[0].1, [2, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(handle.stage(), KeyboardStage::Ready);
}

#[test]
fn the_guest_says_which_lights_are_on() {
    let (mut rig, handle) = rig();
    assert_eq!(handle.lights(), None);
    let lights = Lights::CAPITALS | Lights::NUMBERS;
    let [low, high] = lights.to_le_bytes();
    let packet = GuestPacket::in_band(9, &[4, 0, 0, 0, low, high, 0, 0]).unanswered();
    rig.guest.write_packet(rig.channel, &packet);
    assert_eq!(handle.lights(), Some(Lights(lights)));
}

#[test]
fn a_closed_keyboard_forgets_what_was_typed() {
    let (mut rig, handle) = rig();
    handle.text("a").unwrap();
    rig.guest.close(rig.channel);
    assert_eq!(handle.stage(), KeyboardStage::Closed);
    assert_eq!(handle.waiting(), 0);
}

fn check_broken(payload: &[u8]) {
    let (_, handle, _, result) = after(payload);
    assert!(matches!(result, Err(DeviceError::Protocol { .. })));
    assert_eq!(handle.stage(), KeyboardStage::Broken);
}

#[test]
fn a_message_without_a_type_breaks_the_rules() {
    check_broken(&[]);
}

#[test]
fn an_unknown_type_breaks_the_rules() {
    check_broken(&[5, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_request_without_a_version_breaks_the_rules() {
    let (mut device, handle) = new();
    let mut channel = Scripted::new();
    device.opened(&mut channel, NOW).unwrap();
    channel.incoming.push_back(Packet {
        kind: PacketKind::InBand,
        transaction: 0,
        wants_completion: false,
        payload: vec![1, 0, 0, 0],
    });
    assert!(device.service(&mut channel, NOW).is_err());
    assert_eq!(handle.stage(), KeyboardStage::Broken);
}

#[test]
fn ranges_of_memory_have_no_place_on_a_keyboard() {
    let (mut device, _) = new();
    let mut channel = Scripted::new();
    device.opened(&mut channel, NOW).unwrap();
    let range = PageRange::new(8, 0, vec![1]).unwrap();
    channel.push(PacketKind::GpaDirect(vec![range]), 0, &REQUEST);
    assert!(device.service(&mut channel, NOW).is_err());
}

#[test]
fn a_flood_of_requests_breaks_the_rules() {
    let (mut device, _, mut channel, result) = after(&REQUEST);
    result.unwrap();
    for _ in 0..66 {
        channel.push(PacketKind::InBand, 0, &REQUEST);
    }
    assert!(device.service(&mut channel, NOW).is_err());
}

#[test]
fn an_answer_waits_for_room() {
    let (mut device, handle) = new();
    let mut channel = Scripted::new();
    channel.room = 0;
    device.opened(&mut channel, NOW).unwrap();
    channel.push(PacketKind::InBand, 7, &REQUEST);
    device.service(&mut channel, NOW).unwrap();
    handle.text("a").unwrap();
    channel.room = 1;
    device.service(&mut channel, NOW).unwrap();
    assert_eq!(channel.sent.len(), 1);
    channel.room = 2;
    device.service(&mut channel, NOW).unwrap();
    let kinds: Vec<u8> = channel.sent.iter().map(|sent| sent.2[0]).collect();
    assert_eq!(kinds, [2, 3, 3]);
    let full = channel.send(&crate::packet::Outgoing {
        kind: crate::packet::OutgoingKind::InBand,
        transaction: 0,
        wants_completion: false,
        payload: &[],
    });
    assert_eq!(full.unwrap(), Sent::Full);
}

#[test]
fn the_offer_is_no_pipe() {
    let offer = new().0.offer();
    // As `lsvmbus` prints them on Hyper-V.
    assert_eq!(
        offer.class.to_string(),
        "f912ad6d-2b17-48ea-bd65-f927a61c7684"
    );
    assert_eq!(
        offer.instance.to_string(),
        "d34b2567-b9b6-42b9-8778-0a4ec0b955bf"
    );
    assert_eq!((offer.flags, offer.user_data), (1, [0; 120]));
}

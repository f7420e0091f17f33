//! How guest and device begin, and what is not understood.

use super::support::{Guest, disk, medium, one, read};
use crate::device::Device;
use crate::guid::Guid;
use crate::packet::{Packet, PacketKind};
use crate::storvsc::exercise::{START, beginning, in_band};
use crate::storvsc::scsi;

const INVALID_PARAMETER: u32 = 0xc000_000d;
const INVALID_DEVICE_REQUEST: u32 = 0xc000_0010;
const REVISION_MISMATCH: u32 = 0xc000_0059;
const INVALID_DEVICE_STATE: u32 = 0xc000_0184;

fn silent() -> Guest {
    let (device, _) = scsi(Guid::new(7), vec![medium(0, disk())]).unwrap();
    Guest::silent(device)
}

fn version(version: u16) -> Vec<u8> {
    let mut start = vec![9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    start.extend(version.to_le_bytes());
    start
}

#[test]
fn each_version_is_agreed_on() {
    for number in [0x0602_u16, 0x0600, 0x0501] {
        let mut guest = silent();
        assert_eq!(guest.operate(&[7]).0, 0);
        let (status, content) = guest.operate(&version(number));
        assert_eq!((status, &content[..2]), (0, &number.to_le_bytes()[..]));
        assert_eq!(guest.operate(&[10]).0, 0);
        assert_eq!(guest.operate(&[8]).0, 0);
    }
}

#[test]
fn a_refused_version_can_be_followed_by_a_lower_one() {
    let mut guest = silent();
    guest.operate(&[7]);
    for refused in [0x0700_u16, 0x0402, 0x0200, 0] {
        assert_eq!(guest.operate(&version(refused)).0, REVISION_MISMATCH);
    }
    assert_eq!(guest.operate(&version(0x0501)).0, 0);
}

#[test]
fn properties_say_how_much_is_moved_and_no_sub_channels() {
    let mut guest = silent();
    guest.operate(&[7]);
    guest.operate(&version(0x0602));
    let (status, content) = guest.operate(&[10]);
    assert_eq!(status, 0);
    // Reserved, maximum sub-channels, reserved, flags; then the maximum transfer.
    assert_eq!(content[..12], [0; 12]);
    assert_eq!(content[12..16], 0x4_0000_u32.to_le_bytes());
}

#[test]
fn what_comes_out_of_order_is_refused_and_the_order_goes_on() {
    let steps: [&[u8]; 4] = [&[7], &version(0x0602), &[10], &[8]];
    for taken in 0..=4 {
        let mut guest = silent();
        for step in &steps[..taken] {
            assert_eq!(guest.operate(step).0, 0);
        }
        for (number, step) in steps.iter().enumerate() {
            if number != taken {
                let (status, _) = guest.operate(step);
                assert_eq!(status, INVALID_DEVICE_STATE, "{number} after {taken}");
            }
        }
        for step in &steps[taken..] {
            assert_eq!(guest.operate(step).0, 0);
        }
    }
}

#[test]
fn requests_before_the_end_of_the_beginning_are_refused() {
    let mut guest = silent();
    for step in [&[7][..], &version(0x0602), &[10]] {
        for early in [3, 4, 5, 6] {
            assert_eq!(guest.operate(&[early]).0, INVALID_DEVICE_STATE);
        }
        guest.operate(step);
    }
    assert_eq!(guest.operate(&[3]).0, INVALID_DEVICE_STATE);
}

#[test]
fn resets_succeed() {
    let (mut guest, _) = one(medium(0, disk()));
    for reset in [4, 5, 6] {
        assert_eq!(guest.operate(&[reset]).0, 0);
    }
}

#[test]
fn unknown_operations_are_refused_and_the_disk_still_reads() {
    let (mut guest, _) = one(medium(0, disk()));
    for unknown in [0, 1, 2, 11, 12, 14, 15, 0xff] {
        assert_eq!(guest.operate(&[unknown]).0, INVALID_DEVICE_REQUEST);
    }
    assert_eq!(guest.operate(&[13, 0, 0, 0]).0, INVALID_PARAMETER);
    guest.ask(&read(0, 1), 512).good();
}

#[test]
fn packets_that_are_too_short_are_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    for len in [0, 3, 4, 8, 11, 12, 40, 47] {
        let mut payload = vec![3, 0, 0, 0];
        payload.resize(len, 0);
        let sent = guest.send(Packet {
            kind: PacketKind::InBand,
            transaction: 9,
            wants_completion: true,
            payload,
        });
        assert_eq!(sent[0].payload[8..12], INVALID_PARAMETER.to_le_bytes());
    }
}

#[test]
fn nothing_is_sent_where_no_completion_is_wanted() {
    let (mut guest, _) = one(medium(0, disk()));
    let mut packet = in_band(5, &[4]);
    packet.wants_completion = false;
    assert_eq!(guest.send(packet), []);
    let mut packet = in_band(6, &[3]);
    packet.kind = PacketKind::Completion;
    assert_eq!(guest.send(packet), []);
}

#[test]
fn an_answer_waits_for_room_and_nothing_overtakes_it() {
    let (mut guest, _) = one(medium(0, disk()));
    guest.script.room = 1;
    guest
        .script
        .incoming
        .extend((1..=3).map(|number| in_band(number, &[4])));
    guest.device.service(&mut guest.script, START).unwrap();
    assert_eq!(guest.script.sent.len(), 1);
    assert_eq!(guest.script.incoming.len(), 1, "only one answer waits");
    guest.script.room = usize::MAX;
    guest.device.service(&mut guest.script, START).unwrap();
    let order: Vec<u64> = guest
        .script
        .sent
        .iter()
        .map(|sent| sent.transaction)
        .collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn a_turn_ends_and_asks_for_another() {
    let (mut guest, _) = one(medium(0, disk()));
    guest
        .script
        .incoming
        .extend((0..600).map(|number| in_band(number, &[4])));
    let mut turns = 1;
    guest.device.service(&mut guest.script, START).unwrap();
    while guest.device.deadline().is_some() {
        guest.device.service(&mut guest.script, START).unwrap();
        turns += 1;
    }
    assert_eq!((guest.script.sent.len(), turns), (600, 10));
}

#[test]
fn a_guest_that_opens_again_begins_again() {
    let (mut guest, _) = one(medium(0, disk()));
    guest.device.closed();
    guest.script.incoming.extend(beginning());
    guest.device.opened(&mut guest.script, START).unwrap();
    assert_eq!(guest.script.sent.len(), 4);
    guest.script.sent.clear();
    guest.ask(&read(0, 1), 512).good();
}

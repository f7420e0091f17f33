//! What packets look like in the ring: bytes as Linux's include/linux/hyperv.h lays them out.

use detente_vmbus::fake_guest::{GuestPacket, HostPacket};
use detente_vmbus::{Outgoing, OutgoingKind, PacketKind, RingError};

use crate::support::{Place, Rig, completion, done, in_band, payload};

/// The bytes in the ring that the host writes, from its start on.
fn written(rig: &Rig, len: usize) -> Vec<u8> {
    rig.memory.bytes(rig.place.to_guest() + 4096, len)
}

#[test]
fn a_completion_repeats_the_transaction_and_is_padded() {
    let mut rig = Rig::small();
    done(rig.host.send(&completion(0x1122_3344_5566_7788, b"abc")));
    let expected = [
        // Type 11, header 2 * 8, packet 3 * 8, no flags.
        11, 0, 2, 0, 3, 0, 0, 0, //
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, //
        b'a', b'b', b'c', 0, 0, 0, 0, 0, //
        // The trailer: not in the length; the packet started at 0.
        0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(written(&rig, 32), expected);
}

#[test]
fn the_trailer_says_where_its_packet_starts() {
    let mut rig = Rig::small();
    done(rig.host.send(&in_band(1, b"")));
    done(rig.host.send(&in_band(2, b"")));
    // The second one starts behind the first one's 16 bytes and its trailer.
    assert_eq!(written(&rig, 48)[40..], [0, 0, 0, 0, 24, 0, 0, 0]);
}

#[test]
fn transfer_pages_name_a_buffer_and_ranges_of_it() {
    let mut rig = Rig::small();
    done(rig.host.send(&Outgoing {
        kind: OutgoingKind::TransferPages {
            set: 0xcafe,
            ranges: &[(0x1000, 60), (0x1040, 0x5ea)],
        },
        transaction: 9,
        wants_completion: true,
        payload: &[0xee; 8],
    }));
    let expected = [
        // Type 7, header 5 * 8, packet 6 * 8, completion wanted.
        7, 0, 5, 0, 6, 0, 1, 0, //
        9, 0, 0, 0, 0, 0, 0, 0, //
        // Set, reserved, count.
        0xfe, 0xca, 0, 0, 2, 0, 0, 0, //
        // The byte count comes before the byte offset.
        60, 0, 0, 0, 0, 0x10, 0, 0, //
        0xea, 5, 0, 0, 0x40, 0x10, 0, 0, //
        0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
    ];
    assert_eq!(written(&rig, 48), expected);
    let packet = rig.guest.next_packet().unwrap();
    let ranges = vec![(0x1000, 60), (0x1040, 0x5ea)];
    assert_eq!(packet.transfer_pages(), (0xcafe, ranges));
}

#[test]
fn a_packet_of_the_guest_is_what_it_wrote() {
    let mut rig = Rig::small();
    let _ = rig.guest_writes(&GuestPacket::in_band(7, b"0123456789"));
    let packet = rig.host_takes();
    assert_eq!(packet.kind, PacketKind::InBand);
    assert_eq!((packet.transaction, packet.wants_completion), (7, true));
    assert_eq!(packet.payload, b"0123456789\0\0\0\0\0\0");

    let _ = rig.guest_writes(&GuestPacket::completion(8, b"").unanswered());
    let packet = rig.host_takes();
    assert_eq!(packet.kind, PacketKind::Completion);
    assert_eq!((packet.transaction, packet.wants_completion), (8, false));
    assert!(packet.payload.is_empty());
}

#[test]
fn storvsc_names_one_range_of_many_pages_netvsc_many_of_one_page() {
    let mut rig = Rig::small();
    let many = vec![(0x3000, 0x200, vec![5, 3, 9, 8])];
    let _ = rig.guest_writes(&GuestPacket::gpa_direct(1, &many, &[1; 64]));
    let ones = vec![(60, 4000, vec![5]), (96, 0, vec![0xf_ffff_ffff_ffff])];
    let _ = rig.guest_writes(&GuestPacket::gpa_direct(2, &ones, &[2; 40]));
    for (expected, payload) in [(many, vec![1; 64]), (ones, vec![2; 40])] {
        let packet = rig.host_takes();
        let PacketKind::GpaDirect(ranges) = packet.kind else {
            panic!("{:?}", packet.kind);
        };
        let ranges: Vec<_> = ranges
            .iter()
            .map(|range| (range.len_bytes(), range.offset(), range.pfns().to_vec()))
            .collect();
        assert_eq!(ranges, expected);
        assert_eq!(packet.payload, payload);
    }
}

#[test]
fn a_range_of_many_pages_is_longer_than_what_is_copied_at_first() {
    let mut rig = Rig::new(Place::scattered(2, 1));
    for count in [25, 26, 27, 28, 29, 30, 256] {
        let pfns: Vec<u64> = (0..count).map(|page| page * 3 + 1).collect();
        let len = u32::try_from(count * 4096 - 100).unwrap();
        let ranges = [(len, 99, pfns.clone())];
        let payload = payload(count, 64);
        let _ = rig.guest_writes(&GuestPacket::gpa_direct(1, &ranges, &payload));
        let packet = rig.host_takes();
        let PacketKind::GpaDirect(ranges) = packet.kind else {
            panic!("{:?}", packet.kind);
        };
        assert_eq!(ranges.len(), 1);
        assert_eq!((ranges[0].len_bytes(), ranges[0].offset()), (len, 99));
        assert_eq!(ranges[0].pfns(), pfns);
        assert_eq!(packet.payload, payload);
        assert_eq!(rig.host.receive(), Ok(None));
    }
}

#[test]
fn what_drivers_leave_in_reserved_bytes_does_not_matter() {
    let mut rig = Rig::small();
    let mut packet = GuestPacket::gpa_direct(1, &[(8, 0, vec![1])], b"");
    packet.extra[..4].fill(0xff);
    let _ = rig.guest_writes(&packet);
    assert!(matches!(rig.host_takes().kind, PacketKind::GpaDirect(_)));
}

#[test]
fn a_header_may_be_longer_than_its_ranges() {
    let mut rig = Rig::small();
    let mut packet = GuestPacket::gpa_direct(1, &[(8, 0, vec![1])], b"payload.");
    // Linux's multi-page descriptor has its size, however few pages are used.
    packet.extra.extend_from_slice(&[0xaa; 24]);
    let _ = rig.guest_writes(&packet);
    assert_eq!(rig.host_takes().payload, b"payload.");
}

#[test]
fn a_packet_wraps_at_every_place_of_the_ring() {
    for place in [Place::in_a_row(1, 1), Place::scattered(2, 2)] {
        let mut rig = Rig::new(place);
        // 24 bytes more than the payload; 1,000 bytes step through all offsets of a page.
        for number in 0..1100 {
            let bytes = payload(number, 1000 - 24 + 8);
            let _ = rig.guest_writes(&GuestPacket::in_band(number, &bytes));
            assert_eq!(rig.host_takes().payload, bytes);
            // Only at the end of what is there is the guest told how far the host is.
            assert!(rig.host.receive().unwrap().is_none());
            done(rig.host.send(&in_band(number, &bytes)));
            let packet = rig.guest.next_packet().unwrap();
            assert_eq!((packet.transaction, packet.payload), (number, bytes));
            rig.guest.close();
        }
    }
}

#[test]
fn the_longest_packet_that_a_length_can_say_goes_through() {
    // 65,535 * 8 bytes.
    let mut rig = Rig::new(Place::in_a_row(130, 130));
    let bytes = payload(3, 0xffff * 8 - 16);
    let _ = rig.guest_writes(&GuestPacket::in_band(1, &bytes));
    assert_eq!(rig.host_takes().payload, bytes);
    done(rig.host.send(&in_band(2, &bytes)));
    let HostPacket { payload, .. } = rig.guest.next_packet().unwrap();
    assert_eq!(payload, bytes);

    let longer = vec![0; bytes.len() + 1];
    let refused = rig.host.send(&in_band(3, &longer)).unwrap_err();
    let (needed, ring) = (0x1_0000 * 8 + 8, 130 * 4096);
    assert_eq!(refused, RingError::NeverFits { needed, ring });
}

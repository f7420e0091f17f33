//! Full rings: who waits for room says for how much, and is told when it is there.

use detente_vmbus::Sent;
use detente_vmbus::fake_guest::{GuestPacket, Wrote};

use crate::support::{FEATURE_BITS, PENDING_SEND_SIZE, Rig, done, in_band};

/// A packet of 1,000 bytes with its trailer: four of them leave 96 of a page.
fn thousand() -> GuestPacket {
    GuestPacket::in_band(1, &[0; 1000 - 24])
}

/// A host that has read nothing of a ring with four such packets.
fn full() -> Rig {
    let mut rig = Rig::small();
    for _ in 0..4 {
        let _ = rig.guest_writes(&thousand());
    }
    assert_eq!(rig.guest.room(), 96);
    rig
}

/// Takes a packet and tells the guest. True: it has to be signalled.
fn frees(rig: &mut Rig) -> bool {
    rig.host.begin_drain().unwrap();
    rig.host_takes();
    let _ = rig.host.end_drain().unwrap();
    rig.host.take_signal()
}

#[test]
fn a_ring_never_fills_completely() {
    let mut rig = Rig::small();
    // A packet that leaves nothing would make the ring look empty.
    let whole = GuestPacket::in_band(1, &[0; 4096 - 24]);
    assert_eq!(rig.guest.write(&whole), Wrote::NoRoom);
    let most = GuestPacket::in_band(1, &[0; 4096 - 32]);
    let _ = rig.guest_writes(&most);
    assert_eq!(rig.guest.room(), 8);
    assert_eq!(rig.host_takes().payload.len(), 4096 - 32);

    done(rig.host.send(&in_band(1, &[0; 4000])));
    // 4,024 bytes are used: 72 are free, and 71 of them could be.
    assert_eq!(rig.host.send(&in_band(2, &[0; 48])), Ok(Sent::Full));
    done(rig.host.send(&in_band(2, &[0; 40])));
}

#[test]
fn a_guest_that_waits_is_signalled_when_what_it_waits_for_fits() {
    let mut rig = full();
    rig.guest.set_pending_send_size(2500);
    // 1,096 and 2,096 bytes would be false hope.
    assert!(!frees(&mut rig));
    assert!(!frees(&mut rig));
    assert!(frees(&mut rig));
    // It had its chance: there is no second signal.
    assert!(!frees(&mut rig));
}

#[test]
fn a_guest_that_does_not_wait_is_not_signalled() {
    let mut rig = full();
    for _ in 0..4 {
        assert!(!frees(&mut rig));
    }
}

#[test]
fn a_guest_for_which_there_was_room_anyhow_is_not_signalled() {
    let mut rig = full();
    rig.guest.set_pending_send_size(90);
    assert!(!frees(&mut rig));
}

#[test]
fn a_guest_that_waits_for_an_empty_ring_is_signalled_then() {
    // Some drivers ask for the whole ring, or for all but a byte of it.
    for pending in [4096, 4095, u32::MAX] {
        let mut rig = full();
        rig.guest.set_pending_send_size(pending);
        for _ in 0..3 {
            assert!(!frees(&mut rig));
        }
        assert!(frees(&mut rig));
    }
}

#[test]
fn room_is_told_of_before_the_drain_ends() {
    let mut rig = full();
    rig.guest.set_pending_send_size(1000);
    rig.host.begin_drain().unwrap();
    rig.host_takes();
    rig.host_takes();
    // Half of the ring has been read: a device that goes on for long keeps nobody waiting.
    assert!(rig.guest.room() > 1000);
    assert!(rig.host.take_signal());
}

#[test]
fn all_room_is_told_of_at_the_end_of_what_is_there() {
    let mut rig = Rig::small();
    let _ = rig.guest_writes(&GuestPacket::in_band(1, b""));
    rig.host_takes();
    assert_eq!(rig.guest.room(), 4096 - 24);
    assert_eq!(rig.host.receive(), Ok(None));
    assert_eq!(rig.guest.room(), 4096);
}

#[test]
fn the_host_asks_for_room_and_takes_it_back() {
    let mut rig = Rig::small();
    let pending = rig.place.to_guest() + PENDING_SEND_SIZE;
    done(rig.host.send(&in_band(1, &[0; 2000])));
    done(rig.host.send(&in_band(2, &[0; 2000])));
    assert_eq!(rig.load(pending), 0);
    assert_eq!(rig.host.send(&in_band(3, &[0; 100])), Ok(Sent::Full));
    // 100 bytes are padded to 104, and have a header and a trailer.
    assert_eq!(rig.load(pending), 128);
    rig.guest.begin_read();
    rig.guest.next_packet().unwrap();
    assert!(rig.guest.close(), "the guest signals that there is room");
    done(rig.host.send(&in_band(3, &[0; 100])));
    assert_eq!(rig.load(pending), 0);
    rig.guest.next_packet().unwrap();
    assert!(!rig.guest.close());
}

#[test]
fn a_guest_that_does_not_know_how_is_not_asked() {
    let mut rig = Rig::small();
    rig.store(rig.place.to_guest() + FEATURE_BITS, 0);
    done(rig.host.send(&in_band(1, &[0; 4000])));
    assert_eq!(rig.host.send(&in_band(2, &[0; 100])), Ok(Sent::Full));
    assert_eq!(rig.load(rig.place.to_guest() + PENDING_SEND_SIZE), 0);
    // Such a guest signals whenever it has read.
    assert!(rig.guest.drain(|_| ()));
    done(rig.host.send(&in_band(2, &[0; 100])));
}

//! Signals and masks: who is told of packets, and who finds them anyhow.

use detente_vmbus::Sent;
use detente_vmbus::fake_guest::{GuestPacket, Wrote};

use crate::support::{INTERRUPT_MASK, READ_INDEX, Rig, done, in_band};

#[test]
fn the_guest_is_signalled_only_on_the_step_from_empty() {
    let mut rig = Rig::small();
    assert!(!rig.host.take_signal());
    done(rig.host.send(&in_band(1, b"")));
    assert!(rig.host.take_signal());
    assert!(!rig.host.take_signal(), "a signal is given once");
    done(rig.host.send(&in_band(2, b"")));
    assert!(!rig.host.take_signal());
    // It has read one of two: still not empty.
    rig.guest.next_packet().unwrap();
    rig.guest.close();
    done(rig.host.send(&in_band(3, b"")));
    assert!(!rig.host.take_signal());
    let _ = rig.guest.drain(|_| ());
    done(rig.host.send(&in_band(4, b"")));
    assert!(rig.host.take_signal());
}

#[test]
fn a_guest_that_masks_is_not_signalled_and_finds_it() {
    let mut rig = Rig::small();
    rig.guest.begin_read();
    done(rig.host.send(&in_band(1, b"")));
    assert!(!rig.host.take_signal());
    assert!(rig.guest.end_read(), "it looks again after unmasking");
    let mut taken = 0;
    let _ = rig.guest.drain(|_| taken += 1);
    assert_eq!(taken, 1);
}

#[test]
fn the_guest_need_not_signal_while_the_host_drains() {
    let mut rig = Rig::small();
    let packet = GuestPacket::in_band(1, b"");
    assert_eq!(rig.guest_writes(&packet), Wrote::Signal);
    rig.host.begin_drain().unwrap();
    assert_eq!(rig.load(rig.place.to_host() + INTERRUPT_MASK), 1);
    rig.host_takes();
    assert_eq!(rig.host.receive(), Ok(None));
    assert_eq!(rig.guest_writes(&packet), Wrote::Quietly);
    // So the host has to find it by itself.
    assert_eq!(rig.host.end_drain(), Ok(true));
    rig.host.begin_drain().unwrap();
    rig.host_takes();
    assert_eq!(rig.host.receive(), Ok(None));
    assert_eq!(rig.host.end_drain(), Ok(false));
    assert_eq!(rig.load(rig.place.to_host() + INTERRUPT_MASK), 0);
    assert_eq!(rig.guest_writes(&packet), Wrote::Signal);
}

#[test]
fn what_comes_after_the_device_stopped_short_of_the_end_is_found() {
    let mut rig = Rig::small();
    let packet = GuestPacket::in_band(1, b"");
    let _ = rig.guest_writes(&packet);
    rig.host.begin_drain().unwrap();
    rig.host_takes();
    let _ = rig.guest_writes(&packet);
    assert_eq!(rig.host.end_drain(), Ok(true));
}

#[test]
fn the_end_of_a_drain_tells_how_far_the_host_has_read() {
    let mut rig = Rig::small();
    let packet = GuestPacket::in_band(1, b"");
    let _ = rig.guest_writes(&packet);
    let _ = rig.guest_writes(&packet);
    rig.host.begin_drain().unwrap();
    rig.host_takes();
    assert_eq!(rig.host.end_drain(), Ok(true));
    assert_eq!(rig.load(rig.place.to_host() + READ_INDEX), 24);
}

#[test]
fn a_device_that_takes_nothing_is_not_called_for_ever() {
    let mut rig = Rig::small();
    let _ = rig.guest_writes(&GuestPacket::in_band(1, b""));
    rig.host.begin_drain().unwrap();
    assert_eq!(rig.host.end_drain(), Ok(false));
    // Nor one that only sends.
    rig.host.begin_drain().unwrap();
    done(rig.host.send(&in_band(1, b"")));
    assert_eq!(rig.host.end_drain(), Ok(false));
    assert_eq!(rig.host_takes().transaction, 1);
}

#[test]
fn a_device_that_waits_for_room_is_not_called_for_ever() {
    let mut rig = Rig::small();
    let packet = GuestPacket::in_band(1, b"");
    let _ = rig.guest_writes(&packet);
    let _ = rig.guest_writes(&packet);
    done(rig.host.send(&in_band(1, &[0; 4000])));
    assert!(rig.host.take_signal());
    rig.host.begin_drain().unwrap();
    rig.host_takes();
    assert_eq!(rig.host.send(&in_band(2, &[0; 100])), Ok(Sent::Full));
    assert_eq!(rig.host.end_drain(), Ok(false));
    // The guest makes room, which it is asked to signal.
    assert!(rig.guest.drain(|_| ()));
    rig.host.begin_drain().unwrap();
    done(rig.host.send(&in_band(2, &[0; 100])));
    rig.host_takes();
    assert_eq!(rig.host.end_drain(), Ok(false));
}

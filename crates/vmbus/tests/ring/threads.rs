//! Both ends at once, each on its own thread, each asleep until it is signalled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use detente_vmbus::fake_guest::{GuestPacket, GuestRings, Wrote};
use detente_vmbus::{GuestMemory, RingPair, Sent};

use crate::support::{FEATURE_BITS, Place, Rig, completion, in_band, open, payload};

const PACKETS: u64 = 20_000;

/// A doorbell: rung again before it is heard, it rings once, as an event flag does.
fn bell() -> (SyncSender<()>, Receiver<()>) {
    sync_channel(1)
}

fn ring(bell: &SyncSender<()>) {
    // Full means that it rings already.
    let _ = bell.try_send(());
}

/// Waits; a signal that was not given would be waited for without end.
fn wait(bell: &Receiver<()>, who: &str) {
    let limit = Duration::from_secs(60);
    assert!(bell.recv_timeout(limit).is_ok(), "{who} was not signalled");
}

fn length(number: u64) -> usize {
    // Between nothing and most of a page, in no order that fits the ring.
    usize::try_from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 53).unwrap()
}

/// Sends all packets, and waits for a completion of each.
fn guest(mut rings: GuestRings, host: SyncSender<()>, own: Receiver<()>) {
    let (mut next, mut completed) = (0, 0);
    while completed < PACKETS {
        while next < PACKETS {
            let packet = GuestPacket::in_band(next, &payload(next, length(next)));
            let mut wrote = rings.write(&packet);
            if wrote == Wrote::NoRoom {
                let needed = packet.to_bytes().len() + 8;
                rings.set_pending_send_size(u32::try_from(needed).unwrap());
                // Room may have come before the host could see that it is wanted.
                wrote = rings.write(&packet);
            }
            match wrote {
                Wrote::NoRoom => break,
                Wrote::Signal => ring(&host),
                Wrote::Quietly => (),
            }
            rings.set_pending_send_size(0);
            next += 1;
        }
        let signal = rings.drain(|packet| {
            assert_eq!((packet.kind, packet.transaction), (11, completed));
            assert!(packet.payload == sent(completed), "packet {completed}");
            completed += 1;
        });
        if signal {
            ring(&host);
        }
        if completed < PACKETS {
            wait(&own, "the guest");
        }
    }
}

/// A payload as it arrives: padded.
fn sent(number: u64) -> Vec<u8> {
    let mut bytes = payload(number, length(number));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// A device that answers each packet with what is in it.
fn host(mut rings: RingPair, guest: SyncSender<()>, own: Receiver<()>) {
    let (mut taken, mut answer) = (0, None);
    while taken < PACKETS || answer.is_some() {
        rings.begin_drain().unwrap();
        loop {
            if answer.is_none() {
                answer = rings.receive().unwrap();
                taken += u64::from(answer.is_some());
            }
            let Some(packet) = &answer else { break };
            let reply = completion(packet.transaction, &packet.payload);
            match rings.send(&reply).unwrap() {
                Sent::Done => answer = None,
                Sent::Full => break,
            }
        }
        let again = rings.end_drain().unwrap();
        if rings.take_signal() {
            ring(&guest);
        }
        if !again && (taken < PACKETS || answer.is_some()) {
            wait(&own, "the host");
        }
    }
}

fn both_at_once(place: Place) {
    let rig = Rig::new(place);
    let (to_host, host_hears) = bell();
    let (to_guest, guest_hears) = bell();
    let (host_end, guest_end) = (rig.host, rig.guest);
    std::thread::scope(|scope| {
        scope.spawn(move || host(host_end, to_guest, host_hears));
        scope.spawn(move || guest(guest_end, to_host, guest_hears));
    });
}

#[test]
fn two_threads_lose_nothing_in_rings_of_a_page() {
    both_at_once(Place::in_a_row(1, 1));
}

#[test]
fn two_threads_lose_nothing_in_scattered_rings_of_different_sizes() {
    both_at_once(Place::scattered(5, 2));
}

#[test]
fn a_guest_that_scribbles_meanwhile_breaks_its_own_channel_only() {
    let mut rig = Rig::new(Place::in_a_row(1, 1));
    // Packets of 24 bytes each, so that some indices are those of packets.
    while rig.guest.write(&GuestPacket::in_band(1, b"")) != Wrote::NoRoom {}
    let rig = rig;
    let (memory, place) = (Arc::clone(&rig.memory), rig.place.clone());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 1_u64;
            while !done.load(Ordering::Relaxed) {
                number = number.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                scribble(&rig, number >> 24);
            }
        });
        let mut taken = 0_u32;
        for _ in 0..100_000 {
            // The guest opens the channel again, until what it left there opens.
            let Ok(mut rings) = open(&memory, &place) else {
                continue;
            };
            for _ in 0..8 {
                let worked = rings.begin_drain().is_ok()
                    && rings.send(&in_band(1, &[1; 500])).is_ok()
                    && rings.receive().is_ok_and(|packet| {
                        taken += u32::from(packet.is_some());
                        true
                    })
                    && rings.end_drain().is_ok();
                if !worked {
                    break;
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(taken > 0, "some of it has to look like packets");
    });
}

/// Puts a number where it may matter: an index that may be sound, a word, a packet's header.
fn scribble(rig: &Rig, number: u64) {
    let page = [rig.place.to_host(), rig.place.to_guest()][usize::from(number & 1 == 1)];
    let value = match number >> 24 & 3 {
        0 => number >> 8 & 0x1ff8,
        _ => (number >> 8) % 170 * 24,
    };
    let value = u32::try_from(value).unwrap();
    match number >> 1 & 7 {
        0..4 => rig.store(page + (number >> 4 & 3) * 4, value),
        4 => rig.store(page + FEATURE_BITS, value >> 3),
        _ => {
            let header = [6, 0, 2, 0, 2 + (value & 3).to_le_bytes()[0], 0, 0, 0];
            let at = page + 4096 + (number >> 20) % 170 * 24;
            rig.memory.write(at, &header).unwrap();
        }
    }
}

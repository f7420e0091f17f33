//! The guest acts at each moment between two accesses of the host: nobody sleeps through it.
//!
//! The host's stores are kept back as a processor may keep them, until one that is sequentially
//! consistent; so what is missed for want of a barrier is missed here every time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use detente_vmbus::fake_guest::{GuestPacket, GuestRings, Memory, Wrote};
use detente_vmbus::{GuestMemory, OutsideMemory, RingPair, Sent};

use crate::support::{Place, done, in_band};

/// Something that the guest does once.
type Action = Box<dyn FnOnce() + Send>;

/// The memory as the host's processor sees it.
struct Processor {
    memory: Arc<Memory>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept_back: Vec<(u64, u32)>,
    /// After so many accesses of the host the guest acts.
    left: usize,
    action: Option<Action>,
}

impl Processor {
    /// Before each access.
    fn passes(&self) {
        let mut state = self.state.lock().unwrap();
        match state.left.checked_sub(1) {
            Some(left) => state.left = left,
            None => Self::acts(&mut state),
        }
    }

    fn acts(state: &mut State) {
        if let Some(action) = state.action.take() {
            action();
        }
    }

    fn after(&self, accesses: usize, action: impl FnOnce() + Send + 'static) {
        let mut state = self.state.lock().unwrap();
        state.left = accesses;
        state.action = Some(Box::new(action));
    }

    /// The host is done. True: the guest had not acted yet, and does now.
    fn ends(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let late = state.action.is_some();
        Self::acts(&mut state);
        self.flush(&mut state);
        late
    }

    fn flush(&self, state: &mut State) {
        for (gpa, value) in state.kept_back.drain(..) {
            let stored = self.memory.store_u32(gpa, value, Ordering::SeqCst);
            stored.unwrap();
        }
    }
}

impl GuestMemory for Processor {
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory> {
        self.passes();
        self.memory.read(gpa, buf)
    }

    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        self.passes();
        self.memory.write(gpa, bytes)
    }

    fn load_u32(&self, gpa: u64, order: Ordering) -> Result<u32, OutsideMemory> {
        self.passes();
        let state = self.state.lock().unwrap();
        let own = state.kept_back.iter().rev().find(|kept| kept.0 == gpa);
        match own {
            Some((_, value)) => Ok(*value),
            None => self.memory.load_u32(gpa, order),
        }
    }

    fn store_u32(&self, gpa: u64, value: u32, order: Ordering) -> Result<(), OutsideMemory> {
        self.passes();
        let mut state = self.state.lock().unwrap();
        state.kept_back.push((gpa, value));
        if order == Ordering::SeqCst {
            self.flush(&mut state);
        }
        Ok(())
    }

    fn fetch_or_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory> {
        self.passes();
        self.memory.fetch_or_u32(gpa, bits)
    }
}

/// What the guest found when it acted, for the test to ask.
type Found = Arc<Mutex<Option<bool>>>;

struct Moment {
    processor: Arc<Processor>,
    guest: Arc<Mutex<GuestRings>>,
    host: RingPair,
}

impl Moment {
    fn new() -> Self {
        let place = Place::in_a_row(1, 1);
        let memory = Arc::new(Memory::new(32));
        let shared: Arc<dyn GuestMemory> = Arc::clone(&memory) as _;
        let guest = GuestRings::new(&shared, &place.pfns, place.middle);
        let state = Mutex::new(State::default());
        let processor = Arc::new(Processor { memory, state });
        let seen = Arc::clone(&processor) as _;
        Self {
            processor,
            guest: Arc::new(Mutex::new(guest)),
            host: RingPair::open(seen, &place.range(), 2).unwrap(),
        }
    }

    /// Lets the guest act after so many accesses of the host; what it found is there later.
    fn guest_acts(
        &self,
        accesses: usize,
        action: impl FnOnce(&mut GuestRings) -> bool + Send + 'static,
    ) -> Found {
        let (found, guest) = (Found::default(), Arc::clone(&self.guest));
        let told = Arc::clone(&found);
        self.processor.after(accesses, move || {
            *told.lock().unwrap() = Some(action(&mut guest.lock().unwrap()));
        });
        found
    }
}

/// Goes through all moments of what a host does, until the guest acts only after it.
fn at_each_moment(mut scene: impl FnMut(usize) -> bool) {
    for accesses in 0..100 {
        if scene(accesses) {
            assert!(accesses > 2, "there are moments within");
            return;
        }
    }
    panic!("the host never ends");
}

fn found(found: &Found) -> bool {
    found.lock().unwrap().unwrap()
}

#[test]
fn a_packet_is_signalled_or_found_whenever_it_comes() {
    at_each_moment(|accesses| {
        let mut moment = Moment::new();
        let signalled = moment.guest_acts(accesses, |guest| {
            guest.write(&GuestPacket::in_band(1, b"")) == Wrote::Signal
        });
        moment.host.begin_drain().unwrap();
        let taken = moment.host.receive().unwrap().is_some();
        let again = moment.host.end_drain().unwrap();
        let late = moment.processor.ends();
        assert!(taken || again || found(&signalled), "moment {accesses}");
        late
    });
}

#[test]
fn a_packet_is_signalled_or_found_whenever_it_comes_while_the_guest_sees_the_mask() {
    at_each_moment(|accesses| {
        let mut moment = Moment::new();
        moment.host.begin_drain().unwrap();
        moment.processor.ends();
        let signalled = moment.guest_acts(accesses, |guest| {
            guest.write(&GuestPacket::in_band(1, b"")) == Wrote::Signal
        });
        let taken = moment.host.receive().unwrap().is_some();
        let again = moment.host.end_drain().unwrap();
        let late = moment.processor.ends();
        assert!(taken || again || found(&signalled), "moment {accesses}");
        late
    });
}

#[test]
fn a_host_that_finds_no_room_gets_it_or_is_signalled_whenever_it_comes() {
    at_each_moment(|accesses| {
        let mut moment = Moment::new();
        done(moment.host.send(&in_band(1, &[0; 4000])));
        let signalled = moment.guest_acts(accesses, |guest| guest.drain(|_| ()));
        let sent = moment.host.send(&in_band(2, &[0; 100])).unwrap();
        let late = moment.processor.ends();
        let hopes = sent == Sent::Done || found(&signalled);
        assert!(hopes, "moment {accesses}");
        late
    });
}

#[test]
fn a_guest_that_finds_no_room_gets_it_or_is_signalled_whenever_it_asks() {
    at_each_moment(|accesses| {
        let mut moment = Moment::new();
        let first = GuestPacket::in_band(1, &[0; 4000]);
        assert_eq!(moment.guest.lock().unwrap().write(&first), Wrote::Signal);
        let wrote = moment.guest_acts(accesses, |guest| {
            guest.set_pending_send_size(128);
            guest.write(&GuestPacket::in_band(2, &[0; 100])) != Wrote::NoRoom
        });
        moment.host.begin_drain().unwrap();
        while moment.host.receive().unwrap().is_some() {}
        let _ = moment.host.end_drain().unwrap();
        let late = moment.processor.ends();
        let hopes = moment.host.take_signal() || found(&wrote);
        assert!(hopes, "moment {accesses}");
        late
    });
}

#[test]
fn a_guest_that_stops_reading_finds_the_packet_or_is_signalled() {
    at_each_moment(|accesses| {
        let mut moment = Moment::new();
        moment.guest.lock().unwrap().begin_read();
        let saw = moment.guest_acts(accesses, |guest| {
            let saw = guest.next_packet().is_some();
            guest.close();
            guest.end_read() || saw
        });
        done(moment.host.send(&in_band(1, b"")));
        let late = moment.processor.ends();
        let hopes = moment.host.take_signal() || found(&saw);
        assert!(hopes, "moment {accesses}");
        late
    });
}

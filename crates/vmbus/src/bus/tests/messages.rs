//! Message slots: one message at a time, and the rest waits.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::scripted::{CLASS, Scripted};
use crate::bus::BusOptions;
use crate::fake_guest::{FakeGuest, Memory, message};
use crate::memory::{GuestMemory, OutsideMemory};
use crate::synic::{HvStatus, SynicPages};

/// Where the fake guest's first processor has the bus's message slot.
const SLOT: u64 = 0x1_0000 + 2 * 256;

fn flags(guest: &FakeGuest) -> u8 {
    guest.memory().bytes(SLOT + 5, 1)[0]
}

#[test]
fn a_message_written_while_others_wait_says_so() {
    // The trial's bug: with the flag set only on a busy slot, a guest that writes EOM only when
    // it is asked to stopped after the second message.
    let mut guest = FakeGuest::new();
    for instance in 0..40 {
        guest.offer(Box::new(Scripted::echo(instance)));
    }
    guest.connect();
    assert_eq!(guest.offers().len(), 40);
    // One for each message but the last: each had another one behind it.
    assert_eq!(guest.ends_of_message(), 40);
}

#[test]
fn a_message_alone_asks_for_no_end_of_message() {
    let mut guest = FakeGuest::new();
    guest.try_connect();
    assert_eq!(guest.ends_of_message(), 0);
}

#[test]
fn a_message_that_finds_the_slot_busy_marks_the_one_in_it() {
    let mut guest = FakeGuest::new();
    guest.try_connect();
    guest.bus.offer(Box::new(Scripted::echo(1))).unwrap();
    assert_eq!(guest.post(&message(3, &[])), HvStatus::Success);
    // The offer is there; that these were all waits behind it.
    assert_eq!(guest.memory().bytes(SLOT + 16, 1), [1]);
    assert_eq!(flags(&guest), 1);
    guest.pump();
    assert_eq!(guest.offers().len(), 1);
    assert_eq!(guest.ends_of_message(), 1);
}

#[test]
fn a_message_has_its_type_size_and_payload_where_linux_looks() {
    let mut guest = FakeGuest::new();
    let contact = message(14, &[0x5_0003, 0, 2, 0, 0, 0, 0, 0]);
    assert_eq!(guest.post(&contact), HvStatus::Success);
    let header = [1, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(guest.memory().bytes(SLOT, 16), header);
    assert_eq!(guest.memory().bytes(SLOT + 16, 16), message(15, &[1, 4]));
}

#[test]
fn messages_wait_for_the_page() {
    let mut guest = FakeGuest::new();
    let contact = message(14, &[0x5_0003, 0, 2, 0, 0, 0, 0, 0]);
    guest.bus.set_synic(0, SynicPages::default());
    assert_eq!(guest.post(&contact), HvStatus::Success);
    // Neither is a page outside of memory one.
    let mut pages = SynicPages {
        message_page: Some(1 << 40),
        event_page: None,
    };
    guest.bus.set_synic(0, pages);
    pages.message_page = Some(u64::MAX - 100);
    guest.bus.set_synic(0, pages);
    assert!(!guest.lines().take(0));
    pages.message_page = Some(0x1_0000);
    guest.bus.set_synic(0, pages);
    guest.pump();
    assert_eq!(guest.answers(), [message(15, &[1, 4])]);
}

#[test]
fn messages_go_to_the_processor_that_contact_names() {
    let mut guest = FakeGuest::with(BusOptions {
        processors: 4,
        ..BusOptions::default()
    });
    let contact = message(14, &[0x5_0003, 2, 2, 0, 0, 0, 0, 0]);
    assert_eq!(guest.post(&contact), HvStatus::Success);
    let raised: Vec<u64> = (0..4).map(|vp| guest.lines().count(vp)).collect();
    assert_eq!(raised, [0, 0, 1, 0]);
}

#[test]
fn the_end_of_another_processors_message_says_nothing() {
    let mut guest = FakeGuest::with(BusOptions {
        processors: 2,
        ..BusOptions::default()
    });
    guest.offer(Box::new(Scripted::echo(1)));
    guest.try_connect();
    assert_eq!(guest.post(&message(3, &[])), HvStatus::Success);
    guest.memory().put(SLOT, &[0; 4]);
    guest.bus.end_of_message(1);
    assert_eq!(guest.memory().bytes(SLOT, 1), [0]);
    guest.bus.end_of_message(0);
    assert_eq!(guest.memory().bytes(SLOT, 1), [1]);
}

#[test]
fn an_end_of_message_with_the_slot_still_full_overwrites_nothing() {
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(Scripted::echo(1)));
    guest.try_connect();
    assert_eq!(guest.post(&message(3, &[])), HvStatus::Success);
    let before = guest.memory().bytes(SLOT, 256);
    guest.bus.end_of_message(0);
    guest.bus.end_of_message(9);
    assert_eq!(guest.memory().bytes(SLOT, 256), before);
}

#[test]
fn a_guest_that_does_not_read_is_turned_away_until_it_does() {
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    let teardown = message(11, &[1, 1]);
    let mut taken = 0;
    while guest.post(&teardown) == HvStatus::Success {
        taken += 1;
    }
    // 64 wait, one is in the slot.
    assert_eq!(taken, 65);
    assert_eq!(guest.post(&teardown), HvStatus::InsufficientBuffers);
    assert_eq!(HvStatus::InsufficientBuffers.code(), 19);
    guest.pump();
    assert_eq!(guest.answers().len(), 65);
    guest.open(CLASS, 2);
}

#[test]
fn a_guest_that_does_not_read_can_still_leave_or_start_anew() {
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    while guest.post(&message(11, &[1, 1])) == HvStatus::Success {}
    guest.unload();
    guest.connect();
    while guest.post(&message(11, &[1, 1])) == HvStatus::Success {}
    guest.kexec();
    guest.connect();
}

/// Memory that does something when a word is touched.
struct Watched {
    memory: Arc<Memory>,
    writes: Mutex<Vec<u64>>,
    empties_slot: bool,
}

impl GuestMemory for Watched {
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory> {
        self.memory.read(gpa, buf)
    }

    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        self.writes.lock().unwrap().push(gpa);
        self.memory.write(gpa, bytes)
    }

    fn load_u32(&self, gpa: u64, order: Ordering) -> Result<u32, OutsideMemory> {
        self.memory.load_u32(gpa, order)
    }

    fn store_u32(&self, gpa: u64, value: u32, order: Ordering) -> Result<(), OutsideMemory> {
        self.writes.lock().unwrap().push(gpa);
        self.memory.store_u32(gpa, value, order)
    }

    fn fetch_or_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory> {
        if self.empties_slot && gpa == SLOT + 4 {
            // Another processor takes the message, and looks for the flag before it is there.
            self.memory.put(SLOT, &[0; 4]);
        }
        self.memory.fetch_or_u32(gpa, bits)
    }
}

fn watched(empties_slot: bool) -> (FakeGuest, Arc<Watched>) {
    let memory = Arc::new(Memory::new(32768));
    let watched = Arc::new(Watched {
        memory: Arc::clone(&memory),
        writes: Mutex::default(),
        empties_slot,
    });
    let seen = Arc::clone(&watched) as Arc<dyn GuestMemory>;
    (FakeGuest::on(memory, seen, BusOptions::default()), watched)
}

#[test]
fn the_type_is_written_last() {
    let (mut guest, watched) = watched(false);
    guest.try_connect();
    let writes = watched.writes.lock().unwrap();
    assert_eq!(*writes, [SLOT + 4, SLOT + 16, SLOT]);
}

#[test]
fn a_slot_emptied_before_the_flag_was_set_is_used_at_once() {
    let (mut guest, _) = watched(true);
    guest.try_connect();
    guest.bus.offer(Box::new(Scripted::echo(1))).unwrap();
    assert_eq!(guest.post(&message(3, &[])), HvStatus::Success);
    // The offer was taken in between; the end of the offers is in the slot without any EOM.
    assert_eq!(guest.memory().bytes(SLOT + 16, 1), [4]);
}

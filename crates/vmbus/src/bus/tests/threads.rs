//! The message slot with a guest that really runs at the same time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::bus::outbox::Outbox;
use crate::fake_guest::Memory;
use crate::memory::GuestMemory;
use crate::protocol::Response;
use crate::synic::{Interrupts, Synic, SynicPages};

const MESSAGES: u32 = 20_000;

/// Where the slot of SINT2 is, with the page at 4096.
const SLOT: u64 = 4096 + 512;

/// Only a message that never comes takes so long.
const STUCK: Duration = Duration::from_secs(20);

struct Line(Sender<()>);

impl Interrupts for Line {
    fn raise(&self, _vp: u32) {
        // The guest has gone when it has seen all.
        let _ = self.0.send(());
    }
}

/// What the guest's processor does that the host notices.
enum Said {
    EndOfMessage,
    SawAll,
}

/// Looks at the slot once for each interrupt, and writes EOM only when it was asked to.
fn guest(memory: &Memory, interrupts: &Receiver<()>, said: &Sender<Said>) {
    let mut expected = 0;
    while expected < MESSAGES {
        interrupts.recv_timeout(STUCK).expect("a message comes");
        if memory.load_u32(SLOT, Ordering::SeqCst).unwrap() == 0 {
            continue;
        }
        let number = memory.load_u32(SLOT + 24, Ordering::SeqCst).unwrap();
        assert_eq!(number, expected, "messages keep their order");
        expected += 1;
        memory.store_u32(SLOT, 0, Ordering::SeqCst).unwrap();
        let flags = memory.load_u32(SLOT + 4, Ordering::SeqCst).unwrap();
        if flags & 0x100 != 0 {
            said.send(Said::EndOfMessage).unwrap();
        }
    }
    said.send(Said::SawAll).unwrap();
}

#[test]
fn no_message_is_lost_or_late_with_both_at_work() {
    let memory = Arc::new(Memory::new(4));
    let (raise, interrupts) = channel();
    let (say, said) = channel();
    let shared = Arc::clone(&memory) as Arc<dyn GuestMemory>;
    let mut synic = Synic::new(shared, Arc::new(Line(raise)), 1);
    let pages = SynicPages {
        message_page: Some(4096),
        event_page: None,
    };
    synic.set(0, pages);
    let guest = std::thread::spawn(move || guest(&memory, &interrupts, &say));
    let mut outbox = Outbox::default();
    outbox.restart(0);
    for gpadl in 0..MESSAGES {
        outbox.send(&synic, Response::GpadlTornDown { gpadl });
        // Sometimes it piles up, sometimes the slot is nearly always free.
        while outbox.is_full() || gpadl % 3 == 0 {
            match said.try_recv() {
                Ok(_) => outbox.emptied(&synic, 0),
                Err(_) if outbox.is_full() => std::thread::yield_now(),
                Err(_) => break,
            }
        }
    }
    while let Said::EndOfMessage = said.recv_timeout(STUCK).expect("the guest goes on") {
        outbox.emptied(&synic, 0);
    }
    guest.join().unwrap();
}

//! Rings whose control pages and data are any bytes, and change while they are used.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::bytes::Bytes;
use crate::fake_guest::Memory;
use crate::memory::{GuestMemory, PAGE_BYTES};
use crate::packet::{Outgoing, OutgoingKind, PacketKind};
use crate::pages::PageRange;
use crate::ring::{RingError, RingPair};

/// So many pages of memory there are; page frames are taken modulo a few more.
const PAGES: u8 = 12;

/// More steps are not taken.
const STEPS: usize = 256;

/// Words of a control page.
const WORDS: [u64; 5] = [0, 4, 8, 12, 64];

/// Opens rings, takes packets, sends some, and lets the guest spoil memory in between.
///
/// The bytes are: how many pages, where the second ring starts, the pages; the words of both
/// control pages; how long the data is, the data; then steps. Says how many packets it took.
pub fn exercise_ring(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let memory = Arc::new(Memory::new(usize::from(PAGES)));
    let count = usize::from(bytes.u8() % 10);
    let host_to_guest_page = u32::from(bytes.u8() % 11);
    let pfns: Vec<u64> = (0..count)
        .map(|_| u64::from(bytes.u8() % (PAGES + 1)))
        .collect();
    let (spoil, offset) = (u32::from(bytes.u8()), u32::from(bytes.u8()));
    let all = u32::try_from(count * 4096).unwrap_or(0);
    // Mostly whole pages.
    let (len, offset) = if spoil < 250 {
        (all, 0)
    } else {
        (all.saturating_sub(spoil), offset)
    };
    let Ok(range) = PageRange::new(len, offset, pfns.clone()) else {
        return 0;
    };
    fill(&memory, &pfns, host_to_guest_page, &mut bytes);
    let shared: Arc<dyn GuestMemory> = Arc::<Memory>::clone(&memory);
    let Ok(mut rings) = RingPair::open(shared, &range, host_to_guest_page) else {
        return 0;
    };
    let mut taken = 0;
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        if step(&mut rings, &memory, &pfns, &mut bytes, &mut taken).is_err() {
            // A bus would let the channel rest. What follows finds it as broken, and harmless.
            rings.take_signal();
        }
    }
    taken
}

/// Writes the control words and the data of both rings.
fn fill(memory: &Memory, pfns: &[u64], middle: u32, bytes: &mut Bytes<'_>) {
    let middle = usize::try_from(middle).unwrap_or(0);
    for control in [0, middle] {
        let page = pfns.get(control).copied().unwrap_or(0) * PAGE_BYTES;
        for word in WORDS {
            let value = bytes.u32();
            // Beyond memory there is nothing to be spoiled.
            let _ = memory.store_u32(page + word, value, Ordering::Relaxed);
        }
    }
    let len = usize::from(bytes.u16());
    let data = bytes.up_to(len);
    for (pfn, piece) in pfns.iter().skip(1).zip(data.chunks(4096)) {
        let _ = memory.write(pfn * PAGE_BYTES, piece);
    }
}

fn step(
    rings: &mut RingPair,
    memory: &Memory,
    pfns: &[u64],
    bytes: &mut Bytes<'_>,
    taken: &mut usize,
) -> Result<(), RingError> {
    match bytes.u8() % 6 {
        0 => drain(rings, pfns.len(), taken)?,
        1 => send(rings, bytes)?,
        2 => {
            rings.begin_drain()?;
        }
        3 => {
            rings.end_drain()?;
            rings.take_signal();
        }
        // A word of a control page, most likely.
        4 => {
            let page = pfns[usize::from(bytes.u8()) % pfns.len()] * PAGE_BYTES;
            let word = WORDS[usize::from(bytes.u8()) % WORDS.len()];
            let _ = memory.store_u32(page + word, bytes.u32(), Ordering::Relaxed);
        }
        // A piece of data.
        _ => {
            let page = pfns[usize::from(bytes.u8()) % pfns.len()] * PAGE_BYTES;
            let at = u64::from(bytes.u16() & 0xff8);
            let piece: [u8; 24] = bytes.take();
            let _ = memory.write(page + at, &piece);
        }
    }
    Ok(())
}

/// Takes all packets: no more than a ring holds, for each takes room of it.
fn drain(rings: &mut RingPair, pages: usize, taken: &mut usize) -> Result<(), RingError> {
    let mut limit = pages * 4096 / 24 + 1;
    let mut payloads = 0;
    while let Some(packet) = rings.receive()? {
        limit = limit.checked_sub(1).expect("more packets than fit");
        *taken += 1;
        payloads += packet.payload.len();
        if let PacketKind::GpaDirect(ranges) = &packet.kind {
            let frames: usize = ranges.iter().map(|range| range.pfns().len()).sum();
            payloads += frames * 8 + ranges.len() * 8;
        }
    }
    assert!(payloads <= pages * 4096, "more bytes than fit");
    Ok(())
}

fn send(rings: &mut RingPair, bytes: &mut Bytes<'_>) -> Result<(), RingError> {
    let number = bytes.u8();
    let len = usize::from(bytes.u16() & 0x3fff);
    let payload = vec![number; len];
    let ranges = [(1, 2), (3, 4), (5, 6)];
    let kind = match number % 3 {
        0 => OutgoingKind::InBand,
        1 => OutgoingKind::Completion,
        _ => OutgoingKind::TransferPages {
            set: 7,
            ranges: &ranges[..usize::from(number) % 4],
        },
    };
    let sent = rings.send(&Outgoing {
        kind,
        transaction: u64::from(number),
        wants_completion: number > 127,
        payload: &payload,
    });
    match sent {
        // No ring of these holds as much; the next packet may fit.
        Err(RingError::NeverFits { .. }) => Ok(()),
        other => other.map(drop),
    }
}

//! How fast packets go through a channel's rings, beside memcpy of as many bytes, as JSON.
//!
//! Only the host's side is measured, in the memory that the machine gives its guests. The guest
//! does nothing but move its index on: its packets lie in the ring already, ours it does not read.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use detente_hyperv::kvm::Memory;
use detente_hyperv::memory_map::Span;
use detente_vmbus::{GuestMemory, Outgoing, OutgoingKind, PageRange, RingPair, Sent};
use serde::Serialize;

/// Bytes of data in each ring: 64 pages, the same for all packets below.
const RING: u32 = 64 * 4096;

/// Bytes that a packet takes of the ring: as small as a completion is, as a request of storvsc, as
/// a frame of Ethernet, and longer. They divide the ring.
const TAKEN: [u32; 4] = [64, 128, 2048, 16384];

/// Header and trailer.
const AROUND: u32 = 24;

/// How long each side is measured at least.
const LEAST: Duration = Duration::from_millis(100);

/// What was measured with packets of one size.
#[derive(Serialize)]
struct Measured {
    direction: &'static str,
    payload_bytes: u32,
    packets_a_second: f64,
    ring_bytes_a_second: f64,
    memcpy_bytes_a_second: f64,
}

fn main() -> anyhow::Result<()> {
    let mut all = Vec::new();
    for taken in TAKEN {
        all.push(measured("to host", taken, receive)?);
        all.push(measured("to guest", taken, send)?);
    }
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&all)?)?;
    Ok(())
}

/// Sends or receives a ring full of packets.
type Round = fn(&mut Rig) -> anyhow::Result<u32>;

fn measured(direction: &'static str, taken: u32, round: Round) -> anyhow::Result<Measured> {
    let mut rig = Rig::new(taken)?;
    round(&mut rig)?;
    let (mut packets, start) = (0, Instant::now());
    while start.elapsed() < LEAST {
        packets += round(&mut rig)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let (packets, bytes) = (f64::from(packets), f64::from(taken));
    Ok(Measured {
        direction,
        payload_bytes: taken - AROUND,
        packets_a_second: packets / seconds,
        ring_bytes_a_second: packets * bytes / seconds,
        memcpy_bytes_a_second: memcpy(usize::try_from(taken)?),
    })
}

/// Bytes a second that are copied from one buffer as long as the ring to another, in such pieces.
fn memcpy(piece: usize) -> f64 {
    let from = vec![7_u8; usize::try_from(RING).unwrap_or(0)];
    let mut to = vec![0_u8; from.len()];
    let (mut rounds, start) = (0_u32, Instant::now());
    while start.elapsed() < LEAST {
        for (to, from) in to.chunks_mut(piece).zip(from.chunks(piece)) {
            std::hint::black_box(&mut *to).copy_from_slice(std::hint::black_box(from));
        }
        rounds += 1;
    }
    f64::from(RING) * f64::from(rounds) / start.elapsed().as_secs_f64()
}

/// The rings, in guest memory from page 16 on.
struct Rig {
    memory: Memory,
    rings: RingPair,
    taken: u32,
    payload: Vec<u8>,
}

/// The control page of the ring that the host reads.
const TO_HOST: u64 = 16 * 4096;

/// The control page of the ring that the host writes.
const TO_GUEST: u64 = TO_HOST + 65 * 4096;

/// Offsets in a control page.
const WRITE_INDEX: u64 = 0;
const READ_INDEX: u64 = 4;

impl Rig {
    fn new(taken: u32) -> anyhow::Result<Self> {
        let (start, len) = (0, 64 << 20);
        let memory = Memory::new(&[Span { start, len }])?;
        let range = PageRange::new(130 * 4096, 0, (16..146).collect())?;
        let shared: Arc<dyn GuestMemory> = Arc::new(memory.clone());
        let rings = RingPair::open(shared, &range, 65)?;
        let packet = u16::try_from((taken - 8) / 8)?;
        for index in (0..RING).step_by(usize::try_from(taken)?) {
            // Type 6, a header of 16 bytes, the length, no flags; the number and the rest are zero.
            let words = [6, 2, packet, 0].map(u16::to_le_bytes).concat();
            memory.write(TO_HOST + 4096 + u64::from(index), &words)?;
        }
        let payload = vec![7; usize::try_from(taken - AROUND)?];
        Ok(Self {
            memory,
            rings,
            taken,
            payload,
        })
    }

    /// How many packets are in a ring at once: all but one, or it would look empty.
    fn packets(&self) -> u32 {
        RING / self.taken - 1
    }

    /// Moves an index on by so many packets, as the guest does.
    fn moves(&self, index: u64, packets: u32) -> anyhow::Result<()> {
        let old = self.memory.load_u32(index, Ordering::Acquire)?;
        let new = (old + packets * self.taken) % RING;
        self.memory.store_u32(index, new, Ordering::Release)?;
        Ok(())
    }
}

fn receive(rig: &mut Rig) -> anyhow::Result<u32> {
    let packets = rig.packets();
    rig.moves(TO_HOST + WRITE_INDEX, packets)?;
    rig.rings.begin_drain()?;
    let mut taken = 0;
    while let Some(packet) = rig.rings.receive()? {
        std::hint::black_box(packet);
        taken += 1;
    }
    rig.rings.end_drain()?;
    ensure!(taken == packets, "{taken} packets of {packets}");
    Ok(taken)
}

fn send(rig: &mut Rig) -> anyhow::Result<u32> {
    let packet = Outgoing {
        kind: OutgoingKind::InBand,
        transaction: 1,
        wants_completion: false,
        payload: &rig.payload,
    };
    let packets = rig.packets();
    for _ in 0..packets {
        let sent = rig.rings.send(&packet)?;
        ensure!(sent == Sent::Done, "the ring is full");
    }
    rig.rings.take_signal();
    rig.moves(TO_GUEST + READ_INDEX, packets)
        .context("the guest's read index")?;
    Ok(packets)
}

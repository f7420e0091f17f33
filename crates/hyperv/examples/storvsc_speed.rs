//! How fast a disk is through rings and storvsc, beside `memcpy` (`cargo xtask bench storvsc`).
//!
//! Everything is in memory and on one thread: a guest's rings, the host's side of them, the device,
//! an overlay. Prints a line of JSON for each row.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use detente_block::{MemoryDisk, Overlay};
use detente_hyperv::kvm::Memory;
use detente_hyperv::memory_map::Span;
use detente_vmbus::fake_guest::{GuestPacket, GuestRings, Wrote};
use detente_vmbus::ring::RingError;
use detente_vmbus::storvsc::{self, Access, Medium, SectorSize, Storvsc};
use detente_vmbus::{
    Channel, Device, GuestMemory, Guid, Now, Outgoing, Packet, PageRange, RingPair, Sent,
};
use serde_json::json;

/// Bytes of the disk: far more than caches hold.
const DISK_BYTES: usize = 256 << 20;

/// Requests that are under way at the same time.
const DEPTH: usize = 32;

/// Pages of each ring: what Linux takes by default, less those of the control pages.
const RING_PAGES: usize = 32;

/// Data pages of one request, and where the first ones are.
const REQUEST_PAGES: usize = 64;
const DATA_PAGE: usize = 2 * RING_PAGES;

/// How long each row is measured.
const MEASURED: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    for (what, bytes) in [
        ("read", 4096),
        ("write", 4096),
        ("read", 262_144),
        ("write", 262_144),
    ] {
        let mut rig = Rig::new()?;
        // The first writes find nothing in the overlay, as in a fresh guest; they are not counted.
        let opcode = if what == "read" { 0x28 } else { 0x2a };
        rig.pass(opcode, bytes, DISK_BYTES / bytes)?;
        say(
            what,
            bytes,
            measured(|| rig.pass(opcode, bytes, DEPTH * 8))?,
        )?;
        say("memcpy", bytes, memcpy(bytes)?)?;
    }
    let mut rig = Rig::new()?;
    say(
        "test unit ready",
        0,
        measured(|| rig.pass(0x00, 0, DEPTH * 8))?,
    )
}

fn say(what: &str, bytes: usize, (times, seconds): (usize, f64)) -> anyhow::Result<()> {
    let row = json!({ "what": what, "bytes": bytes, "times": times, "seconds": seconds });
    writeln!(std::io::stdout(), "{row}")?;
    Ok(())
}

/// How many, and in how long, until the time is over.
fn measured(mut work: impl FnMut() -> anyhow::Result<usize>) -> anyhow::Result<(usize, f64)> {
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < MEASURED {
        done += work()?;
    }
    Ok((done, started.elapsed().as_secs_f64()))
}

/// Copies from one large piece of memory to another, as much at once as a request moves.
fn memcpy(bytes: usize) -> anyhow::Result<(usize, f64)> {
    let from = vec![1_u8; DISK_BYTES];
    let mut to = vec![0_u8; DEPTH * bytes];
    let mut pieces = from.chunks_exact(bytes).cycle();
    measured(|| {
        for (to, from) in to.chunks_exact_mut(bytes).zip(&mut pieces) {
            to.copy_from_slice(from);
        }
        std::hint::black_box(&mut to);
        Ok(DEPTH)
    })
}

/// A guest's rings, the host's side of them, and the device.
struct Rig {
    memory: Arc<dyn GuestMemory>,
    guest: GuestRings,
    host: Host,
    device: Storvsc,
    /// Where the next transfer is on the disk.
    block: usize,
}

impl Rig {
    fn new() -> anyhow::Result<Self> {
        let base = Arc::new(MemoryDisk::new(vec![0x5a; DISK_BYTES]));
        let store = Arc::new(MemoryDisk::new(vec![0; DISK_BYTES]));
        let (device, _handle) = storvsc::scsi(
            Guid::new(1),
            vec![Medium {
                lun: 0,
                disk: Arc::new(Overlay::new(base, store)?),
                sector: SectorSize::B512,
                access: Access::ReadWrite,
                serial: "bench".parse()?,
            }],
        )?;
        let pages = DATA_PAGE + DEPTH * REQUEST_PAGES;
        let (start, len) = (0, (pages * 4096) as u64);
        let memory: Arc<dyn GuestMemory> = Arc::new(Memory::new(&[Span { start, len }])?);
        let pfns: Vec<u64> = (0..DATA_PAGE as u64).collect();
        let guest = GuestRings::new(&memory, &pfns, RING_PAGES);
        let range = PageRange::new(u32::try_from(pfns.len() * 4096)?, 0, pfns)?;
        let rings = RingPair::open(Arc::clone(&memory), &range, u32::try_from(RING_PAGES)?)?;
        let mut rig = Self {
            memory,
            guest,
            host: Host { rings },
            device,
            block: 0,
        };
        rig.begin()?;
        Ok(rig)
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        for (operation, version) in [(7, 0), (9, 0x0602_u16), (10, 0), (8, 0)] {
            let mut packet = [0; 64];
            packet[0] = operation;
            packet[12..14].copy_from_slice(&version.to_le_bytes());
            self.write(&GuestPacket::in_band(1, &packet))?;
            self.turn(1)?;
        }
        Ok(())
    }

    /// That many requests, a queue's depth at a time.
    fn pass(&mut self, opcode: u8, bytes: usize, requests: usize) -> anyhow::Result<usize> {
        for _ in 0..requests.div_ceil(DEPTH) {
            for slot in 0..DEPTH {
                let packet = self.request(opcode, bytes, slot)?;
                self.write(&packet)?;
            }
            self.turn(DEPTH)?;
        }
        Ok(requests.div_ceil(DEPTH) * DEPTH)
    }

    fn request(&mut self, opcode: u8, bytes: usize, slot: usize) -> anyhow::Result<GuestPacket> {
        let mut srb = [0; 64];
        (srb[0], srb[20]) = (3, if bytes == 0 { 6 } else { 10 });
        srb[22] = u8::from(opcode == 0x28);
        srb[24..28].copy_from_slice(&u32::try_from(bytes)?.to_le_bytes());
        srb[28] = opcode;
        let number = slot as u64;
        if bytes == 0 {
            return Ok(GuestPacket::in_band(number, &srb));
        }
        srb[30..34].copy_from_slice(&u32::try_from(self.block)?.to_be_bytes());
        srb[35..37].copy_from_slice(&u16::try_from(bytes / 512)?.to_be_bytes());
        self.block = (self.block + bytes / 512) % (DISK_BYTES / 512);
        let first = (DATA_PAGE + slot * REQUEST_PAGES) as u64;
        let pages = (first..).take(bytes.div_ceil(4096)).collect();
        let range = (u32::try_from(bytes)?, 0, pages);
        Ok(GuestPacket::gpa_direct(number, &[range], &srb))
    }

    fn write(&mut self, packet: &GuestPacket) -> anyhow::Result<()> {
        match self.guest.write(packet) {
            Wrote::Quietly | Wrote::Signal => Ok(()),
            Wrote::NoRoom => bail!("the ring is too small for the queue"),
        }
    }

    /// The device answers, and the guest reads the answers: all have to be good.
    fn turn(&mut self, expected: usize) -> anyhow::Result<()> {
        let now = Now {
            elapsed: Duration::ZERO,
            wall: Duration::ZERO,
            reference: 0,
        };
        self.host.rings.begin_drain()?;
        self.device.service(&mut self.host, now)?;
        self.host.rings.end_drain()?;
        let (mut good, mut all) = (0, 0);
        let _host_waits = self.guest.drain(|answer| {
            all += 1;
            good += usize::from(answer.payload[8..12] == [0; 4]);
        });
        std::hint::black_box(&self.memory);
        ensure!(
            (good, all) == (expected, expected),
            "{good} of {all} answers are good"
        );
        Ok(())
    }
}

/// The host's side of the channel.
struct Host {
    rings: RingPair,
}

impl Channel for Host {
    fn receive(&mut self) -> Result<Option<Packet>, RingError> {
        self.rings.receive()
    }

    fn send(&mut self, packet: &Outgoing<'_>) -> Result<Sent, RingError> {
        self.rings.send(packet)
    }

    fn lent(&self, _gpadl: u32) -> Option<&[PageRange]> {
        None
    }

    fn memory(&self) -> &dyn GuestMemory {
        self.rings.memory()
    }
}

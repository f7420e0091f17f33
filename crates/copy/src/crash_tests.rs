//! Power cuts and full disks, at every write: the final name is absent or whole.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use detente_block::{BlockRead, ClosedGate, Gate, GateError, MemoryBackend, Opened};
use detente_disk::{
    Compression, Format, Image, OpenOptions, Qcow2Backing, Qcow2Spec, Stamp, Target, VhdKind,
    VhdSpec, VhdxSpec, open_with,
};

use crate::convert::Order;
use crate::destination::Destination;
use crate::losses::Losses;
use crate::walk::Walk;
use crate::{ConvertError, ConvertOptions, Unwatched, Zeroes};

const MIB: usize = 1 << 20;
/// Not a multiple of any cluster or block.
const DISK: usize = 5 * MIB + 512;
const STAMP: Stamp = Stamp {
    ids: [[3; 16]; 4],
    unix_seconds: 1_700_000_000,
};

/// What happened to a file, in order.
#[derive(Debug, Clone)]
enum Event {
    Write { offset: u64, bytes: Vec<u8> },
    SetLen(u64),
    Sync,
    Rename,
}

/// A file that notes what happens to it, and fails at one of the events.
struct Simulated {
    events: Mutex<Vec<Event>>,
    fails_at: usize,
}

impl Simulated {
    fn new(fails_at: usize) -> Self {
        Self {
            events: Mutex::default(),
            fails_at,
        }
    }

    fn note(&self, event: Event) -> io::Result<()> {
        let mut events = self.events.lock().unwrap();
        if events.len() >= self.fails_at {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        events.push(event);
        Ok(())
    }
}

impl Destination for Simulated {
    fn path(&self) -> &Path {
        Path::new("simulated")
    }

    fn starts_empty(&self) -> bool {
        true
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let bytes = bytes.to_vec();
        self.note(Event::Write { offset, bytes })
    }

    fn copy_from(&self, _: &File, _: u64, _: u64, _: u64) -> io::Result<u64> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn zero_at(&self, _: u64, _: u64) -> io::Result<()> {
        unreachable!("it starts empty")
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.note(Event::SetLen(len))
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.note(Event::Sync)
    }

    fn reopen(&self) -> io::Result<Arc<dyn BlockRead>> {
        let events = self.events.lock().unwrap();
        Ok(Arc::new(MemoryBackend::new(content(&events, |_| true))))
    }

    fn allocated_bytes(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn publish(&mut self) -> io::Result<()> {
        self.note(Event::Rename)
    }
}

/// The file after a power cut: what was flushed is there; of what came later, what `kept` says.
fn content(events: &[Event], kept: impl Fn(usize) -> bool) -> Vec<u8> {
    let flushed = events
        .iter()
        .rposition(|event| matches!(event, Event::Sync))
        .unwrap_or(0);
    let mut file = Vec::new();
    for (index, event) in events.iter().enumerate() {
        if index >= flushed && !kept(index) {
            continue;
        }
        match event {
            Event::Write { offset, bytes } => {
                let start = usize::try_from(*offset).unwrap();
                let end = start + bytes.len();
                file.resize(file.len().max(end), 0);
                file[start..end].copy_from_slice(bytes);
            }
            Event::SetLen(len) => file.resize(usize::try_from(*len).unwrap(), 0),
            Event::Sync | Event::Rename => {}
        }
    }
    file
}

fn raw(bytes: &[u8]) -> Image {
    let options = OpenOptions {
        format: Some(Format::Raw),
        ..OpenOptions::default()
    };
    let file = Arc::new(MemoryBackend::new(bytes.to_vec()));
    open_with(Path::new("source"), file, &ClosedGate, &options).unwrap()
}

/// Text, noise and zeroes.
fn disk() -> Vec<u8> {
    let mut bytes = vec![0; DISK];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = match index / (MIB / 2) {
            0 | 4 | 10 => b"one line after another\n"[index % 23],
            1 | 7 => {
                u8::try_from(index.wrapping_mul(index).wrapping_mul(2_654_435_761) >> 24 & 255)
                    .unwrap()
            }
            _ => 0,
        };
    }
    bytes
}

fn run(
    source: &Image,
    base: Option<&Image>,
    target: &Target,
    out: &mut Simulated,
) -> Result<(), ConvertError> {
    let options = ConvertOptions {
        zeroes: Zeroes::Detect,
        stamp: Some(STAMP),
        ..ConvertOptions::default()
    };
    let order = Order {
        source,
        base,
        target,
        virtual_size: source.reader.len_bytes(),
        options: &options,
        progress: &Unwatched,
    };
    let losses = Losses::new(options.on_unreadable);
    let walk = Walk::new(&source.stack, &losses, order.virtual_size);
    let data = walk.data_bytes().unwrap();
    let layout = target.layout(order.virtual_size, &STAMP)?;
    order
        .write(out, layout, &losses, data, || Ok(()))
        .map(|_| ())
}

#[track_caller]
fn is_whole(file: Vec<u8>, base: Option<&[u8]>, target: &Target, expect: &[u8]) {
    let options = OpenOptions {
        format: Some(target.format()),
        ..OpenOptions::default()
    };
    let file = Arc::new(MemoryBackend::new(file));
    let gate: &dyn Gate = match &base {
        Some(base) => &Lets(base),
        None => &ClosedGate,
    };
    let image = open_with(Path::new("copy"), file, gate, &options).unwrap();
    let mut bytes = vec![0; expect.len()];
    image.reader.read_exact_at(0, &mut bytes).unwrap();
    assert!(bytes == expect, "the content differs");
}

/// Lets one file through, which is in memory.
struct Lets<'a>(&'a [u8]);

impl Gate for Lets<'_> {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        Ok(Opened {
            reader: Arc::new(MemoryBackend::new(self.0.to_vec())),
            path: name.into(),
            gate: Box::new(ClosedGate),
        })
    }
}

fn check(target: &Target) {
    check_on(None, target);
}

/// Cuts the power after each event, with what was not flushed lost, kept, or kept in part.
fn check_on(base: Option<&[u8]>, target: &Target) {
    let bytes = disk();
    let source = raw(&bytes);
    let below = base.map(raw);
    let run = |out: &mut Simulated| run(&source, below.as_ref(), target, out);
    let is_whole = |file| is_whole(file, base, target, &bytes);
    let mut out = Simulated::new(usize::MAX);
    run(&mut out).unwrap();
    let events = out.events.into_inner().unwrap();
    assert!(events.len() > 3, "{}", events.len());
    let mut named = 0;
    for cut in 0..=events.len() {
        let until = &events[..cut];
        // A rename may reach the medium at once: nothing keeps it back.
        if !until.iter().any(|event| matches!(event, Event::Rename)) {
            continue;
        }
        named += 1;
        is_whole(content(until, |_| false));
        is_whole(content(until, |index| index % 2 == 0));
        is_whole(content(until, |_| true));
    }
    assert_eq!(named, 1, "the rename comes last");
    // And with a full disk at each event there is no rename.
    for fails_at in 0..events.len() {
        let mut out = Simulated::new(fails_at);
        let error = run(&mut out).unwrap_err();
        assert!(matches!(error, ConvertError::Full { .. }), "{error:?}");
        let events = out.events.into_inner().unwrap();
        assert!(!events.iter().any(|event| matches!(event, Event::Rename)));
    }
}

fn qcow2(compression: Option<Compression>) -> Target {
    Target::Qcow2(Qcow2Spec {
        compression,
        ..Qcow2Spec::default()
    })
}

#[test]
fn a_cut_leaves_no_half_raw_disk() {
    check(&Target::Raw);
}

#[test]
fn a_cut_leaves_no_half_qcow2_image() {
    check(&qcow2(None));
}

#[test]
fn a_cut_leaves_no_half_compressed_image() {
    check(&qcow2(Some(Compression::Zlib)));
    check(&qcow2(Some(Compression::Zstd)));
}

#[test]
fn a_cut_leaves_no_half_vhdx_image() {
    let block_bytes = 1 << 20;
    check(&Target::Vhdx(VhdxSpec {
        block_bytes,
        ..VhdxSpec::default()
    }));
}

#[test]
fn a_cut_leaves_no_half_vhd_image() {
    for kind in [VhdKind::Fixed, VhdKind::Dynamic] {
        check(&Target::Vhd(VhdSpec { kind }));
    }
}

#[test]
fn a_cut_leaves_no_half_overlay() {
    // Some of it is the same, some is zero in the one, some in the other.
    let mut base = disk();
    base[..MIB / 4].fill(0);
    base[MIB..2 * MIB].fill(7);
    for compression in [None, Some(Compression::Zlib)] {
        let target = Target::Qcow2(Qcow2Spec {
            compression,
            backing: Some(Qcow2Backing {
                path: "base".to_owned(),
                format: Format::Raw,
            }),
            ..Qcow2Spec::default()
        });
        check_on(Some(&base), &target);
    }
}

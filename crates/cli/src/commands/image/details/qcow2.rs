//! What a qcow2 file says of itself.

use detente_disk::{
    Compression, Qcow2Bitmap, Qcow2DataFile, Qcow2Details, Qcow2Encryption, Qcow2Snapshot,
    Qcow2Version,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Facts, Parent, time};
use crate::page::size;

/// Our document's details.
#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
struct Document<'a> {
    version: u32,
    compression: &'static str,
    extended_l2: bool,
    refcount_bits: u32,
    lazy_refcounts: bool,
    corrupt: bool,
    data_file: Option<DataFile<'a>>,
    encryption: Option<String>,
    snapshots: Vec<Snapshot<'a>>,
    bitmaps: Vec<Bitmap<'a>>,
    bitmaps_consistent: bool,
    broken: &'a [String],
}

/// The file that holds the guest's bytes.
#[derive(Serialize)]
struct DataFile<'a> {
    name: &'a str,
    raw: bool,
}

/// An internal snapshot.
#[derive(Serialize)]
struct Snapshot<'a> {
    id: &'a str,
    name: &'a str,
    taken_at: Option<String>,
    vm_clock_ns: u64,
    vm_state_bytes: u64,
    virtual_size_bytes: u64,
}

/// A bitmap of what was written.
#[derive(Serialize)]
struct Bitmap<'a> {
    name: &'a str,
    granularity_bytes: u64,
    in_use: bool,
    auto: bool,
}

pub(super) fn facts(details: &Qcow2Details) -> Facts {
    let mut facts = Facts::new(&document(details));
    facts.unit_bytes = Some(details.cluster_bytes);
    facts.dirty = details.marks.dirty;
    facts.encrypted = details.encryption.is_some();
    facts.parent = details.backing.as_ref().map(|backing| Parent {
        names: vec![backing.name.clone()],
        format: backing.format.clone(),
    });
    rows(&mut facts, details);
    facts.qemu = Some(qemu(details));
    facts.qemu_snapshots = details.snapshots.iter().map(qemu_snapshot).collect();
    facts
}

fn document(details: &Qcow2Details) -> Document<'_> {
    Document {
        version: version(details.version),
        compression: compression(details.compression),
        extended_l2: details.extended_l2,
        refcount_bits: details.refcount_bits,
        lazy_refcounts: details.marks.lazy_refcounts,
        corrupt: details.marks.corrupt,
        data_file: details.data_file.as_ref().map(|file| DataFile {
            name: &file.name,
            raw: file.raw,
        }),
        encryption: details.encryption.map(encryption),
        snapshots: details.snapshots.iter().map(snapshot).collect(),
        bitmaps: details.bitmaps.iter().map(bitmap).collect(),
        bitmaps_consistent: details.bitmaps_consistent,
        broken: &details.broken,
    }
}

fn version(version: Qcow2Version) -> u32 {
    match version {
        Qcow2Version::V2 => 2,
        Qcow2Version::V3 => 3,
    }
}

fn compression(compression: Compression) -> &'static str {
    match compression {
        Compression::Zlib => "zlib",
        Compression::Zstd => "zstd",
    }
}

fn encryption(encryption: Qcow2Encryption) -> String {
    match encryption {
        Qcow2Encryption::Aes => "aes".to_owned(),
        Qcow2Encryption::Luks => "luks".to_owned(),
        Qcow2Encryption::Unknown(method) => format!("method {method}"),
    }
}

fn snapshot(snapshot: &Qcow2Snapshot) -> Snapshot<'_> {
    Snapshot {
        id: &snapshot.id,
        name: &snapshot.name,
        taken_at: time(i64::from(snapshot.date_seconds)),
        vm_clock_ns: snapshot.vm_clock_nanoseconds,
        vm_state_bytes: snapshot.vm_state_bytes,
        virtual_size_bytes: snapshot.virtual_size,
    }
}

fn granularity(bitmap: &Qcow2Bitmap) -> u64 {
    1_u64
        .checked_shl(bitmap.granularity_bits.into())
        .unwrap_or(0)
}

fn bitmap(bitmap: &Qcow2Bitmap) -> Bitmap<'_> {
    Bitmap {
        name: &bitmap.name,
        granularity_bytes: granularity(bitmap),
        in_use: bitmap.in_use,
        auto: bitmap.auto,
    }
}

fn rows(facts: &mut Facts, details: &Qcow2Details) {
    facts.row("version", version(details.version).to_string());
    facts.row("compression", compression(details.compression));
    facts.row("refcounts", format!("{} bits", details.refcount_bits));
    for (name, there) in [
        ("extended L2", details.extended_l2),
        ("lazy refcounts", details.marks.lazy_refcounts),
        ("marked corrupt", details.marks.corrupt),
    ] {
        if there {
            facts.row(name, "yes");
        }
    }
    if let Some(Qcow2DataFile { name, raw }) = &details.data_file {
        let raw = if *raw { ", a raw image by itself" } else { "" };
        facts.row("data file", format!("{name}{raw}"));
    }
    if let Some(method) = details.encryption {
        facts.row("encryption", encryption(method));
    }
    for snapshot in &details.snapshots {
        let taken = time(i64::from(snapshot.date_seconds)).unwrap_or_default();
        let state = size(snapshot.vm_state_bytes);
        let (id, name) = (&snapshot.id, &snapshot.name);
        facts.row(
            "snapshot",
            format!("{id}  \"{name}\"  {taken}  {state} of machine state"),
        );
    }
    for bitmap in &details.bitmaps {
        let bit = size(granularity(bitmap));
        facts.row("bitmap", format!("\"{}\", a bit for {bit}", bitmap.name));
    }
    for fault in &details.broken {
        facts.row("broken", fault);
    }
}

/// QAPI's `ImageInfoSpecificQCow2`.
fn qemu(details: &Qcow2Details) -> Value {
    let compression = compression(details.compression);
    let mut data = match details.version {
        Qcow2Version::V2 => json!({ "compat": "0.10", "refcount-bits": details.refcount_bits }),
        Qcow2Version::V3 => json!({
            "compat": "1.1",
            "lazy-refcounts": details.marks.lazy_refcounts,
            "refcount-bits": details.refcount_bits,
            "corrupt": details.marks.corrupt,
            "extended-l2": details.extended_l2,
        }),
    };
    data["compression-type"] = json!(compression);
    if let Some(file) = &details.data_file {
        data["data-file"] = json!(file.name);
        data["data-file-raw"] = json!(file.raw);
    }
    if !details.bitmaps.is_empty() {
        data["bitmaps"] = details.bitmaps.iter().map(qemu_bitmap).collect();
    }
    if let Some(method) = details.encryption {
        data["encrypt"] = json!({ "format": encryption(method) });
    }
    data
}

fn qemu_bitmap(bitmap: &Qcow2Bitmap) -> Value {
    let flags = [(bitmap.in_use, "in-use"), (bitmap.auto, "auto")];
    let flags: Vec<_> = flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| name)
        .collect();
    json!({ "name": bitmap.name, "granularity": granularity(bitmap), "flags": flags })
}

/// QAPI's `SnapshotInfo`.
fn qemu_snapshot(snapshot: &Qcow2Snapshot) -> Value {
    const NANO: u64 = 1_000_000_000;
    let mut info = json!({
        "id": snapshot.id,
        "name": snapshot.name,
        "vm-state-size": snapshot.vm_state_bytes,
        "date-sec": snapshot.date_seconds,
        "date-nsec": snapshot.date_nanoseconds,
        "vm-clock-sec": snapshot.vm_clock_nanoseconds / NANO,
        "vm-clock-nsec": snapshot.vm_clock_nanoseconds % NANO,
    });
    if let Some(icount) = snapshot.icount {
        info["icount"] = json!(icount);
    }
    info
}

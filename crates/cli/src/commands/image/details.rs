//! What the formats have to say of their files, put into the words of our answers and of QEMU's.

mod qcow2;
mod vhd;
mod vhdx;
mod vmdk;

use detente_disk::{Details, Guid};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// What is said of one file beyond its sizes.
pub(super) struct Facts {
    /// What room is given in: a cluster, a block, a grain.
    pub(super) unit_bytes: Option<u64>,
    /// Whether it was not closed as it should have been.
    pub(super) dirty: bool,
    /// The file that it rests on.
    pub(super) parent: Option<Parent>,
    /// Further files that it is made of, as it names them.
    pub(super) extent_files: Vec<String>,
    /// Lines for people.
    pub(super) rows: Vec<(&'static str, String)>,
    /// Our document's `details`.
    pub(super) details: Value,
    /// `data` of QEMU's `format-specific`, where it has one.
    pub(super) qemu: Option<Value>,
    /// QEMU's `snapshots`, where there are some.
    pub(super) qemu_snapshots: Vec<Value>,
    /// QEMU's `encrypted`.
    pub(super) encrypted: bool,
}

/// The file that another one rests on, as that one names it.
pub(super) struct Parent {
    /// All its names, best first.
    pub(super) names: Vec<String>,
    /// Its format, as it is spelt.
    pub(super) format: Option<String>,
}

/// The facts of a file.
pub(super) fn facts(details: &Details) -> Facts {
    match details {
        Details::Raw => Facts::new(&json!({})),
        Details::Qcow2(details) => qcow2::facts(details),
        Details::Vhd(details) => vhd::facts(details),
        Details::Vhdx(details) => vhdx::facts(details),
        Details::Vmdk(details) => vmdk::facts(details),
        // A format that is not put into words yet.
        _ => Facts::new(&json!({})),
    }
}

impl Facts {
    /// Nothing but our document's details.
    fn new(details: &impl Serialize) -> Self {
        Self {
            unit_bytes: None,
            dirty: false,
            parent: None,
            extent_files: Vec::new(),
            rows: Vec::new(),
            details: serde_json::to_value(details).expect("names and numbers make JSON"),
            qemu: None,
            qemu_snapshots: Vec::new(),
            encrypted: false,
        }
    }

    /// Adds a line for people.
    fn row(&mut self, name: &'static str, value: impl Into<String>) {
        self.rows.push((name, value.into()));
    }
}

/// A time as RFC 3339 has it; nothing if no calendar has it.
fn time(unix_seconds: i64) -> Option<String> {
    let time = Timestamp::from_second(unix_seconds).ok()?;
    Some(time.to_string())
}

/// An id in the usual digits and hyphens.
fn id(guid: Guid) -> String {
    guid.to_string()
}

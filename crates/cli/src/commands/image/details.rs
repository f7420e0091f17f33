//! What the formats have to say of their files, put into the words of our answers and of QEMU's.

use detente_disk::{Details, Format};
use serde_json::{Map, Value};

/// What is said of one file beyond its sizes.
#[derive(Default)]
pub(super) struct Facts {
    /// What room is given in: a cluster, a block, a grain.
    pub(super) unit_bytes: Option<u64>,
    /// Whether it was not closed as it should have been.
    pub(super) dirty: bool,
    /// The file that it rests on.
    pub(super) parent: Option<Parent>,
    /// Lines for people.
    pub(super) rows: Vec<(&'static str, String)>,
    /// Our document's `details`.
    pub(super) details: Map<String, Value>,
    /// `data` of QEMU's `format-specific`, where it has one.
    pub(super) qemu: Option<Value>,
    /// QEMU's `snapshots`, where there are some.
    pub(super) qemu_snapshots: Vec<Value>,
}

/// The file that another one rests on, as that one names it.
pub(super) struct Parent {
    /// All its names, best first.
    pub(super) names: Vec<String>,
    /// Its format, if it is stated.
    pub(super) format: Option<Format>,
}

/// The facts of a file.
pub(super) fn facts(details: &Details) -> Facts {
    match details {
        Details::Raw => Facts::default(),
        // The formats differ much: what a later one has to say is left out until it is put here.
        _ => Facts::default(),
    }
}

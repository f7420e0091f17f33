//! What a VHDX file says of itself.

use detente_disk::{VhdxDetails, VhdxLog};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Facts, Parent, id};

/// Our document's details.
#[derive(Serialize)]
struct Document<'a> {
    allocation: &'static str,
    creator: &'a str,
    version: u16,
    leave_blocks_allocated: bool,
    logical_sector_bytes: u32,
    physical_sector_bytes: u32,
    sequence_number: u64,
    file_write_guid: String,
    data_write_guid: String,
    virtual_disk_id: String,
    log_bytes: u32,
    log_entries: usize,
    log_writes: usize,
    parent_locator: Map<String, Value>,
}

pub(super) fn facts(details: &VhdxDetails) -> Facts {
    let (entries, writes) = log(details);
    let mut facts = Facts::new(&document(details));
    facts.unit_bytes = Some(u64::from(details.block_bytes));
    facts.dirty = entries > 0;
    facts.parent = parent(details);
    facts.row("kind", details.allocation.name());
    let (logical, physical) = (details.logical_sector_bytes, details.physical_sector_bytes);
    facts.row(
        "sectors",
        format!("{logical} bytes, {physical} on the medium"),
    );
    if !details.creator.is_empty() {
        facts.row("made by", details.creator.clone());
    }
    facts.row("disk id", id(details.virtual_disk_id));
    facts.row("content id", id(details.data_write_guid));
    let log = match entries {
        0 => "empty".to_owned(),
        _ => format!("{entries} entries, {writes} writes: replayed in memory"),
    };
    facts.row("log", log);
    facts
}

fn log(details: &VhdxDetails) -> (usize, usize) {
    match details.log {
        VhdxLog::Empty => (0, 0),
        VhdxLog::Replayed { entries, writes } => (entries, writes),
    }
}

fn document(details: &VhdxDetails) -> Document<'_> {
    let (log_entries, log_writes) = log(details);
    let locator = details.parent_locator.iter();
    Document {
        allocation: details.allocation.name(),
        creator: &details.creator,
        version: details.version,
        leave_blocks_allocated: details.leave_blocks_allocated,
        logical_sector_bytes: details.logical_sector_bytes,
        physical_sector_bytes: details.physical_sector_bytes,
        sequence_number: details.sequence_number,
        file_write_guid: id(details.file_write_guid),
        data_write_guid: id(details.data_write_guid),
        virtual_disk_id: id(details.virtual_disk_id),
        log_bytes: details.log_bytes,
        log_entries,
        log_writes,
        parent_locator: locator
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect(),
    }
}

/// \[MS-VHDX\] 2.6.2.6.3: the relative path is tried first.
fn parent(details: &VhdxDetails) -> Option<Parent> {
    let keys = ["relative_path", "volume_path", "absolute_win32_path"];
    let names: Vec<String> = keys
        .iter()
        .filter_map(|key| {
            let mut entries = details.parent_locator.iter();
            entries.find(|(name, _)| name == key)
        })
        .map(|(_, value)| value.clone())
        .collect();
    if names.is_empty() {
        return None;
    }
    Some(Parent {
        names,
        format: Some("vhdx".to_owned()),
    })
}

//! What a VHD file says of itself.

use std::fmt::Write as _;

use detente_disk::{VhdDetails, VhdDiskType, VhdSizeRule};
use serde::Serialize;

use super::{Facts, Parent, time};
use crate::page::size;

/// 2000-01-01T00:00:00Z, from which VHD counts, in seconds since 1970.
const EPOCH: i64 = 946_684_800;

/// Our document's details.
#[derive(Serialize)]
struct Document {
    disk_type: &'static str,
    creator_application: String,
    creator_version: String,
    creator_host_os: String,
    original_size_bytes: u64,
    current_size_bytes: u64,
    cylinders: u16,
    heads: u8,
    sectors_per_track: u8,
    size_rule: &'static str,
    unique_id: String,
    created_at: Option<String>,
    temporary: bool,
    saved_state: bool,
    parent_id: Option<String>,
}

pub(super) fn facts(details: &VhdDetails) -> Facts {
    let document = document(details);
    let mut facts = Facts::new(&document);
    facts.unit_bytes = details.block_bytes.map(u64::from);
    facts.parent = details.parent.as_ref().map(|parent| Parent {
        names: parent.names.clone(),
        format: None,
    });
    facts.row("kind", document.disk_type);
    let (creator, version) = (document.creator_application, document.creator_version);
    let made = document.created_at.unwrap_or_default();
    facts.row("made by", format!("\"{creator}\" {version}, {made}"));
    let (cylinders, heads) = (document.cylinders, document.heads);
    let sectors = document.sectors_per_track;
    facts.row(
        "geometry",
        format!("{cylinders} cylinders, {heads} heads, {sectors} sectors"),
    );
    let rule = match details.size_rule {
        VhdSizeRule::Geometry => "the geometry, as its maker has it",
        VhdSizeRule::CurrentSize => "the current size, as its maker has it",
    };
    facts.row(
        "size is",
        format!("{rule} ({} is stated)", size(details.current_size)),
    );
    facts.row("id", document.unique_id);
    if details.saved_state {
        facts.row("saved state", "yes: a machine was suspended with it");
    }
    facts
}

fn document(details: &VhdDetails) -> Document {
    Document {
        disk_type: match details.disk_type {
            VhdDiskType::Fixed => "fixed",
            VhdDiskType::Dynamic => "dynamic",
            VhdDiskType::Differencing => "differencing",
        },
        creator_application: characters(details.creator_application),
        creator_version: version(details.creator_version),
        creator_host_os: characters(details.creator_host_os),
        original_size_bytes: details.original_size,
        current_size_bytes: details.current_size,
        cylinders: details.geometry.cylinders,
        heads: details.geometry.heads,
        sectors_per_track: details.geometry.sectors_per_track,
        size_rule: match details.size_rule {
            VhdSizeRule::Geometry => "geometry",
            VhdSizeRule::CurrentSize => "current_size",
        },
        unique_id: id(details.unique_id),
        created_at: time(EPOCH.saturating_add(i64::from(details.timestamp))),
        temporary: details.temporary,
        saved_state: details.saved_state,
        parent_id: details.parent.as_ref().map(|parent| id(parent.unique_id)),
    }
}

/// Four characters, the blanks that fill them left out.
fn characters(bytes: [u8; 4]) -> String {
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

/// The major number in the upper half, the minor one in the lower.
fn version(number: u32) -> String {
    format!("{}.{}", number >> 16, number & 0xffff)
}

/// VHD's ids stand in the order of their digits.
fn id(bytes: [u8; 16]) -> String {
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_times_and_versions_are_put_in_the_usual_form() {
        let bytes: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(id(bytes), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(version(0x000a_0003), "10.3");
        assert_eq!(characters(*b"win "), "win");
        // `date -u -d @946684800`
        assert_eq!(time(EPOCH).unwrap(), "2000-01-01T00:00:00Z");
    }
}

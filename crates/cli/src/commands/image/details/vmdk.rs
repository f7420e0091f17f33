//! What a VMDK file says of itself.

use detente_disk::{VmdkDetails, VmdkExtent};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Facts, Parent};
use crate::page::size;

/// `parentCID` of a disk that rests on no other (VMware's "Virtual Disk Format 5.0").
const NO_PARENT: u32 = u32::MAX;

/// Our document's details.
#[derive(Serialize)]
struct Document<'a> {
    create_type: Option<&'a str>,
    content_id: Option<u32>,
    parent_content_id: Option<u32>,
    extents: Vec<Extent<'a>>,
}

/// What a disk is made of.
#[derive(Serialize)]
struct Extent<'a> {
    kind: &'a str,
    file: Option<&'a str>,
    virtual_size_bytes: u64,
    grain_bytes: Option<u64>,
    compressed: bool,
}

pub(super) fn facts(details: &VmdkDetails) -> Facts {
    let mut facts = Facts::new(&Document {
        create_type: details.create_type.as_deref(),
        content_id: details.content_id,
        parent_content_id: details.parent_content_id,
        extents: details.extents.iter().map(extent).collect(),
    });
    facts.unit_bytes = details.extents.first().and_then(|first| first.grain_bytes);
    let names = details
        .extents
        .iter()
        .filter_map(|extent| extent.name.clone());
    facts.extent_files = names.collect();
    facts.extent_files.dedup();
    facts.parent = details.parent_name.as_ref().map(|name| Parent {
        names: vec![name.clone()],
        format: Some("vmdk".to_owned()),
    });
    facts.row(
        "kind",
        details.create_type.as_deref().unwrap_or("not stated"),
    );
    if let Some(id) = details.content_id {
        facts.row("content id", format!("{id:08x}"));
    }
    for extent in &details.extents {
        let name = extent.name.as_deref().unwrap_or("in this file");
        let packed = if extent.compressed {
            ", compressed"
        } else {
            ""
        };
        let len = size(extent.virtual_bytes);
        facts.row("extent", format!("{} {len}, {name}{packed}", extent.kind));
    }
    facts.qemu = Some(qemu(details));
    facts
}

fn extent(extent: &VmdkExtent) -> Extent<'_> {
    Extent {
        kind: extent.kind,
        file: extent.name.as_deref(),
        virtual_size_bytes: extent.virtual_bytes,
        grain_bytes: extent.grain_bytes,
        compressed: extent.compressed,
    }
}

/// QAPI's `ImageInfoSpecificVmdk`; the names of extents are put in by who knows the folder.
fn qemu(details: &VmdkDetails) -> Value {
    let extents: Vec<Value> = details.extents.iter().map(qemu_extent).collect();
    json!({
        "cid": details.content_id.unwrap_or(0),
        "parent-cid": details.parent_content_id.unwrap_or(NO_PARENT),
        "create-type": details.create_type.as_deref().unwrap_or(""),
        "extents": extents,
    })
}

fn qemu_extent(extent: &VmdkExtent) -> Value {
    let mut info = json!({
        "virtual-size": extent.virtual_bytes,
        "filename": extent.name,
        // QEMU knows the kinds that a descriptor of its own file states.
        "format": if extent.name.is_some() { extent.kind } else { "" },
    });
    if let Some(grain) = extent.grain_bytes {
        info["cluster-size"] = json!(grain);
    }
    if extent.compressed {
        info["compressed"] = json!(true);
    }
    info
}

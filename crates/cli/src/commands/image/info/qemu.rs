//! The answer as `qemu-img info --output json` gives it (QAPI's `ImageInfo`, QEMU 7.2 to 10).

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Described, full_parent_name};

/// `qemu-img` gives an object for an image, and an array for a chain. Several images are an array,
/// too.
pub(super) fn document(chains: &[Vec<Described>], chain: bool) -> Value {
    let mut infos = chains.iter().flatten().map(info);
    if chain || chains.len() > 1 {
        return infos.collect();
    }
    infos.next().unwrap_or(Value::Null)
}

fn info(file: &Described) -> Value {
    let mut info = Map::new();
    let mut put = |name: &str, value: Value| info.insert(name.to_owned(), value);
    let format = file.layer.format.qemu_name();
    put("children", json!([child(file)]));
    put("virtual-size", json!(file.layer.virtual_size));
    put("filename", json!(name(&file.name)));
    if let Some(unit) = file.facts.unit_bytes {
        put("cluster-size", json!(unit));
    }
    put("format", json!(format));
    put("actual-size", json!(file.allocated_bytes));
    if let Some(data) = &file.facts.qemu {
        let mut data = data.clone();
        name_extents(&mut data, &file.name);
        put("format-specific", json!({ "type": format, "data": data }));
    }
    if let Some(parent) = &file.facts.parent {
        put("backing-filename", json!(parent.names.first()));
        put(
            "full-backing-filename",
            json!(full_parent_name(file).as_deref().map(name)),
        );
        if let Some(format) = &parent.format {
            put("backing-filename-format", json!(format));
        }
    }
    if file.facts.encrypted {
        put("encrypted", json!(true));
    }
    if !file.facts.qemu_snapshots.is_empty() {
        put("snapshots", json!(file.facts.qemu_snapshots));
    }
    put("dirty-flag", json!(file.facts.dirty));
    Value::Object(info)
}

/// QEMU's node below the format's: the file as such (since QEMU 8.0).
fn child(file: &Described) -> Value {
    json!({
        "name": "file",
        "info": {
            "children": [],
            "virtual-size": file.file_bytes.next_multiple_of(512),
            "filename": name(&file.name),
            "format": "file",
            "actual-size": file.allocated_bytes,
            "format-specific": { "type": "file", "data": {} },
            "dirty-flag": false,
        },
    })
}

/// Extents are named from where we are, too.
fn name_extents(data: &mut Value, image: &Path) {
    let extents = data.get_mut("extents").and_then(Value::as_array_mut);
    let folder = image.parent().unwrap_or_else(|| Path::new(""));
    for extent in extents.into_iter().flatten() {
        let file = match extent.get("filename").and_then(Value::as_str) {
            Some(file) => folder.join(file),
            None => image.to_path_buf(),
        };
        extent["filename"] = json!(name(&file));
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

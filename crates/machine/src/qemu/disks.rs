//! Disks: every file of a chain is a node that we name, so that QEMU opens no file by itself.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use super::{Arguments, key_value};
use crate::{DiskBus, DiskFile, DiskSpec, ImageFormat, MachineSpec};

/// Ports of q35's own SATA controller, and of each that we add.
const SATA_PORTS: usize = 6;

/// Adds the nodes and devices of every disk.
pub(super) fn add(arguments: &mut Arguments, spec: &MachineSpec) {
    let mut sata_disks = 0;
    for (index, disk) in spec.disks.iter().enumerate() {
        let name = format!("disk{index}");
        add_chain(arguments, &name, disk);
        match disk.bus {
            DiskBus::Virtio => add_virtio(arguments, &name, disk),
            // QEMU has no such controller.
            DiskBus::Vmbus => {}
            DiskBus::Sata => {
                add_sata(arguments, &name, disk, sata_disks);
                sata_disks += 1;
            }
        }
    }
}

/// From the bottom up, as QEMU wants a node to exist before another names it.
fn add_chain(arguments: &mut Arguments, disk: &str, spec: &DiskSpec) {
    let mut below = Value::Null;
    for (depth, file) in reachable(&spec.chain).iter().enumerate().rev() {
        let name = format!("{disk}-layer{depth}");
        add_file(arguments, &name, &file.path, Access::ReadOnly);
        let mut node = json!({
            "node-name": name,
            "read-only": true,
            "file": format!("{name}-file"),
        });
        match file.format {
            ImageFormat::Raw => node["driver"] = json!("raw"),
            ImageFormat::Qcow2 => {
                node["driver"] = json!("qcow2");
                node["backing"] = below;
            }
        }
        arguments.pair("-blockdev", node.to_string());
        below = json!(name);
    }
    add_file(arguments, disk, &spec.overlay, Access::ReadWrite);
    let overlay = json!({
        "node-name": disk,
        "driver": "qcow2",
        "discard": "unmap",
        "file": format!("{disk}-file"),
        // Null says "none", whatever the file's own header claims.
        "backing": below,
    });
    arguments.pair("-blockdev", overlay.to_string());
}

/// A raw file backs onto nothing: what is listed below one belongs to nobody and is not opened.
fn reachable(chain: &[DiskFile]) -> &[DiskFile] {
    let end = chain
        .iter()
        .position(|file| file.format == ImageFormat::Raw)
        .map_or(chain.len(), |index| index + 1);
    &chain[..end]
}

enum Access {
    ReadOnly,
    ReadWrite,
}

/// Key-value syntax, not JSON: a path need not be UTF-8, and only commas are special.
fn add_file(arguments: &mut Arguments, node: &str, path: &Path, access: Access) {
    let access = match access {
        Access::ReadOnly => "read-only=on",
        Access::ReadWrite => "discard=unmap",
    };
    let mut value = OsString::from(format!("driver=file,node-name={node}-file,{access},"));
    value.push(key_value("filename", path.as_os_str()));
    arguments.pair("-blockdev", value);
}

fn add_virtio(arguments: &mut Arguments, disk: &str, spec: &DiskSpec) {
    let mut value = OsString::from(format!("virtio-blk-pci,drive={disk},write-cache=on,"));
    value.push(key_value("serial", spec.serial.as_ref()));
    arguments.pair("-device", value);
}

fn add_sata(arguments: &mut Arguments, disk: &str, spec: &DiskSpec, earlier: usize) {
    let port = earlier % SATA_PORTS;
    let bus = match earlier / SATA_PORTS {
        0 => format!("ide.{port}"),
        controller => {
            if port == 0 {
                arguments.pair("-device", format!("ahci,id=sata{controller}"));
            }
            format!("sata{controller}.{port}")
        }
    };
    let mut value = OsString::from(format!("ide-hd,drive={disk},bus={bus},write-cache=on,"));
    value.push(key_value("serial", spec.serial.as_ref()));
    arguments.pair("-device", value);
}

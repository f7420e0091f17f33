//! Disks: every file of a chain, or the socket where the guest's view is served, is a node that we
//! name, so that QEMU opens no file by itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Arguments, key_value};
use crate::{DiskBelow, DiskBus, DiskFile, Firmware, ImageFormat, LaunchDisk, LaunchSpec};

/// Ports of q35's own SATA controller, and of each that we add.
const SATA_PORTS: usize = 6;

/// Adds the nodes and devices of every disk.
pub(super) fn add(arguments: &mut Arguments, spec: &LaunchSpec) {
    let mut sata_disks = 0;
    // Only firmware looks for a disk to boot from.
    let firmware = spec.extras.firmware != Firmware::DirectBoot;
    for (index, disk) in spec.disks.iter().enumerate() {
        let name = format!("disk{index}");
        let first = if firmware && index == 0 {
            ",bootindex=0"
        } else {
            ""
        };
        add_chain(arguments, &name, disk);
        match disk.bus {
            DiskBus::Virtio => {
                add_on_pci(
                    arguments,
                    &format!("virtio-blk-pci,drive={name}{first}"),
                    disk,
                );
            }
            DiskBus::Nvme => add_on_pci(arguments, &format!("nvme,drive={name}{first}"), disk),
            // QEMU has no such controller.
            DiskBus::Vmbus => {}
            DiskBus::Sata => {
                add_sata(arguments, &format!("{name}{first}"), disk, sata_disks);
                sata_disks += 1;
            }
        }
    }
}

/// From the bottom up, as QEMU wants a node to exist before another names it.
fn add_chain(arguments: &mut Arguments, disk: &str, spec: &LaunchDisk) {
    for node in nodes(disk, spec) {
        match node {
            // Key-value syntax, not JSON: a path need not be UTF-8, and only commas are special.
            Node::File { name, path, access } => {
                let access = access.option();
                let start = format!("driver=file,node-name={name},{access},");
                let mut value = OsString::from(start);
                value.push(key_value("filename", path.as_os_str()));
                arguments.pair("-blockdev", value);
            }
            Node::Socket { name, path } => {
                let start = format!("driver=nbd,node-name={name},read-only=on,server.type=unix,");
                let mut value = OsString::from(start);
                value.push(key_value("server.path", path.as_os_str()));
                arguments.pair("-blockdev", value);
            }
            Node::Format(node) => arguments.pair("-blockdev", node.to_string()),
        }
    }
}

/// The nodes of a disk for QMP's `blockdev-add`, in order. The last one is named `disk`, and the
/// others' names start so.
///
/// # Errors
/// The path that is no UTF-8: QMP cannot carry it.
pub fn hotplug_nodes(disk: &str, spec: &LaunchDisk) -> Result<Vec<Value>, PathBuf> {
    nodes(disk, spec)
        .into_iter()
        .map(|node| match node {
            Node::Format(node) => Ok(node),
            Node::File { name, path, access } => {
                let path = path.to_str().ok_or_else(|| path.to_owned())?;
                Ok(hotplug_file(&name, path, access))
            }
            Node::Socket { name, path } => {
                let path = path.to_str().ok_or_else(|| path.to_owned())?;
                Ok(json!({
                    "node-name": name,
                    "driver": "nbd",
                    "read-only": true,
                    "server": { "type": "unix", "path": path },
                }))
            }
        })
        .collect()
}

/// The nodes of a raw file that is only read, named as [`hotplug_nodes`] names them.
#[must_use]
pub fn hotplug_raw(disk: &str, path: &str) -> Vec<Value> {
    let file = format!("{disk}-file");
    let format = json!({
        "node-name": disk,
        "driver": "raw",
        "read-only": true,
        "file": file,
    });
    vec![hotplug_file(&file, path, Access::ReadOnly), format]
}

fn hotplug_file(name: &str, path: &str, access: Access) -> Value {
    let mut node = json!({
        "node-name": name,
        "driver": "file",
        "filename": path,
    });
    match access {
        Access::ReadOnly => node["read-only"] = json!(true),
        Access::ReadWrite => {
            node["discard"] = json!("unmap");
            // The overlay is thrown away: nothing of it need reach the disk.
            node["cache"] = json!({ "no-flush": true });
        }
    }
    node
}

/// A node of QEMU's block graph.
enum Node<'a> {
    File {
        name: String,
        path: &'a Path,
        access: Access,
    },
    /// What is served over NBD, as bytes: no format lies above it.
    Socket {
        name: String,
        path: &'a Path,
    },
    Format(Value),
}

fn nodes<'a>(disk: &str, spec: &'a LaunchDisk) -> Vec<Node<'a>> {
    let (mut nodes, below) = match &spec.below {
        DiskBelow::Files(chain) => chain_nodes(disk, chain),
        DiskBelow::Nbd { socket, .. } => {
            let name = format!("{disk}-layer0");
            let below = json!(name);
            (vec![Node::Socket { name, path: socket }], below)
        }
    };
    nodes.push(Node::File {
        name: format!("{disk}-file"),
        path: &spec.overlay,
        access: Access::ReadWrite,
    });
    nodes.push(Node::Format(json!({
        "node-name": disk,
        "driver": "qcow2",
        "discard": "unmap",
        "file": format!("{disk}-file"),
        // Null says "none", whatever the file's own header claims.
        "backing": below,
    })));
    nodes
}

/// The nodes of a chain, and the name of the top one; null where there is none.
fn chain_nodes<'a>(disk: &str, chain: &'a [DiskFile]) -> (Vec<Node<'a>>, Value) {
    let mut nodes = Vec::new();
    let mut below = Value::Null;
    for (depth, file) in reachable(chain).iter().enumerate().rev() {
        let name = format!("{disk}-layer{depth}");
        nodes.push(Node::File {
            name: format!("{name}-file"),
            path: &file.path,
            access: Access::ReadOnly,
        });
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
        nodes.push(Node::Format(node));
        below = json!(name);
    }
    (nodes, below)
}

/// A raw file backs onto nothing: what is listed below one belongs to nobody and is not opened.
fn reachable(chain: &[DiskFile]) -> &[DiskFile] {
    let end = chain
        .iter()
        .position(|file| file.format == ImageFormat::Raw)
        .map_or(chain.len(), |index| index + 1);
    &chain[..end]
}

#[derive(Debug, Clone, Copy)]
enum Access {
    ReadOnly,
    ReadWrite,
}

impl Access {
    fn option(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only=on",
            Self::ReadWrite => "discard=unmap",
        }
    }
}

fn add_on_pci(arguments: &mut Arguments, device: &str, spec: &LaunchDisk) {
    let mut value = OsString::from(format!("{device},write-cache=on,"));
    value.push(key_value("serial", spec.serial.as_ref()));
    arguments.pair("-device", value);
}

fn add_sata(arguments: &mut Arguments, disk: &str, spec: &LaunchDisk, earlier: usize) {
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

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn disk() -> LaunchDisk {
        let file = |path: &str, format| DiskFile {
            path: path.into(),
            format,
        };
        LaunchDisk {
            overlay: "/runs/overlay".into(),
            below: DiskBelow::Files(vec![
                file("/images/top.qcow2", ImageFormat::Qcow2),
                file("/images/base.raw", ImageFormat::Raw),
                file("/images/nobodys", ImageFormat::Raw),
            ]),
            bus: DiskBus::Vmbus,
            serial: "1".to_owned(),
        }
    }

    /// What QEMU's qapi/block-core.json calls the fields.
    #[test]
    fn a_plugged_in_disk_is_its_overlay_over_a_chain_that_is_only_read() {
        let nodes = hotplug_nodes("m1d0", &disk()).unwrap();
        let expected = json!([
            { "node-name": "m1d0-layer1-file", "driver": "file", "filename": "/images/base.raw", "read-only": true },
            { "node-name": "m1d0-layer1", "driver": "raw", "read-only": true, "file": "m1d0-layer1-file" },
            { "node-name": "m1d0-layer0-file", "driver": "file", "filename": "/images/top.qcow2", "read-only": true },
            { "node-name": "m1d0-layer0", "driver": "qcow2", "read-only": true, "file": "m1d0-layer0-file",
              "backing": "m1d0-layer1" },
            { "node-name": "m1d0-file", "driver": "file", "filename": "/runs/overlay", "discard": "unmap",
              "cache": { "no-flush": true } },
            { "node-name": "m1d0", "driver": "qcow2", "discard": "unmap", "file": "m1d0-file",
              "backing": "m1d0-layer0" },
        ]);
        assert_eq!(Value::Array(nodes), expected);
    }

    /// The same, of BlockdevOptionsNbd.
    #[test]
    fn a_plugged_in_disk_of_another_format_comes_over_a_socket() {
        let mut disk = disk();
        disk.below = DiskBelow::Nbd {
            socket: "/runs/disk0.nbd".into(),
            files: vec!["/images/disk.vhdx".into()],
        };
        let nodes = hotplug_nodes("m1d0", &disk).unwrap();
        let expected = json!([
            { "node-name": "m1d0-layer0", "driver": "nbd", "read-only": true,
              "server": { "type": "unix", "path": "/runs/disk0.nbd" } },
            { "node-name": "m1d0-file", "driver": "file", "filename": "/runs/overlay", "discard": "unmap",
              "cache": { "no-flush": true } },
            { "node-name": "m1d0", "driver": "qcow2", "discard": "unmap", "file": "m1d0-file",
              "backing": "m1d0-layer0" },
        ]);
        assert_eq!(Value::Array(nodes), expected);
    }

    #[test]
    fn a_name_that_is_no_utf8_cannot_be_plugged_in() {
        let path = PathBuf::from(OsString::from_vec(b"/images/\xff".to_vec()));
        for below in [
            DiskBelow::Files(vec![DiskFile {
                path: path.clone(),
                format: ImageFormat::Raw,
            }]),
            DiskBelow::Nbd {
                socket: path.clone(),
                files: Vec::new(),
            },
        ] {
            let disk = LaunchDisk { below, ..disk() };
            assert_eq!(hotplug_nodes("m1d0", &disk), Err(path.clone()));
        }
    }
}

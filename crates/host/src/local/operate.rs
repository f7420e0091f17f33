//! What is done to a machine in QEMU while it runs, by QMP (QEMU's qapi/*.json).

use std::path::Path;
use std::time::{Duration, Instant};

use detente_machine::qemu::slot;
use serde_json::{Value, json};

use super::qmp::QmpError;
use crate::{DiskSource, HostError, Operated, Operation};

const MIB: u64 = 1024 * 1024;

/// A processor that may be plugged in needs a place that is empty: `query-hotpluggable-cpus`.
const NO_PLACE: &str = "every processor that there may be is there";

/// What the state that is kept, and the job that keeps it, are called.
const STATE: &str = "detente";

/// How long it may take to keep or to find the state of a machine, and how often it is looked at.
const STATE_LIMIT: Duration = Duration::from_secs(300);
const STATE_LOOK: Duration = Duration::from_millis(200);

/// Asks the monitor.
pub(super) type Ask<'a> = dyn FnMut(&str, Value) -> Result<Value, QmpError> + 'a;

/// Does it.
pub(super) fn operate(ask: &mut Ask<'_>, operation: &Operation) -> Result<Operated, HostError> {
    let action = action(operation);
    carry_out(ask, operation, action).map_err(|error| match error {
        Failure::Monitor(error) => error.during(action),
        Failure::Other(detail) => HostError::Failed { action, detail },
    })
}

/// Why not.
enum Failure {
    Monitor(QmpError),
    Other(String),
}

impl From<QmpError> for Failure {
    fn from(error: QmpError) -> Self {
        Self::Monitor(error)
    }
}

fn carry_out(
    ask: &mut Ask<'_>,
    operation: &Operation,
    action: &'static str,
) -> Result<Operated, Failure> {
    let done = match operation {
        Operation::Pause => ask("stop", json!({})),
        Operation::Resume => ask("cont", json!({})),
        Operation::Reset => ask("system_reset", json!({})),
        Operation::InjectNmi => ask("inject-nmi", json!({})),
        Operation::PressCtrlAltDelete => ask("send-key", json!({ "keys": ctrl_alt_delete() })),
        Operation::SaveState { disks } => return state(ask, "snapshot-save", *disks),
        Operation::RestoreState { disks } => return restore(ask, *disks),
        Operation::SetLink { up } => ask("set_link", json!({ "name": "net0", "up": up })),
        Operation::PlugDisk {
            name,
            source,
            read_only,
            discards,
            serial,
            slot,
        } => {
            let access = Access {
                read_only: *read_only,
                discards: *discards,
            };
            ask("blockdev-add", node(name, source, access)?)?;
            return plug_disk(ask, name, serial, *slot);
        }
        Operation::GrowDisk { name, bytes } => {
            ask("block_resize", json!({ "node-name": name, "size": bytes }))
        }
        Operation::UnplugDisk { name } => ask("device_del", json!({ "id": device(name) })),
        Operation::ForgetDisk { name } => ask("blockdev-del", json!({ "node-name": name })),
        Operation::PlugCard { name, mac, slot } => return plug_card(ask, name, *mac, *slot),
        Operation::UnplugCard { name } => ask("device_del", json!({ "id": device(name) })),
        Operation::PlugProcessor => return plug_processor(ask),
        Operation::PlugMemory { mib } => return plug_memory(ask, *mib),
        Operation::SetMemory { mib } => ask("balloon", json!({ "value": mib.saturating_mul(MIB) })),
        Operation::ReadMemory => return number(&ask("query-balloon", json!({}))?, action),
        Operation::ReadStored { name } => return stored(ask, name, action),
        Operation::Snapshot { disk, overlay } => return snapshot(ask, *disk, overlay),
    };
    done?;
    Ok(Operated::Done)
}

/// The name of the device above a node.
fn device(name: &str) -> String {
    format!("{name}-device")
}

/// What may be done with a node.
#[derive(Clone, Copy)]
struct Access {
    read_only: bool,
    discards: bool,
}

/// A node of raw bytes.
fn node(name: &str, source: &DiskSource, access: Access) -> Result<Value, Failure> {
    let discard = if access.discards { "unmap" } else { "ignore" };
    let below = match source {
        DiskSource::File(file) => json!({
            "driver": "file",
            "filename": text(file)?,
            "discard": discard,
        }),
        DiskSource::Socket(socket) => json!({
            "driver": "nbd",
            "server": { "type": "unix", "path": text(socket)? },
            "discard": discard,
        }),
    };
    Ok(json!({
        "node-name": name,
        "driver": "raw",
        "read-only": access.read_only,
        "discard": discard,
        "file": below,
    }))
}

fn plug_disk(ask: &mut Ask<'_>, name: &str, serial: &str, place: u8) -> Result<Operated, Failure> {
    let plugged = ask(
        "device_add",
        json!({
            "driver": "virtio-blk-pci",
            "id": device(name),
            "drive": name,
            "bus": slot(place),
            "serial": serial,
        }),
    );
    if let Err(error) = plugged {
        // The node would stay, and its file with it.
        let _ = ask("blockdev-del", json!({ "node-name": name }));
        return Err(error.into());
    }
    Ok(Operated::Done)
}

fn ctrl_alt_delete() -> Value {
    let keys = ["ctrl", "alt", "delete"];
    keys.iter()
        .map(|key| json!({ "type": "qcode", "data": key }))
        .collect()
}

/// Goes back to the state that was kept, and lets go of it.
fn restore(ask: &mut Ask<'_>, disks: usize) -> Result<Operated, Failure> {
    // A machine that runs cannot be told what it was.
    ask("stop", json!({}))?;
    state(ask, "snapshot-load", disks)?;
    state(ask, "snapshot-delete", disks)?;
    ask("cont", json!({}))?;
    Ok(Operated::Done)
}

/// A job with the state of the machine (QEMU, qapi/migration.json), to its end.
fn state(ask: &mut Ask<'_>, command: &str, disks: usize) -> Result<Operated, Failure> {
    let nodes: Vec<String> = (0..disks).map(|disk| format!("disk{disk}")).collect();
    let mut order = json!({ "job-id": STATE, "tag": STATE, "devices": nodes });
    if command != "snapshot-delete" {
        order["vmstate"] = json!(nodes.first());
    }
    ask(command, order)?;
    let begun = Instant::now();
    while begun.elapsed() < STATE_LIMIT {
        let jobs = ask("query-jobs", json!({}))?;
        let mut jobs = jobs.as_array().into_iter().flatten();
        let job = jobs.find(|job| job["id"] == STATE);
        if job.is_none_or(|job| job["status"] == "concluded") {
            let error = job.and_then(|job| job["error"].as_str()).map(str::to_owned);
            if job.is_some() {
                ask("job-dismiss", json!({ "id": STATE }))?;
            }
            return match error {
                Some(why) => Err(Failure::Other(why)),
                None => Ok(Operated::Done),
            };
        }
        std::thread::sleep(STATE_LOOK);
    }
    Err(Failure::Other(format!("not done within {STATE_LIMIT:?}")))
}

fn plug_card(ask: &mut Ask<'_>, name: &str, mac: [u8; 6], place: u8) -> Result<Operated, Failure> {
    ask(
        "netdev_add",
        json!({ "type": "hubport", "id": name, "hubid": 1 }),
    )?;
    let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
    let plugged = ask(
        "device_add",
        json!({
            "driver": "virtio-net-pci",
            "id": device(name),
            "netdev": name,
            "bus": slot(place),
            "mac": mac,
            "romfile": "",
        }),
    );
    if let Err(error) = plugged {
        let _ = ask("netdev_del", json!({ "id": name }));
        return Err(error.into());
    }
    Ok(Operated::Done)
}

fn plug_processor(ask: &mut Ask<'_>) -> Result<Operated, Failure> {
    let places = ask("query-hotpluggable-cpus", json!({}))?;
    let mut empty = places
        .as_array()
        .into_iter()
        .flatten()
        .filter(|place| place.get("qom-path").is_none());
    // They are listed from the last to the first.
    let place = empty
        .next_back()
        .ok_or_else(|| Failure::Other(NO_PLACE.to_owned()))?;
    let mut device = place.get("props").cloned().unwrap_or_else(|| json!({}));
    device["driver"] = place.get("type").cloned().unwrap_or_default();
    device["id"] = json!(format!("cpu-{}", device["socket-id"].as_u64().unwrap_or(0)));
    ask("device_add", device)?;
    Ok(Operated::Done)
}

fn plug_memory(ask: &mut Ask<'_>, mib: u64) -> Result<Operated, Failure> {
    let size = mib.saturating_mul(MIB);
    ask(
        "object-add",
        json!({ "qom-type": "memory-backend-ram", "id": "more", "size": size }),
    )?;
    let plugged = ask(
        "device_add",
        json!({ "driver": "pc-dimm", "id": "more-device", "memdev": "more" }),
    );
    if let Err(error) = plugged {
        let _ = ask("object-del", json!({ "id": "more" }));
        return Err(error.into());
    }
    Ok(Operated::Done)
}

fn snapshot(ask: &mut Ask<'_>, disk: usize, overlay: &Path) -> Result<Operated, Failure> {
    let (node, path) = (format!("disk{disk}"), text(overlay)?);
    let above = format!("{node}-snapshot");
    ask(
        "blockdev-add",
        json!({
            "node-name": above,
            "driver": "qcow2",
            "discard": "unmap",
            "backing": null,
            "file": { "driver": "file", "filename": path, "discard": "unmap" },
        }),
    )?;
    let taken = ask(
        "blockdev-snapshot",
        json!({ "node": node, "overlay": above }),
    );
    if let Err(error) = taken {
        let _ = ask("blockdev-del", json!({ "node-name": above }));
        return Err(error.into());
    }
    Ok(Operated::Done)
}

/// The bytes that a node's file takes up: `BlockDeviceInfo.image.actual-size`.
fn stored(ask: &mut Ask<'_>, name: &str, action: &'static str) -> Result<Operated, Failure> {
    let nodes = ask("query-named-block-nodes", json!({ "flat": true }))?;
    let node = nodes
        .as_array()
        .into_iter()
        .flatten()
        .find(|node| node["node-name"] == name)
        .ok_or_else(|| Failure::Other(format!("there is no disk {name:?}")))?;
    number(&json!({ "actual": node["image"]["actual-size"] }), action)
}

/// `{"actual": N}`.
fn number(answer: &Value, action: &'static str) -> Result<Operated, Failure> {
    let number = answer.get("actual").and_then(Value::as_u64);
    number
        .map(Operated::Bytes)
        .ok_or_else(|| Failure::Other(format!("{action} gave no number")))
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::Other(format!(
            "{} is no UTF-8, and QMP carries nothing else",
            path.display()
        ))
    })
}

fn action(operation: &Operation) -> &'static str {
    match operation {
        Operation::Pause => "pausing the machine",
        Operation::Resume => "resuming the machine",
        Operation::Reset => "pressing the reset button",
        Operation::InjectNmi => "injecting an NMI",
        Operation::PressCtrlAltDelete => "pressing Ctrl, Alt and Delete",
        Operation::SaveState { .. } => "keeping the state",
        Operation::RestoreState { .. } => "going back to the state that was kept",
        Operation::SetLink { .. } => "switching the network link",
        Operation::PlugDisk { .. } => "plugging in a disk",
        Operation::GrowDisk { .. } => "growing a disk",
        Operation::UnplugDisk { .. } => "unplugging a disk",
        Operation::ForgetDisk { .. } => "closing an unplugged disk",
        Operation::PlugCard { .. } => "plugging in a network card",
        Operation::UnplugCard { .. } => "unplugging a network card",
        Operation::PlugProcessor => "plugging in a processor",
        Operation::PlugMemory { .. } => "plugging in memory",
        Operation::SetMemory { .. } => "setting the balloon",
        Operation::ReadMemory => "reading the balloon",
        Operation::ReadStored { .. } => "reading what a disk's file stores",
        Operation::Snapshot { .. } => "taking a snapshot",
    }
}

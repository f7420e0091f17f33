//! Plugs a machine's disks and port into the lab, and takes them out again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use detente_machine::lab::MACHINE_PORT_PREFIX;
use detente_machine::qemu::{hotplug_nodes, hotplug_raw};
use detente_machine::{DiskBelow, LaunchDisk};
use serde_json::{Value, json};

use super::arguments::{DISK_BUS, PORT_BUS};
use crate::HostError;
use crate::local::qmp::{Client, QmpError};

const ACTION: &str = "plugging a disk into the lab";

/// How long what is plugged in may take to go: a node goes only after whatever stands on it, and
/// a device a moment after it was told to.
const UNPLUG_LIMIT: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(5);

/// The lab's monitor.
pub(crate) struct Monitor(pub(crate) Client);

/// The names of one machine's things.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) u32);

impl Number {
    /// The serial number, and the node, of a disk.
    pub(crate) fn disk(self, index: usize) -> String {
        format!("m{}d{index}", self.0)
    }

    /// The same of a file that is only read.
    pub(crate) fn file(self, name: &str) -> String {
        format!("m{}{name}", self.0)
    }

    /// The port, as the lab's Linux sees it.
    pub(crate) fn port(self) -> String {
        format!("{MACHINE_PORT_PREFIX}{}", self.0)
    }

    /// The socket behind the port, in the lab's folder.
    pub(crate) fn socket(self) -> String {
        format!("m{}.sock", self.0)
    }
}

impl Monitor {
    fn ask(&mut self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        // Nothing waits for the lab's own events: its reader passes them on by itself.
        self.0.execute(command, arguments, || ())
    }

    fn order(&mut self, command: &str, arguments: Value) -> Result<(), HostError> {
        self.ask(command, arguments)
            .map(drop)
            .map_err(|error| error.during(ACTION))
    }

    /// Plugs in a guest's disk: its overlay, with the source's chain read-only below.
    pub(crate) fn plug_disk(&mut self, name: &str, disk: &LaunchDisk) -> Result<(), HostError> {
        let disk = absolute(disk)?;
        let nodes = hotplug_nodes(name, &disk).map_err(|path| not_utf8(&path))?;
        self.plug(name, nodes)
    }

    /// Plugs in a file that is only read.
    pub(crate) fn plug_file(&mut self, name: &str, file: &Path) -> Result<(), HostError> {
        let file = absolute_path(file)?;
        let text = file.to_str().ok_or_else(|| not_utf8(&file))?;
        self.plug(name, hotplug_raw(name, text))
    }

    fn plug(&mut self, name: &str, nodes: Vec<Value>) -> Result<(), HostError> {
        for node in nodes {
            self.order("blockdev-add", node)?;
        }
        let device = json!({
            "driver": "scsi-hd",
            "id": format!("{name}-device"),
            "bus": DISK_BUS,
            "drive": name,
            "serial": name,
            "write-cache": "on",
        });
        self.order("device_add", device)
    }

    /// Plugs in a machine's port, whose other end listens in the lab's folder.
    pub(crate) fn plug_port(&mut self, number: Number) -> Result<(), HostError> {
        let id = number.file("port");
        let socket = json!({
            "addr": { "type": "unix", "data": { "path": number.socket() } },
            "server": true,
            "wait": false,
        });
        let chardev = json!({ "id": id, "backend": { "type": "socket", "data": socket } });
        self.order("chardev-add", chardev)?;
        let device = json!({
            "driver": "virtserialport",
            "id": format!("{id}-device"),
            "bus": PORT_BUS,
            "chardev": id,
            "name": number.port(),
        });
        self.order("device_add", device)
    }

    /// Takes out everything that was plugged in for machines, also for those of hosts that were
    /// killed.
    pub(crate) fn unplug_all(&mut self) -> Result<(), HostError> {
        let listed = json!({ "path": "/machine/peripheral" });
        self.remove(("qom-list", &listed, "name"), "device_del", "id")?;
        let flat = json!({ "flat": true });
        let nodes = ("query-named-block-nodes", &flat, "node-name");
        self.remove(nodes, "blockdev-del", "node-name")?;
        let chardevs = ("query-chardev", &json!({}), "label");
        self.remove(chardevs, "chardev-remove", "id")
    }

    /// Removes what is listed and bears a machine's name, round by round.
    fn remove(
        &mut self,
        (list, arguments, field): (&str, &Value, &str),
        command: &str,
        key: &str,
    ) -> Result<(), HostError> {
        let deadline = Instant::now() + UNPLUG_LIMIT;
        loop {
            let listed = self
                .ask(list, arguments.clone())
                .map_err(|error| error.during("looking at what is plugged into the lab"))?;
            let names = names(&listed, field);
            if names.is_empty() {
                return Ok(());
            }
            let (mut gone, mut last) = (false, None);
            for name in names {
                match self.ask(command, json!({ key: name })) {
                    Ok(_) => gone = true,
                    Err(error) => last = Some(error),
                }
            }
            if let Some(error) = last
                && Instant::now() >= deadline
            {
                return Err(error.during("unplugging a machine's disks from the lab"));
            }
            if !gone {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// The names of machines' things in a list.
fn names(listed: &Value, field: &str) -> Vec<String> {
    let ours = |name: &&str| {
        let mut letters = name.chars();
        letters.next() == Some('m') && letters.next().is_some_and(|next| next.is_ascii_digit())
    };
    listed
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.get(field)?.as_str())
        .filter(ours)
        .map(str::to_owned)
        .collect()
}

/// QEMU runs in another folder than we do.
fn absolute(disk: &LaunchDisk) -> Result<LaunchDisk, HostError> {
    let mut disk = disk.clone();
    disk.overlay = absolute_path(&disk.overlay)?;
    match &mut disk.below {
        DiskBelow::Files(files) => {
            for file in files {
                file.path = absolute_path(&file.path)?;
            }
        }
        DiskBelow::Nbd { socket, .. } => *socket = absolute_path(socket)?,
    }
    Ok(disk)
}

fn absolute_path(path: &Path) -> Result<PathBuf, HostError> {
    std::path::absolute(path).map_err(|source| HostError::Io {
        action: ACTION,
        source,
    })
}

fn not_utf8(path: &Path) -> HostError {
    HostError::Failed {
        action: ACTION,
        detail: format!("the name of {} is no UTF-8", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_machines_things_are_taken_out() {
        let listed = json!([
            { "name": "m12d0-device" }, { "name": "ports" }, { "name": "type" },
            { "name": "m1port-device" }, { "name": "monitor" }, { "name": "mx" }, {},
        ]);
        assert_eq!(names(&listed, "name"), ["m12d0-device", "m1port-device"]);
        assert!(names(&json!({}), "name").is_empty());
    }
}

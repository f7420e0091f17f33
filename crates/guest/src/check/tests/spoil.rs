//! Changes of one fact.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::facts::{DriverState, EntryKind, Evidence, Facts, InitramfsContents, Setting};

/// A fact from JSON.
pub(super) fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the twin has the fields of facts")
}

/// A setting in a file of its own.
pub(super) fn setting(name: &str, value: &str) -> Setting {
    Setting::new(name, value, Evidence::line("/etc/spoiled.conf", 7))
}

/// Adds to the command line of the entry that starts.
pub(super) fn argument(facts: &mut Facts, argument: &str) {
    let line = command_line(facts);
    *line = format!("{line} {argument}");
}

/// The command line of the entry that starts.
pub(super) fn command_line(facts: &mut Facts) -> &mut String {
    let default = facts.boot.default.as_mut().unwrap();
    default.command_line.as_mut().unwrap()
}

/// Replaces the command line of the other entry.
pub(super) fn other_command_line(facts: &mut Facts, line: &str) {
    match &mut facts.boot.entries[1].kind {
        EntryKind::Linux { command_line, .. } => line.clone_into(command_line),
        EntryKind::Uki { .. } | EntryKind::Other { .. } => panic!("the base has Linux entries"),
    }
}

/// What the initramfs of an entry holds.
pub(super) fn contents(facts: &mut Facts, entry: usize) -> &mut InitramfsContents {
    facts.initramfs_images[entry].contents.as_mut().unwrap()
}

/// Takes a module out of the initramfs of an entry.
pub(super) fn without(facts: &mut Facts, entry: usize, module: &str) {
    let modules = &mut contents(facts, entry).modules;
    let before = modules.len();
    modules.retain(|own| own != module);
    assert_ne!(modules.len(), before, "the base has {module}");
}

/// Takes a driver out of the kernel that starts, and out of its initramfs.
pub(super) fn no_driver(facts: &mut Facts, name: &str) {
    let drivers = &mut facts.kernels[0].drivers;
    let driver = drivers.iter_mut().find(|own| own.name == name).unwrap();
    driver.state = DriverState::Missing {
        searched: vec!["/lib/modules/x/modules.dep".to_owned()],
    };
    contents(facts, 0).modules.retain(|own| own != name);
}

/// A line of fstab.
pub(super) fn mount(facts: &mut Facts, spec: &str, mount_point: &str, options: &str) {
    let kind = if mount_point == "none" {
        "swap"
    } else {
        "ext4"
    };
    facts.fstab.push(from(
        json!({"spec": spec, "mount_point": mount_point, "kind": kind,
        "options": options, "volume": null}),
    ));
}

/// Binds the first connection to something else.
pub(super) fn bind(facts: &mut Facts, by: &str, value: &str) {
    let at = json!({"path": "/etc/spoiled.conf", "line": 3});
    facts.network.connections[0].binds = vec![from(json!({"by": by, "value": value, "at": at}))];
}

/// Adds a line to modprobe.d.
pub(super) fn module_rule(facts: &mut Facts, rule: Value) {
    facts.module_settings.rules.push(from(rule));
}

/// Adds a service.
pub(super) fn service(facts: &mut Facts, id: &str, role: &str) {
    facts
        .services
        .services
        .push(from(json!({"id": id, "role": role, "installed": [],
        "state": "enabled", "state_at": {"path": "/etc/systemd/system/x.service"}})));
}

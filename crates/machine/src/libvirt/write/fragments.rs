//! What libvirt said and nobody else understood, put in again.

use serde_json::Value;

use super::super::SOURCE;
use crate::loss::Losses;
use crate::spec::{Extensions, MachineSpec};
use crate::xml::{Element, parse};

/// Never written from a definition, which may come from anywhere: other programs and arguments of
/// QEMU's, files of another host, what only its own host can do.
const NEVER: &[&str] = &[
    "commandline",
    "override",
    "capabilities",
    "deprecation",
    "devices/emulator",
    "devices/hostdev",
    "devices/filesystem",
    "devices/nvram",
    "launchSecurity",
    "machine",
    "tpm",
];

/// What is put in again of `<os>`: nothing that names a file.
const OF_OS: &[&str] = &["bootmenu", "bios", "smbios"];

/// Pieces of XML that wait to be put in.
pub(super) struct Fragments {
    domain: Vec<Element>,
    devices: Vec<Element>,
}

impl Fragments {
    /// Those of a definition.
    pub(super) fn of(spec: &MachineSpec, losses: &mut Losses) -> Self {
        let mut own = Self {
            domain: Vec::new(),
            devices: Vec::new(),
        };
        for (key, value) in spec.extensions.of(SOURCE) {
            own.add(key, value, losses);
        }
        own
    }

    /// Whether there is one of a name among the devices.
    pub(super) fn has_device(&self, name: &str) -> bool {
        self.devices.iter().any(|own| own.name == name)
    }

    /// The first of a name at the domain.
    pub(super) fn of_domain(&self, name: &str) -> Option<&Element> {
        self.domain.iter().find(|own| own.name == name)
    }

    /// Puts in what belongs to the domain itself.
    pub(super) fn put_into_domain(&mut self, domain: &mut Element) {
        let mut wrapper = Element::new(&domain.name);
        wrapper.children = std::mem::take(&mut self.domain);
        domain.merge(wrapper);
    }

    /// Puts in devices.
    pub(super) fn put_into_devices(&mut self, devices: &mut Element) {
        for own in std::mem::take(&mut self.devices) {
            // There is one balloon; of everything else there may be several.
            let same = devices
                .children
                .iter_mut()
                .find(|other| own.name == "memballoon" && other.name == own.name);
            match same {
                Some(same) => same.merge(own),
                None => devices.push(own),
            }
        }
    }

    fn add(&mut self, key: &str, value: &Value, losses: &mut Losses) {
        let field = format!("extensions.{SOURCE}.{key}");
        if NEVER.contains(&key) || key.starts_with('@') {
            let why = "never written from a definition that may come from anywhere: set it by hand";
            losses.dropped(field, why);
            return;
        }
        for mut own in elements(value) {
            let (at_devices, name) = match key.strip_prefix("devices/") {
                Some(name) => (true, name),
                None => (false, key),
            };
            if own.name != name || !own.namespace.is_empty() {
                let why = "the piece that is kept is not what its name says";
                losses.dropped(field.as_str(), why);
                continue;
            }
            if own.name == "os" {
                let before = own.children.len();
                own.children
                    .retain(|child| OF_OS.contains(&child.name.as_str()));
                if own.children.len() < before {
                    let why = "kernels, loaders and files of variables are those of its old host";
                    losses.dropped(field.as_str(), why);
                }
            }
            if at_devices {
                self.devices.push(own);
            } else {
                self.domain.push(own);
            }
        }
    }
}

/// The elements that a value is: one text, or several. What is no XML is nothing.
fn elements(value: &Value) -> Vec<Element> {
    let texts: Vec<&str> = match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let parsed = texts.into_iter().map(|text| parse(text.as_bytes()));
    parsed.flatten().collect()
}

/// Puts what is kept of a device into it, but for its name.
pub(super) fn put_into(device: &mut Element, extensions: &Extensions) {
    let Some(value) = extensions.get(SOURCE, &device.name) else {
        return;
    };
    for own in elements(value) {
        if own.name == device.name {
            device.merge(own);
        }
    }
}

/// What is kept of a TPM.
pub(super) fn of_tpm(spec: &MachineSpec) -> Option<Element> {
    let value = spec.extensions.get(SOURCE, "tpm")?;
    elements(value).into_iter().find(|own| own.name == "tpm")
}

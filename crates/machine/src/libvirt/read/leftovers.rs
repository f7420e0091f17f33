//! What nobody understood: kept, and said.

use serde_json::Value;

use super::super::SOURCE;
use super::Reading;
use crate::xml::Element;

/// Of a domain that runs, or that says nothing that is not known.
const SAYS_NOTHING: &[&str] = &["resource", "alias", "seclabel"];

impl Reading {
    /// Keeps what is left of the domain and of its devices.
    pub(super) fn leftovers(&mut self, domain: &mut Element, devices: Element) {
        for (name, value) in std::mem::take(&mut domain.attributes) {
            let key = format!("@{name}");
            self.keep(key, Value::String(value));
        }
        self.group("", std::mem::take(&mut domain.children));
        self.group("devices/", devices.children);
        if self.has_addresses {
            let why = "places on the PCI bus are given anew: interface names that rest on them \
                       (enp1s0) may change in the guest";
            self.losses
                .approximated("extensions.libvirt.addresses", why);
        }
    }

    fn group(&mut self, prefix: &str, mut children: Vec<Element>) {
        children.retain(|own| !SAYS_NOTHING.contains(&own.name.as_str()));
        while let Some(first) = children.first() {
            let name = first.name.clone();
            let (same, others) = children.into_iter().partition(|own| own.name == name);
            children = others;
            let mut texts: Vec<Value> = Vec::new();
            let same: Vec<Element> = same;
            for own in same {
                texts.push(Value::String(own.kept()));
            }
            let value = match texts.as_mut_slice() {
                [one] => one.take(),
                _ => Value::Array(texts),
            };
            self.keep(format!("{prefix}{name}"), value);
        }
    }

    fn keep(&mut self, key: String, value: Value) {
        let field = format!("extensions.{SOURCE}.{key}");
        if !self.losses.covers(&field) {
            let why = "libvirt's own; no other platform acts on it";
            self.losses.kept(field, why);
        }
        self.spec.extensions.insert(SOURCE, key, value);
    }
}

/// The device without what its host made up: the alias, and the place on a bus that is laid out
/// anew. The second is whether a place was said.
pub(super) fn without_addresses(mut own: Element) -> (Element, bool) {
    own.take_child("alias");
    let mut had = false;
    own.children.retain(|child| {
        let kind = child.attribute("type");
        let laid_out_anew = child.name == "address"
            && kind.is_some_and(|kind| {
                matches!(
                    kind,
                    "pci" | "usb" | "virtio-serial" | "ccid" | "isa" | "dimm"
                )
            });
        had |= laid_out_anew && kind == Some("pci");
        !laid_out_anew
    });
    (own, had)
}

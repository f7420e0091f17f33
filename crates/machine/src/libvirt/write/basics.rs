//! Identity, memory and processors.

use super::super::read::PERIOD_US;
use super::Writing;
use crate::kvm::ceiling_bytes;
use crate::qemu::Accelerator;
use crate::spec::{FeaturePolicy, GenerationId, ProcessorModel, Uuid, UuidByteOrder};
use crate::xml::Element;

/// The namespace of libosinfo's element in `<metadata>`.
const LIBOSINFO: &str = "http://libosinfo.org/xmlns/libvirt/domain/1.0";

impl Writing<'_> {
    pub(super) fn identity(&mut self, domain: &mut Element) {
        let spec = self.spec;
        domain.push(text("name", spec.name.as_str()));
        if let Some(uuid) = spec.identity.uuid {
            // The guest is to find the same bytes in SMBIOS, where QEMU has little-endian fields.
            let written = match spec.identity.byte_order {
                UuidByteOrder::LittleEndian => uuid,
                UuidByteOrder::AsWritten => {
                    let why = "the digits are turned round, so that the guest finds the same bytes";
                    self.losses.approximated("identity.uuid", why);
                    Uuid::swapped(uuid)
                }
            };
            domain.push(text("uuid", written.to_string()));
        }
        match spec.identity.generation_id {
            GenerationId::Absent => {}
            GenerationId::HostMade => domain.push(Element::new("genid")),
            GenerationId::Fixed(id) => domain.push(text("genid", id.to_string())),
        }
        if let Some(notes) = &spec.notes {
            if notes.trim() != notes {
                let why = "white space around the notes is gone";
                self.losses.approximated("notes", why);
            }
            if !notes.trim().is_empty() {
                domain.push(text("description", notes.trim()));
            }
        }
        if let Some(id) = &spec.guest.os_id {
            let os = Element::new("os").with("id", id.as_str());
            let mut info = Element::new("libosinfo").holding(os);
            info.namespace = LIBOSINFO.to_owned();
            for child in &mut info.children {
                child.namespace = LIBOSINFO.to_owned();
            }
            domain.push(Element::new("metadata").holding(info));
        }
    }

    pub(super) fn memory(&mut self, domain: &mut Element) {
        let memory = &self.spec.memory;
        let ceiling_bytes = ceiling_bytes(memory.startup_bytes, memory.range);
        domain.push(kib("memory", ceiling_bytes));
        if ceiling_bytes > memory.startup_bytes {
            domain.push(kib("currentMemory", memory.startup_bytes));
        }
    }

    pub(super) fn processors(&mut self, domain: &mut Element) {
        let own = &self.spec.processors;
        let mut vcpu = text("vcpu", own.count.to_string());
        if let Some(online) = own.online {
            vcpu = vcpu.with("current", online.to_string());
        }
        domain.push(vcpu);
        let limits = own.limits;
        let mut tune = Element::new("cputune");
        if let Some(weight) = limits.weight {
            tune.push(text("shares", weight.to_string()));
        }
        if let Some(percent) = limits.maximum_percent {
            let quota = u64::from(percent).saturating_mul(PERIOD_US / 100);
            tune.push(text("period", PERIOD_US.to_string()));
            tune.push(text("quota", quota.to_string()));
        }
        if !tune.is_spent() {
            domain.push(tune);
        }
        let cpu = self.cpu();
        domain.push(cpu);
    }

    fn cpu(&mut self) -> Element {
        let own = &self.spec.processors;
        let mut cpu = self.cpu_model();
        if let Some(topology) = own.topology {
            let part = |name: &str, count: u32| (name.to_owned(), count.to_string());
            let mut element = Element::new("topology");
            element.attributes = vec![
                part("sockets", topology.sockets),
                part("dies", topology.dies),
                part("cores", topology.cores),
                part("threads", topology.threads),
            ];
            cpu.push(element);
        }
        for feature in &own.features {
            cpu.push(element_of(policy(feature.policy), &feature.name));
        }
        if own.nested {
            // One of the two, by the host's vendor.
            for name in ["vmx", "svm"] {
                cpu.push(element_of("optional", name));
            }
        }
        let mut numa = Element::new("numa");
        for (index, node) in self.spec.numa.iter().enumerate() {
            let cell = Element::new("cell")
                .with("id", index.to_string())
                .with("cpus", node.processors.as_str())
                .with("memory", (node.memory_bytes / 1024).to_string());
            numa.push(cell.with("unit", "KiB"));
        }
        if !numa.is_spent() {
            cpu.push(numa);
        }
        cpu
    }

    fn cpu_model(&mut self) -> Element {
        let translated = self.options.accelerator == Accelerator::Tcg;
        let mode = match &self.spec.processors.model {
            ProcessorModel::Named(name) => {
                let model = text("model", name.as_str()).with("fallback", "allow");
                let cpu = Element::new("cpu").with("mode", "custom");
                return cpu.with("match", "exact").holding(model);
            }
            ProcessorModel::Maximum => "maximum",
            _ if translated => {
                let why = "without KVM the guest sees what QEMU's translator can show";
                self.losses.approximated("processors.model", why);
                "maximum"
            }
            ProcessorModel::HostPassthrough => "host-passthrough",
            ProcessorModel::HostModel => "host-model",
            ProcessorModel::PlatformDefault | ProcessorModel::Migratable => {
                let why = "the guest sees what its host has, as far as it can move to hosts alike \
                           (host-model)";
                self.losses.approximated("processors.model", why);
                "host-model"
            }
        };
        Element::new("cpu").with("mode", mode)
    }
}

fn policy(policy: FeaturePolicy) -> &'static str {
    match policy {
        FeaturePolicy::Force => "force",
        FeaturePolicy::Require => "require",
        FeaturePolicy::Optional => "optional",
        FeaturePolicy::Disable => "disable",
        FeaturePolicy::Forbid => "forbid",
    }
}

fn element_of(policy: &str, name: &str) -> Element {
    let own = Element::new("feature").with("policy", policy);
    own.with("name", name)
}

/// An element with characters.
pub(super) fn text(name: &str, text: impl Into<String>) -> Element {
    Element::new(name).saying(text)
}

fn kib(name: &str, bytes: u64) -> Element {
    text(name, (bytes / 1024).to_string()).with("unit", "KiB")
}

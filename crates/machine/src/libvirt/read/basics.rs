//! Identity, memory and processors.

use super::values::{number, size_bytes, take_number, wrong};
use super::{ReadError, Reading};
use crate::spec::{
    FeaturePolicy, GenerationId, GuestFamily, MemoryRange, NumaNode, ProcessorFeature,
    ProcessorModel, ProcessorTopology, Uuid,
};
use crate::xml::Element;

/// What the processor is called that libvirt gives to a domain without a word about it.
const DEFAULT_MODEL: &str = "qemu64";
/// The period in which processor time is counted out, where nobody says another: libvirt's default.
pub(in crate::libvirt) const PERIOD_US: u64 = 100_000;

impl Reading {
    pub(super) fn identity(&mut self, domain: &mut Element) -> Result<(), ReadError> {
        let uuid = |field: &str, text: String| -> Result<Uuid, ReadError> {
            text.parse().map_err(|_| wrong(field, &text, "UUID"))
        };
        if let Some(text) = domain.take_text("uuid") {
            self.spec.identity.uuid = Some(uuid("uuid", text)?);
        }
        if let Some(genid) = domain.take_child("genid") {
            self.spec.identity.generation_id = match genid.text() {
                None => GenerationId::HostMade,
                Some(text) => GenerationId::Fixed(uuid("genid", text.to_owned())?),
            };
        }
        self.spec.notes = domain.take_text("description");
        domain.edit("metadata", |metadata| {
            metadata.edit("libosinfo", |info| {
                self.spec.guest.os_id = info.take_of("os", "id");
            });
        });
        if let Some(id) = &self.spec.guest.os_id {
            self.spec.guest.family = family(id);
        }
        Ok(())
    }

    pub(super) fn memory(&mut self, domain: &mut Element) -> Result<(), ReadError> {
        let mut size = |name: &str| -> Result<Option<u64>, ReadError> {
            let unit = domain.take_of(name, "unit");
            let text = domain.take_text(name);
            text.map(|text| size_bytes(name, &text, unit.as_deref()))
                .transpose()
        };
        let maximum = size("memory")?;
        let current = size("currentMemory")?;
        let maximum_bytes = maximum.ok_or(ReadError::Missing { element: "memory" })?;
        // libvirt cuts what is more than the maximum.
        let startup_bytes = current.unwrap_or(maximum_bytes).min(maximum_bytes);
        self.spec.memory.startup_bytes = startup_bytes;
        if startup_bytes < maximum_bytes {
            self.spec.memory.range = MemoryRange::Balloon { maximum_bytes };
        }
        Ok(())
    }

    pub(super) fn processors(&mut self, domain: &mut Element) -> Result<(), ReadError> {
        let online = domain.take_of("vcpu", "current");
        let own = &mut self.spec.processors;
        own.count = match domain.take_text("vcpu") {
            Some(text) => number("vcpu", &text)?,
            None => 1,
        };
        let online: Option<u32> = online
            .map(|text| number("vcpu@current", &text))
            .transpose()?;
        own.online = online.filter(|online| *online != own.count);
        // What libvirt assumes.
        domain.edit("vcpu", |vcpu| vcpu.take_if("placement", "static"));
        self.limits(domain);
        let Some(mut cpu) = domain.take_child("cpu") else {
            self.spec.processors.model = ProcessorModel::Named(DEFAULT_MODEL.to_owned());
            return Ok(());
        };
        self.model(&mut cpu)?;
        self.topology(&mut cpu)?;
        self.numa(&mut cpu)?;
        if !cpu.is_spent() {
            domain.push(cpu);
        }
        Ok(())
    }

    fn limits(&mut self, domain: &mut Element) {
        let limits = &mut self.spec.processors.limits;
        domain.edit("cputune", |tune| {
            let shares = tune.child("shares").and_then(Element::text);
            let shares: Option<u32> = shares.and_then(|text| text.parse().ok());
            if let Some(weight) = shares.filter(|shares| (1..=10_000).contains(shares)) {
                limits.weight = Some(weight);
                tune.take_child("shares");
            }
            let value = |name: &str| -> Option<u64> { tune.child(name)?.text()?.parse().ok() };
            let period = value("period").unwrap_or(PERIOD_US);
            let percent = value("quota").and_then(|quota| quota.checked_div(PERIOD_US / 100));
            let percent = percent.filter(|percent| (1..=100).contains(percent));
            let exact = percent.is_some_and(|percent| {
                percent.checked_mul(PERIOD_US / 100) == value("quota") && period == PERIOD_US
            });
            if exact {
                limits.maximum_percent = percent.and_then(|percent| u32::try_from(percent).ok());
                tune.take_child("period");
                tune.take_child("quota");
            }
        });
    }

    fn model(&mut self, cpu: &mut Element) -> Result<(), ReadError> {
        let mode = cpu.take("mode");
        cpu.edit("model", |model| model.take_if("fallback", "allow"));
        let name = cpu.take_text("model");
        cpu.take_if("check", "partial");
        cpu.take_if("match", "exact");
        let own = &mut self.spec.processors;
        own.model = match (mode.as_deref(), name) {
            (Some("host-passthrough"), _) => ProcessorModel::HostPassthrough,
            (Some("host-model"), _) => ProcessorModel::HostModel,
            (Some("maximum"), _) => ProcessorModel::Maximum,
            (None | Some("custom"), Some(name)) => ProcessorModel::Named(name),
            (None | Some("custom"), None) => ProcessorModel::Named(DEFAULT_MODEL.to_owned()),
            (Some(other), _) => return Err(wrong("cpu@mode", other, "mode of a processor")),
        };
        for mut feature in cpu.take_children("feature") {
            let name = feature.take("name").unwrap_or_default();
            let policy = feature.take("policy");
            let policy = match policy.as_deref().unwrap_or("require") {
                "force" => FeaturePolicy::Force,
                "require" => FeaturePolicy::Require,
                "optional" => FeaturePolicy::Optional,
                "disable" => FeaturePolicy::Disable,
                "forbid" => FeaturePolicy::Forbid,
                other => return Err(wrong("cpu/feature@policy", other, "policy")),
            };
            let shown = !matches!(policy, FeaturePolicy::Disable | FeaturePolicy::Forbid);
            if shown && matches!(name.as_str(), "vmx" | "svm") {
                own.nested = true;
            } else {
                own.features.push(ProcessorFeature { name, policy });
            }
        }
        Ok(())
    }

    fn topology(&mut self, cpu: &mut Element) -> Result<(), ReadError> {
        let Some(mut own) = cpu.take_child("topology") else {
            return Ok(());
        };
        let mut part = |name: &str| take_number(&mut own, name).map(|part| part.unwrap_or(1));
        self.spec.processors.topology = Some(ProcessorTopology {
            sockets: part("sockets")?,
            dies: part("dies")?,
            cores: part("cores")?,
            threads: part("threads")?,
        });
        if !own.is_spent() {
            cpu.push(own);
        }
        Ok(())
    }

    fn numa(&mut self, cpu: &mut Element) -> Result<(), ReadError> {
        let Some(mut numa) = cpu.take_child("numa") else {
            return Ok(());
        };
        for (index, mut cell) in numa.take_children("cell").into_iter().enumerate() {
            let unit = cell.take("unit");
            let text = cell.take("memory").unwrap_or_default();
            let memory_bytes = size_bytes("numa/cell@memory", &text, unit.as_deref())?;
            let processors = cell.take("cpus").unwrap_or_default();
            let id: Option<usize> = take_number(&mut cell, "id")?;
            if id.is_some_and(|id| id != index) {
                let text = id.unwrap_or_default().to_string();
                return Err(wrong("numa/cell@id", &text, "number in order"));
            }
            let node = NumaNode {
                processors,
                memory_bytes,
            };
            self.spec.numa.push(node);
            if !cell.is_spent() {
                let field = format!("extensions.libvirt.cpu.numa.cell[{index}]");
                let why = "distances, caches and memory that is shared are not carried along";
                self.losses.dropped(field, why);
            }
        }
        if !numa.is_spent() {
            cpu.push(numa);
        }
        Ok(())
    }
}

/// What a release is, by the identifier of the libosinfo database.
fn family(id: &str) -> GuestFamily {
    if id.contains("microsoft.com/") {
        return GuestFamily::Windows;
    }
    let linux = [
        "almalinux",
        "alpinelinux",
        "altlinux",
        "archlinux",
        "centos",
        "clearlinux",
        "debian",
        "fedoraproject",
        "gentoo",
        "guix",
        "linux",
        "mageia",
        "manjaro",
        "nixos",
        "opensuse",
        "oracle.com/ol",
        "redhat.com",
        "rockylinux",
        "scientificlinux",
        "slackware",
        "suse.com",
        "ubuntu",
    ];
    if linux.iter().any(|name| id.contains(name)) {
        GuestFamily::Linux
    } else {
        GuestFamily::Other
    }
}

//! The domain of the manifest: processors, memory, firmware, devices, clock.

use serde_json::{Map, Value, json};

use super::Writing;
use crate::kvm::{chipset, integration};
use crate::spec::{
    Chipset, Clock, Display, FeaturePolicy, Firmware, IntegrationService, MemoryRange,
    ProcessorModel, SerialBackend, Tpm, UuidByteOrder,
};

impl Writing<'_> {
    pub(super) fn domain(&mut self, disks: Vec<Value>, interfaces: Vec<Value>) -> Value {
        let mut domain = Map::new();
        let mut put = |name: &str, value: Value| domain.insert(name.to_owned(), value);
        put("cpu", self.cpu());
        put("memory", self.memory());
        put("machine", self.machine());
        put("firmware", self.firmware());
        put("features", self.features());
        put("clock", self.clock());
        put("devices", self.devices(disks, interfaces));
        Value::Object(domain)
    }

    fn machine(&mut self) -> Value {
        if chipset(self.spec) == Chipset::I440fx || self.spec.chipset.is_none() {
            self.losses
                .approximated("chipset", "KubeVirt has boards of the kind q35");
        }
        json!({ "type": "q35" })
    }

    fn cpu(&mut self) -> Value {
        let own = &self.spec.processors;
        let mut cpu = Map::new();
        let (sockets, cores, threads) = match own.topology {
            Some(topology) => {
                if topology.dies > 1 {
                    let why = "dies become cores of their socket";
                    self.losses.approximated("processors.topology", why);
                }
                let cores = topology.cores.saturating_mul(topology.dies);
                (topology.sockets, cores, topology.threads)
            }
            None => (1, own.count, 1),
        };
        cpu.insert("sockets".to_owned(), json!(sockets));
        cpu.insert("cores".to_owned(), json!(cores));
        cpu.insert("threads".to_owned(), json!(threads));
        if own.online.is_some() {
            let why = "all processors are there from the start";
            self.losses.approximated("processors.online", why);
        }
        let model = match &own.model {
            ProcessorModel::Named(name) => name.as_str(),
            ProcessorModel::HostPassthrough => "host-passthrough",
            ProcessorModel::HostModel => "host-model",
            ProcessorModel::Maximum => {
                let why = "the guest sees what its host has";
                self.losses.approximated("processors.model", why);
                "host-passthrough"
            }
            ProcessorModel::PlatformDefault | ProcessorModel::Migratable => {
                let why = "the guest sees what its host has (host-model)";
                self.losses.approximated("processors.model", why);
                "host-model"
            }
        };
        cpu.insert("model".to_owned(), json!(model));
        let mut features: Vec<Value> = own
            .features
            .iter()
            .map(|own| json!({ "name": own.name, "policy": policy(own.policy) }))
            .collect();
        if own.nested {
            let nested = |name: &str| json!({ "name": name, "policy": "optional" });
            features.extend(["vmx", "svm"].map(nested));
        }
        if !features.is_empty() {
            cpu.insert("features".to_owned(), Value::Array(features));
        }
        if own.limits != crate::spec::ProcessorLimits::default() {
            let why = "shares and limits are resources of the pod: `domain.resources`";
            self.losses.dropped("processors.limits", why);
        }
        Value::Object(cpu)
    }

    fn memory(&mut self) -> Value {
        let own = &self.spec.memory;
        match own.range {
            MemoryRange::Fixed => {}
            MemoryRange::Balloon { .. } | MemoryRange::Dynamic(_) => {
                let why = "the guest has what it starts with";
                self.losses.approximated("memory.range", why);
            }
        }
        json!({ "guest": format!("{}Ki", own.startup_bytes / 1024) })
    }

    fn firmware(&mut self) -> Value {
        let mut own = Map::new();
        let bootloader = match &self.spec.firmware {
            Firmware::Bios => json!({ "bios": {} }),
            Firmware::Uefi { .. } => {
                let on = self.spec.firmware.has_secure_boot();
                json!({ "efi": { "secureBoot": on, "persistent": true } })
            }
        };
        own.insert("bootloader".to_owned(), bootloader);
        let identity = self.spec.identity;
        if let Some(uuid) = identity.uuid {
            let uuid = match identity.byte_order {
                UuidByteOrder::LittleEndian => uuid,
                UuidByteOrder::AsWritten => uuid.swapped(),
            };
            own.insert("uuid".to_owned(), json!(uuid.to_string()));
        }
        Value::Object(own)
    }

    fn features(&self) -> Value {
        let mut own = json!({ "acpi": {} });
        let Some(map) = own.as_object_mut() else {
            return own;
        };
        // What is enrolled can be changed only from system management mode.
        if self.spec.firmware.has_secure_boot() {
            map.insert("smm".to_owned(), json!({ "enabled": true }));
        }
        if self.is_enlightened() {
            let names = [
                "relaxed",
                "vapic",
                "vpindex",
                "runtime",
                "synic",
                "reset",
                "frequencies",
                "tlbflush",
                "ipi",
            ];
            let mut hyperv: Map<String, Value> = names
                .map(|name| (name.to_owned(), json!({})))
                .into_iter()
                .collect();
            hyperv.insert("synictimer".to_owned(), json!({}));
            hyperv.insert("spinlocks".to_owned(), json!({ "spinlocks": 8191 }));
            map.insert("hyperv".to_owned(), Value::Object(hyperv));
        }
        own
    }

    fn is_enlightened(&self) -> bool {
        integration(self.spec).contains(&IntegrationService::HypervEnlightenments)
    }

    fn clock(&mut self) -> Value {
        let mut own = match &self.spec.clock {
            Clock::Utc => json!({ "utc": {} }),
            Clock::Timezone { name } => json!({ "timezone": name }),
            Clock::LocalTime => {
                let why = "KubeVirt knows places and UTC: set `clock.timezone` to the guest's";
                self.losses.approximated("clock", why);
                json!({ "utc": {} })
            }
        };
        let mut timer = json!({
            "rtc": { "tickPolicy": "catchup" },
            "pit": { "tickPolicy": "delay" },
            "hpet": { "present": false },
        });
        if let (true, Some(map)) = (self.is_enlightened(), timer.as_object_mut()) {
            map.insert("hyperv".to_owned(), json!({}));
        }
        if let Some(map) = own.as_object_mut() {
            map.insert("timer".to_owned(), timer);
        }
        own
    }

    fn devices(&mut self, disks: Vec<Value>, interfaces: Vec<Value>) -> Value {
        let services = integration(self.spec);
        let has = |service| services.contains(&service);
        let mut own = Map::new();
        let mut put = |name: &str, value: Value| own.insert(name.to_owned(), value);
        put("disks", Value::Array(disks));
        put("interfaces", Value::Array(interfaces));
        if let Some(Tpm { .. }) = &self.spec.tpm {
            put("tpm", json!({ "persistent": true }));
        }
        if has(IntegrationService::Entropy) {
            put("rng", json!({}));
        }
        if has(IntegrationService::PanicNotifier) {
            put("panicDevices", json!([{ "model": "isa" }]));
        }
        let balloon = has(IntegrationService::Balloon);
        put("autoattachMemBalloon", json!(balloon));
        let serial = !self.spec.serial_ports.is_empty();
        put("autoattachSerialConsole", json!(serial));
        let screen = self.spec.display == Display::Present;
        put("autoattachGraphicsDevice", json!(screen));
        self.unsaid_of_devices();
        Value::Object(own)
    }

    fn unsaid_of_devices(&mut self) {
        for (index, port) in self.spec.serial_ports.iter().enumerate() {
            let field = format!("serial_ports[{index}]");
            if port.port > 0 {
                let why = "KubeVirt has one serial port";
                self.losses.dropped(field, why);
            } else if port.backend != SerialBackend::Pty {
                let why = "the port ends where `virtctl console` finds it";
                self.losses.approximated(format!("{field}.backend"), why);
            }
        }
        for (index, own) in self.spec.controllers.iter().enumerate() {
            if own.bus == crate::spec::Bus::Scsi {
                let why = "KubeVirt's SCSI is virtio-scsi";
                self.losses
                    .approximated(format!("controllers[{index}]"), why);
            }
        }
        let services = &self.spec.integration;
        if services.contains(&IntegrationService::SpiceAgent) {
            let why = "KubeVirt has no SPICE";
            self.losses.dropped("integration", why);
        }
        if let Some(tpm) = &self.spec.tpm
            && tpm.version == crate::spec::TpmVersion::V1_2
        {
            let why = "KubeVirt's TPM is 2.0";
            self.losses.approximated("tpm.version", why);
        }
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

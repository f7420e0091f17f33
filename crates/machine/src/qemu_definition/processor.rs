//! Processors, NUMA nodes, board and firmware.

use super::{Writing, is_word};
use crate::kvm::{chipset, integration};
use crate::libvirt::enlightenments;
use crate::qemu::Accelerator;
use crate::spec::{Chipset, FeaturePolicy, IntegrationService, ProcessorModel};

impl Writing<'_> {
    pub(super) fn processors(&mut self) {
        let machine = match chipset(self.spec) {
            Chipset::Q35 => "q35",
            Chipset::I440fx => "pc",
        };
        if self.spec.chipset != Some(chipset(self.spec)) {
            self.losses.approximated("chipset", "the board is a q35");
        }
        let accel = match self.options.accelerator {
            Accelerator::Kvm => "kvm",
            Accelerator::Tcg => "tcg",
        };
        // What is enrolled can be changed only from system management mode.
        let smm = if self.spec.firmware.has_secure_boot() {
            ",smm=on"
        } else {
            ""
        };
        self.pair("-machine", format!("{machine},accel={accel}{smm}"));
        let cpu = self.cpu();
        self.pair("-cpu", cpu);
        self.topology();
        self.numa();
    }

    fn cpu(&mut self) -> String {
        let own = &self.spec.processors;
        let translated = self.options.accelerator == Accelerator::Tcg;
        let mut cpu = match &own.model {
            ProcessorModel::Named(name) if is_word(name) => name.clone(),
            ProcessorModel::HostPassthrough if !translated => "host".to_owned(),
            ProcessorModel::Maximum => "max".to_owned(),
            ProcessorModel::Named(_)
            | ProcessorModel::HostPassthrough
            | ProcessorModel::HostModel
            | ProcessorModel::PlatformDefault
            | ProcessorModel::Migratable => {
                let why = "the guest sees all that QEMU can show it on this host";
                self.losses.approximated("processors.model", why);
                if translated { "max" } else { "host" }.to_owned()
            }
        };
        for feature in &own.features {
            let shown = match feature.policy {
                FeaturePolicy::Force | FeaturePolicy::Require | FeaturePolicy::Optional => "on",
                FeaturePolicy::Disable | FeaturePolicy::Forbid => "off",
            };
            if is_word(&feature.name) {
                cpu.push_str(&format!(",{}={shown}", feature.name));
            } else {
                let why = format!("{:?} is no name of a feature in QEMU", feature.name);
                self.losses.dropped("processors.features", why);
            }
        }
        let enlightened = integration(self.spec);
        if enlightened.contains(&IntegrationService::HypervEnlightenments) {
            if translated {
                let why = "Hyper-V's enlightenments need KVM";
                self.losses.dropped("integration", why);
            } else {
                cpu.push_str(&enlightenments());
            }
        }
        if own.nested && matches!(own.model, ProcessorModel::Named(_)) {
            let why = "add vmx=on or svm=on to -cpu, by the host's vendor";
            self.losses.approximated("processors.nested", why);
        }
        cpu
    }

    fn topology(&mut self) {
        let own = &self.spec.processors;
        let mut smp = format!("cpus={}", own.online.unwrap_or(own.count));
        if own.online.is_some() {
            smp.push_str(&format!(",maxcpus={}", own.count));
        }
        let parts = match own.topology {
            Some(topology) => [
                ("sockets", topology.sockets),
                ("dies", topology.dies),
                ("cores", topology.cores),
                ("threads", topology.threads),
            ],
            None => [
                ("sockets", 1),
                ("dies", 1),
                ("cores", own.count),
                ("threads", 1),
            ],
        };
        for (name, count) in parts {
            smp.push_str(&format!(",{name}={count}"));
        }
        self.pair("-smp", smp);
    }

    fn numa(&mut self) {
        let total = self.spec.numa.iter().map(|node| node.memory_bytes);
        let total = total.fold(0_u64, u64::saturating_add);
        if self.spec.numa.is_empty() {
            return;
        }
        // QEMU wants the nodes to have all of the memory between them.
        if total != self.spec.memory.startup_bytes {
            let why = "the nodes have another amount of memory than the guest starts with";
            self.losses.dropped("numa", why);
            return;
        }
        for (index, node) in self.spec.numa.iter().enumerate() {
            let size_kib = node.memory_bytes / 1024;
            self.pair(
                "-object",
                format!("memory-backend-ram,id=ram{index},size={size_kib}k"),
            );
            let cpus: Vec<String> = node
                .processors
                .split(',')
                .map(|part| format!("cpus={part}"))
                .collect();
            self.pair(
                "-numa",
                format!("node,nodeid={index},memdev=ram{index},{}", cpus.join(",")),
            );
        }
    }

    pub(super) fn firmware(&mut self) {
        if !self.spec.firmware.is_uefi() {
            return;
        }
        if self.spec.firmware.has_secure_boot() {
            self.pair("-global", "driver=cfi.pflash01,property=secure,value=on");
        }
        self.script_pair(
            "-drive",
            "\"if=pflash,format=raw,unit=0,readonly=on,file=$code\"",
        );
        self.script_pair(
            "-drive",
            "\"if=pflash,format=raw,unit=1,file=$state/uefi-vars.fd\"",
        );
    }
}

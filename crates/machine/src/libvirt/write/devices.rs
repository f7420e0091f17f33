//! Serial ports, channels, TPM, screen.

use super::super::standard;
use super::Writing;
use super::fragments::{of_tpm, put_into};
use crate::kvm::integration;
use crate::spec::{
    Display, IntegrationService, SerialBackend, SerialPort, TpmInterface, TpmVersion,
};
use crate::xml::Element;

impl Writing<'_> {
    pub(super) fn devices(&mut self, devices: &mut Element) {
        for (index, port) in self.spec.serial_ports.iter().enumerate() {
            let own = self.serial_port(index, port);
            devices.push(own);
        }
        if let Some(own) = self.tpm() {
            devices.push(own);
        }
        self.integration(devices);
        self.display(devices);
    }

    fn serial_port(&mut self, index: usize, port: &SerialPort) -> Element {
        let field = format!("serial_ports[{index}].backend");
        let own = Element::new("serial");
        let source = Element::new("source");
        let mut own = match &port.backend {
            SerialBackend::Pty => own.with("type", "pty"),
            SerialBackend::Null => own.with("type", "null"),
            SerialBackend::UnixSocket { path } => {
                let source = source.with("mode", "bind");
                let source = match path {
                    Some(path) => source.with("path", path.as_str()),
                    None => source,
                };
                own.with("type", "unix").holding(source)
            }
            SerialBackend::File { path } => {
                let source = source.with("path", path.as_str());
                own.with("type", "file").holding(source)
            }
            SerialBackend::NamedPipe { .. } => {
                let why = "a named pipe of Windows becomes a pseudo terminal: `virsh console`";
                self.losses.approximated(field, why);
                own.with("type", "pty")
            }
            SerialBackend::Other { name } => {
                if port
                    .extensions
                    .get(super::super::SOURCE, "serial")
                    .is_some()
                {
                    own.with("type", name.as_str())
                } else {
                    let why = "libvirt knows nothing of where this ends: a pseudo terminal";
                    self.losses.approximated(field, why);
                    own.with("type", "pty")
                }
            }
        };
        let target = Element::new("target").with("type", "isa-serial");
        own.push(target.with("port", port.port.to_string()));
        put_into(&mut own, &port.extensions);
        own
    }

    fn tpm(&mut self) -> Option<Element> {
        let tpm = self.spec.tpm.as_ref()?;
        let (model, version) = match (tpm.version, tpm.interface) {
            (TpmVersion::V1_2, interface) => {
                if interface == TpmInterface::Crb {
                    let why = "a TPM 1.2 talks by TIS alone";
                    self.losses.approximated("tpm.interface", why);
                }
                ("tpm-tis", "1.2")
            }
            (TpmVersion::V2_0, TpmInterface::Crb) => ("tpm-crb", "2.0"),
            (TpmVersion::V2_0, TpmInterface::Tis) => ("tpm-tis", "2.0"),
        };
        let backend = Element::new("backend").with("type", "emulator");
        let mut own = Element::new("tpm").with("model", model);
        own.push(backend.with("version", version));
        if let Some(kept) = of_tpm(self.spec) {
            own.merge(kept);
        }
        Some(own)
    }

    fn integration(&mut self, devices: &mut Element) {
        let services = integration(self.spec);
        let has = |service| services.contains(&service);
        if has(IntegrationService::QemuGuestAgent) {
            devices.push(standard::channel(standard::AGENT_CHANNEL));
        }
        if has(IntegrationService::SpiceAgent) {
            if self.fragments.has_device("graphics") {
                devices.push(standard::channel(standard::SPICE_CHANNEL));
            } else {
                let why = "SPICE's agent has nobody to talk to without a SPICE screen";
                self.losses.dropped("integration", why);
            }
        }
        for (service, name, element) in [
            (IntegrationService::Entropy, "rng", standard::entropy()),
            (
                IntegrationService::PanicNotifier,
                "panic",
                standard::panic_notifier(),
            ),
        ] {
            if has(service) && !self.fragments.has_device(name) {
                devices.push(element);
            }
        }
        devices.push(if has(IntegrationService::Balloon) {
            standard::balloon()
        } else {
            Element::new("memballoon").with("model", "none")
        });
    }

    fn display(&mut self, devices: &mut Element) {
        let kept = ["graphics", "video", "input"];
        let is_kept = kept.iter().any(|name| self.fragments.has_device(name));
        match self.spec.display {
            Display::Present if !is_kept => devices.children.extend(standard::display()),
            Display::Present | Display::Absent => {}
        }
    }
}

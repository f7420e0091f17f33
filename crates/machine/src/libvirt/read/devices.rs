//! Serial ports, channels, TPM, and what has a standard form.

use super::super::{SOURCE, standard};
use super::values::{take_number, wrong};
use super::{ReadError, Reading};
use crate::spec::{
    Display, Extensions, IntegrationService, PassthroughKind, SerialBackend, SerialPort, Tpm,
    TpmInterface, TpmVersion,
};
use crate::xml::Element;

impl Reading {
    pub(super) fn devices(&mut self, devices: &mut Element) -> Result<(), ReadError> {
        self.addresses(devices);
        self.serial_ports(devices)?;
        self.tpm(devices)?;
        self.integration(devices);
        self.display(devices);
        self.host_devices(devices);
        Ok(())
    }

    /// Takes the places on buses off whatever is left.
    fn addresses(&mut self, devices: &mut Element) {
        for own in std::mem::take(&mut devices.children) {
            let own = self.addressed(own);
            devices.push(own);
        }
    }

    fn serial_ports(&mut self, devices: &mut Element) -> Result<(), ReadError> {
        let mut next: u32 = 0;
        for mut own in devices.take_children("serial") {
            let is_isa = own
                .child("target")
                .and_then(|target| target.attribute("type"))
                .is_none_or(|kind| kind == "isa-serial" || kind == "isa");
            if !is_isa {
                devices.push(own);
                continue;
            }
            let port = own.edit("target", |target| {
                target.take("type");
                target.take_child("model");
                take_number(target, "port")
            });
            let port: u32 = port.transpose()?.flatten().unwrap_or(next);
            next = port.saturating_add(1);
            let backend = backend(&mut own);
            let mut extensions = Extensions::default();
            if !own.is_spent() {
                let field = format!("serial_ports[{}].extensions", self.spec.serial_ports.len());
                self.losses
                    .kept(field, "libvirt's own words on this serial port");
                extensions.insert(SOURCE, "serial", own.kept());
            }
            self.spec.serial_ports.push(SerialPort {
                port,
                backend,
                extensions,
            });
        }
        // libvirt says the first serial port again as a console.
        let consoles = devices.take_children("console");
        for own in consoles {
            let kind = own.child("target").and_then(|own| own.attribute("type"));
            if kind.is_some_and(|kind| kind != "serial") {
                devices.push(own);
            } else if self.spec.serial_ports.is_empty() {
                self.spec.serial_ports.push(SerialPort {
                    port: 0,
                    backend: SerialBackend::Pty,
                    extensions: Extensions::default(),
                });
            }
        }
        Ok(())
    }

    fn tpm(&mut self, devices: &mut Element) -> Result<(), ReadError> {
        let Some(mut own) = devices.take_child("tpm") else {
            return Ok(());
        };
        let interface = match own.take("model").as_deref() {
            Some("tpm-crb") => TpmInterface::Crb,
            // libvirt's default.
            Some("tpm-tis") | None => TpmInterface::Tis,
            Some(other) => {
                return Err(ReadError::Unsupported {
                    what: "a TPM of this kind",
                    text: other.chars().take(64).collect(),
                });
            }
        };
        let backend = own.child("backend");
        let kind = backend.and_then(|own| own.attribute("type"));
        if kind == Some("passthrough") {
            let own = own.clone();
            self.pass_through(PassthroughKind::Tpm, "TPM", &own);
            return Ok(());
        }
        let version = match backend.and_then(|own| own.attribute("version")) {
            Some("1.2") => TpmVersion::V1_2,
            Some("2.0") | None => TpmVersion::V2_0,
            Some(other) => return Err(wrong("tpm/backend@version", other, "version of a TPM")),
        };
        self.spec.tpm = Some(Tpm { version, interface });
        own.edit("backend", |backend| {
            backend.take("type");
            backend.take("version");
        });
        if !own.is_spent() {
            let why = "libvirt's own words on the TPM; what it holds never moves";
            self.losses.kept("extensions.libvirt.tpm", why);
            self.spec.extensions.insert(SOURCE, "tpm", own.kept());
        }
        Ok(())
    }

    fn integration(&mut self, devices: &mut Element) {
        let services = &mut self.spec.integration;
        for own in devices.take_children("channel") {
            let name = own.child("target").and_then(|own| own.attribute("name"));
            match name {
                Some(standard::AGENT_CHANNEL) => {
                    services.insert(IntegrationService::QemuGuestAgent)
                }
                Some(standard::SPICE_CHANNEL) => services.insert(IntegrationService::SpiceAgent),
                Some(_) | None => {
                    devices.push(own);
                    continue;
                }
            };
        }
        // libvirt adds a balloon where nothing is said of one.
        match devices.take_child("memballoon") {
            None => {
                services.insert(IntegrationService::Balloon);
            }
            Some(own) if own.attribute("model") == Some("none") => {}
            Some(own) => {
                services.insert(IntegrationService::Balloon);
                if own != standard::balloon() {
                    devices.push(own);
                }
            }
        }
        for (name, service, usual) in [
            ("rng", IntegrationService::Entropy, standard::entropy()),
            (
                "panic",
                IntegrationService::PanicNotifier,
                standard::panic_notifier(),
            ),
        ] {
            let all = devices.take_children(name);
            if !all.is_empty() {
                services.insert(service);
            }
            let others = all.into_iter().filter(|own| *own != usual);
            devices.children.extend(others);
        }
    }

    fn display(&mut self, devices: &mut Element) {
        let has = |name: &str| devices.child(name).is_some();
        if has("graphics") || has("video") {
            self.spec.display = Display::Present;
        }
        // What libvirt has on every machine for x86.
        let plain = |own: &Element| {
            let kind = own.attribute("type");
            own.name == "input"
                && own.attribute("bus") == Some("ps2")
                && matches!(kind, Some("mouse" | "keyboard"))
        };
        devices.children.retain(|own| !plain(own));
        let usual = standard::display();
        let names = ["graphics", "video", "input"];
        let own: Vec<&Element> = devices
            .children
            .iter()
            .filter(|own| names.contains(&own.name.as_str()))
            .collect();
        if own.len() == usual.len() && usual.iter().all(|usual| own.contains(&usual)) {
            devices
                .children
                .retain(|own| !names.contains(&own.name.as_str()));
        }
    }

    fn host_devices(&mut self, devices: &mut Element) {
        for own in devices.take_children("hostdev") {
            let kind = match own.attribute("type") {
                Some("pci") => PassthroughKind::Pci,
                Some("mdev") => PassthroughKind::Mediated,
                Some("usb") => PassthroughKind::Usb,
                Some("scsi" | "scsi_host") => PassthroughKind::Scsi,
                Some(_) | None => PassthroughKind::Other,
            };
            let name = own.child("source").map(places).unwrap_or_default();
            self.pass_through(kind, &name, &own);
        }
        for own in devices.take_children("filesystem") {
            let source = own.child("source");
            let name = source
                .and_then(|own| own.attribute("dir").or(own.attribute("socket")))
                .unwrap_or("a folder");
            self.pass_through(PassthroughKind::Folder, name, &own);
        }
    }
}

/// What a source says of itself: the values of whatever is in it.
fn places(source: &Element) -> String {
    let inner = source.children.iter().flat_map(|own| own.attributes.iter());
    let all = source.attributes.iter().chain(inner);
    let values: Vec<String> = all.map(|(name, value)| format!("{name}={value}")).collect();
    values.join(" ")
}

/// Where the other end is; what is understood is taken out.
fn backend(own: &mut Element) -> SerialBackend {
    let kind = own.take("type").unwrap_or_else(|| "pty".to_owned());
    let path = own.child("source").and_then(|own| own.attribute("path"));
    let path = path.map(str::to_owned);
    match (kind.as_str(), path) {
        ("pty", _) => {
            // Of a domain that runs: which one it is.
            own.take_of("source", "path");
            own.take("tty");
            SerialBackend::Pty
        }
        ("null", _) => SerialBackend::Null,
        ("file", Some(path)) => {
            own.take_of("source", "path");
            SerialBackend::File { path }
        }
        ("unix", path) if listens(own) => {
            own.edit("source", |source| {
                source.take("mode");
                source.take("path");
            });
            SerialBackend::UnixSocket { path }
        }
        _ => SerialBackend::Other { name: kind },
    }
}

fn listens(own: &Element) -> bool {
    let mode = own.child("source").and_then(|own| own.attribute("mode"));
    mode == Some("bind")
}

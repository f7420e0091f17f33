//! Serial ports, screen, TPM, and what the host offers.

use super::{Writing, escaped};
use crate::kvm::integration;
use crate::spec::{Display, IntegrationService, SerialBackend, TpmInterface, TpmVersion};

impl Writing<'_> {
    pub(super) fn devices(&mut self) {
        self.serial_ports();
        self.integration();
        if let Some(tpm) = &self.spec.tpm {
            self.script_pair("-chardev", "\"socket,id=tpm-control,path=$state/tpm.sock\"");
            self.pair("-tpmdev", "emulator,id=tpm0,chardev=tpm-control");
            let device = match (tpm.version, tpm.interface) {
                (TpmVersion::V2_0, TpmInterface::Crb) => "tpm-crb,tpmdev=tpm0",
                (TpmVersion::V2_0, TpmInterface::Tis) => "tpm-tis,tpmdev=tpm0",
                (TpmVersion::V1_2, interface) => {
                    if interface == TpmInterface::Crb {
                        let why = "a TPM 1.2 talks by TIS alone";
                        self.losses.approximated("tpm.interface", why);
                    }
                    "tpm-tis,tpmdev=tpm0"
                }
            };
            self.pair("-device", device);
        }
        match self.spec.display {
            Display::Absent => self.pair("-display", "none"),
            Display::Present => {
                self.pair("-device", "VGA");
                self.pair("-device", "qemu-xhci,id=usb-input");
                self.pair("-device", "usb-tablet,bus=usb-input.0");
                self.pair("-vnc", "127.0.0.1:0,to=99");
            }
        }
    }

    fn serial_ports(&mut self) {
        let mut ports: Vec<_> = self.spec.serial_ports.iter().enumerate().collect();
        ports.sort_by_key(|(_, port)| port.port);
        let mut next = 0;
        for (index, port) in ports {
            while next < port.port {
                self.pair("-serial", "none");
                next = next.saturating_add(1);
            }
            next = next.saturating_add(1);
            let value = self.backend(index, port.port, &port.backend);
            self.pair("-serial", value);
        }
    }

    fn backend(&mut self, index: usize, port: u32, backend: &SerialBackend) -> String {
        let field = format!("serial_ports[{index}].backend");
        let chardev = match backend {
            SerialBackend::Null => return "null".to_owned(),
            // The first one is where the script is started; Ctrl-A C is QEMU's monitor.
            SerialBackend::Pty if port == 0 => return "mon:stdio".to_owned(),
            SerialBackend::Pty => return "pty".to_owned(),
            SerialBackend::File { path } => {
                format!("file,id=serial{port},path={}", escaped(path))
            }
            SerialBackend::UnixSocket { path: Some(path) } => format!(
                "socket,id=serial{port},path={},server=on,wait=off",
                escaped(path)
            ),
            SerialBackend::UnixSocket { path: None }
            | SerialBackend::NamedPipe { .. }
            | SerialBackend::Other { .. } => {
                let why = "a pseudo terminal, which QEMU names when it starts";
                self.losses.approximated(field, why);
                return "pty".to_owned();
            }
        };
        self.pair("-chardev", chardev);
        format!("chardev:serial{port}")
    }

    fn integration(&mut self) {
        let services = integration(self.spec);
        let has = |service| services.contains(&service);
        if has(IntegrationService::QemuGuestAgent) {
            self.pair("-device", "virtio-serial-pci");
            self.script_pair(
                "-chardev",
                "\"socket,id=agent,path=$state/agent.sock,server=on,wait=off\"",
            );
            self.pair(
                "-device",
                "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            );
        }
        if has(IntegrationService::Entropy) {
            self.pair("-object", "rng-random,id=rng0,filename=/dev/urandom");
            self.pair("-device", "virtio-rng-pci,rng=rng0");
        }
        if has(IntegrationService::Balloon) {
            self.pair("-device", "virtio-balloon-pci");
        }
        if has(IntegrationService::PanicNotifier) {
            self.pair("-device", "pvpanic");
        }
        if has(IntegrationService::SpiceAgent) {
            let why = "the screen is VNC's: SPICE's agent has nobody to talk to";
            self.losses.dropped("integration", why);
        }
    }
}

//! Board, firmware, features, clock, what happens at the end.

use super::super::standard;
use super::values::wrong;
use super::{ReadError, Reading};
use crate::spec::{
    Chipset, Clock, CrashAction, DiskDevice, Firmware, IntegrationService, SecureBoot,
    SecureBootKeys,
};
use crate::xml::Element;

impl Reading {
    pub(super) fn system(&mut self, domain: &mut Element) -> Result<(), ReadError> {
        let mut os = domain
            .take_child("os")
            .ok_or(ReadError::Missing { element: "os" })?;
        let machine = os
            .take_child("type")
            .and_then(|mut own| own.take("machine"));
        self.board(machine.as_deref())?;
        self.firmware(&mut os)?;
        if os.child("kernel").is_some() {
            let why = "the domain is started with a kernel of its host's, not by its own loader: \
                       elsewhere the disk must start it";
            self.losses.approximated("extensions.libvirt.os", why);
        }
        if !os.is_spent() {
            domain.push(os);
        }
        Ok(())
    }

    /// `pc-q35-7.2`, `pc-i440fx-rhel7.6.0`, `q35`, `pc`.
    fn board(&mut self, machine: Option<&str>) -> Result<(), ReadError> {
        let machine = machine.unwrap_or("pc");
        let (chipset, alias) = if machine == "q35" || machine.starts_with("pc-q35") {
            (Chipset::Q35, "q35")
        } else if machine == "pc" || machine.starts_with("pc-i440fx") {
            (Chipset::I440fx, "pc")
        } else {
            return Err(ReadError::Unsupported {
                what: "a board of this kind",
                text: machine.chars().take(64).collect(),
            });
        };
        self.spec.chipset = Some(chipset);
        if machine != alias {
            let why = format!("{machine} becomes the newest {alias} that the other host has");
            self.losses.approximated("extensions.libvirt.machine", why);
            let extensions = &mut self.spec.extensions;
            extensions.insert(super::super::SOURCE, "machine", machine);
        }
        Ok(())
    }

    fn firmware(&mut self, os: &mut Element) -> Result<(), ReadError> {
        let automatic = os.take("firmware");
        let mut loader = os.take_child("loader");
        let flash = loader
            .as_ref()
            .is_some_and(|loader| loader.attribute("type") == Some("pflash"));
        let uefi = match automatic.as_deref() {
            Some("efi") => true,
            Some("bios") => false,
            Some(other) => return Err(wrong("os@firmware", other, "firmware that is known")),
            None => flash,
        };
        if !uefi {
            if let Some(loader) = loader {
                os.push(loader);
            }
            return Ok(());
        }
        let secure = loader
            .as_mut()
            .and_then(|loader| loader.take("secure"))
            .is_some_and(|secure| secure == "yes");
        let boot = secure_boot(os, secure);
        self.spec.firmware = Firmware::Uefi { secure_boot: boot };
        if let Some(mut loader) = loader {
            for (name, value) in [("readonly", "yes"), ("type", "pflash"), ("format", "raw")] {
                loader.take_if(name, value);
            }
            // Where one host has its firmware says nothing to another; it is chosen again.
            loader.text.clear();
            if !loader.is_spent() {
                os.push(loader);
            }
        }
        if os.take_child("nvram").is_some() {
            let why = "UEFI's variables, boot entries among them, are made anew: the guest starts \
                       by \\EFI\\BOOT\\BOOTX64.EFI, which must be there";
            self.losses.dropped("firmware.variables", why);
        }
        Ok(())
    }

    pub(super) fn features(&mut self, domain: &mut Element) {
        let Some(mut own) = domain.take_child("features") else {
            let why = "the domain has no ACPI; every other platform has";
            self.losses.approximated("extensions.libvirt.features", why);
            return;
        };
        if own.take_child("acpi").is_none() {
            let why = "the domain has no ACPI; every other platform has";
            self.losses.approximated("extensions.libvirt.features", why);
        }
        own.take_child("apic");
        if self.spec.firmware.has_secure_boot() {
            own.edit("smm", |smm| smm.take_if("state", "on"));
        }
        if let Some(hyperv) = own.take_child("hyperv") {
            let service = IntegrationService::HypervEnlightenments;
            self.spec.integration.insert(service);
            if hyperv != standard::hyperv() {
                own.push(hyperv);
            }
        }
        if !own.is_spent() {
            domain.push(own);
        }
    }

    pub(super) fn clock(&mut self, domain: &mut Element) {
        let Some(mut own) = domain.take_child("clock") else {
            return;
        };
        let offset = own.take("offset");
        self.spec.clock = match offset.as_deref() {
            Some("localtime") => Clock::LocalTime,
            Some("timezone") => match own.take("timezone") {
                Some(name) => Clock::Timezone { name },
                None => Clock::Utc,
            },
            Some("variable" | "absolute") => {
                let local = own.take("basis").as_deref() == Some("localtime");
                let why = "the clock's distance from the host's is not carried over";
                self.losses.approximated("clock", why);
                own.take("adjustment");
                own.take("start");
                if local { Clock::LocalTime } else { Clock::Utc }
            }
            None | Some(_) => Clock::Utc,
        };
        let enlightened = self
            .spec
            .integration
            .contains(&IntegrationService::HypervEnlightenments);
        if own.children == standard::timers(enlightened) {
            own.children.clear();
        }
        if !own.is_spent() {
            domain.push(own);
        }
    }

    pub(super) fn policy(&mut self, domain: &mut Element) {
        for (name, usual) in [("on_poweroff", "destroy"), ("on_reboot", "restart")] {
            if domain.child(name).and_then(Element::text) == Some(usual) {
                domain.take_child(name);
            }
        }
        let action = match domain.child("on_crash").and_then(Element::text) {
            Some("destroy") => Some(CrashAction::Stop),
            Some("restart") => Some(CrashAction::Restart),
            Some("preserve") => Some(CrashAction::Preserve),
            Some(_) | None => None,
        };
        if let Some(action) = action {
            self.spec.lifecycle.on_crash = action;
            domain.take_child("on_crash");
        }
    }

    /// `<boot dev='…'/>`, which names kinds of devices: the first of each, in this order. It counts
    /// only where no device has a rank of its own, which libvirt sees to.
    pub(super) fn boot_devices(&mut self, domain: &mut Element) {
        let kinds = domain
            .edit("os", |os| os.take_children("boot"))
            .unwrap_or_default();
        let mut rank = 0_u32;
        for kind in kinds {
            let place = match kind.attribute("dev") {
                Some("network") => {
                    let nic = self.spec.nics.first_mut();
                    nic.map(|nic| &mut nic.boot_order)
                }
                Some("cdrom") => self.first(DiskDevice::Cdrom),
                Some("fd") => self.first(DiskDevice::Floppy),
                Some(_) | None => self.first(DiskDevice::Disk),
            };
            let free = place.filter(|order| order.is_none());
            if let Some(order) = free {
                rank = rank.saturating_add(1);
                *order = Some(rank);
            }
        }
    }

    fn first(&mut self, device: DiskDevice) -> Option<&mut Option<u32>> {
        let mut disks = self.spec.disks.iter_mut();
        let disk = disks.find(|disk| disk.device == device);
        disk.map(|disk| &mut disk.boot_order)
    }
}

/// What `<firmware>` asks for; `secure` is what an explicit loader says.
fn secure_boot(os: &mut Element, secure: bool) -> SecureBoot {
    let asked = |os: &Element, name: &str| -> Option<bool> {
        let mut all = os.child("firmware")?.all("feature");
        let feature = all.find(|feature| feature.attribute("name") == Some(name))?;
        Some(feature.attribute("enabled") == Some("yes"))
    };
    let on = asked(os, "secure-boot").unwrap_or(secure);
    let enrolled = asked(os, "enrolled-keys");
    // A file of variables that is copied from says whose keys are in it.
    let template = os.child("nvram").and_then(|own| own.attribute("template"));
    let known = template.is_none_or(|path| {
        let file = path.rsplit('/').next().unwrap_or(path);
        file.contains("secboot") || file.contains(".ms.") || file.contains("secure")
    });
    // Without keys the firmware is in its setup mode and starts everything.
    if !on || enrolled == Some(false) {
        if asked(os, "secure-boot") == Some(false) || !on {
            os.take_child("firmware");
        }
        return SecureBoot::Off;
    }
    os.take_child("firmware");
    let keys = if enrolled == Some(true) || known {
        SecureBootKeys::MicrosoftBoth
    } else {
        SecureBootKeys::Custom
    };
    SecureBoot::On { keys }
}

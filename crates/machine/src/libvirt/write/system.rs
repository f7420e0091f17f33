//! Board, firmware, features, clock, what happens at the end.

use super::super::standard;
use super::Writing;
use super::basics::text;
use crate::kvm::{chipset, integration};
use crate::qemu::Accelerator;
use crate::spec::{Chipset, Clock, CrashAction, IntegrationService};
use crate::xml::Element;

impl Writing<'_> {
    pub(super) fn system(&mut self, domain: &mut Element) {
        let machine = match chipset(self.spec) {
            Chipset::Q35 => "q35",
            Chipset::I440fx => "pc",
        };
        if self.spec.chipset != Some(chipset(self.spec)) {
            let why = "the board is a q35";
            self.losses.approximated("chipset", why);
        }
        let kind = text("type", "hvm").with("arch", "x86_64");
        let mut os = Element::new("os").holding(kind.with("machine", machine));
        if self.spec.firmware.is_uefi() {
            os.attributes
                .push(("firmware".to_owned(), "efi".to_owned()));
            os.push(self.firmware_features());
        }
        domain.push(os);
        domain.push(self.features());
        domain.push(self.clock());
        for (name, action) in [("on_poweroff", "destroy"), ("on_reboot", "restart")] {
            let is_kept = self.fragments.of_domain(name).is_some();
            if !is_kept {
                domain.push(text(name, action));
            }
        }
        if self.fragments.of_domain("on_crash").is_none() {
            domain.push(text("on_crash", crash(self.spec.lifecycle.on_crash)));
        }
    }

    /// libvirt finds a file of firmware that does this.
    fn firmware_features(&self) -> Element {
        let on = self.spec.firmware.has_secure_boot();
        let enabled = if on { "yes" } else { "no" };
        let feature = |name: &str| {
            let own = Element::new("feature").with("enabled", enabled);
            own.with("name", name)
        };
        let mut own = Element::new("firmware");
        if on {
            own.push(feature("enrolled-keys"));
        }
        own.push(feature("secure-boot"));
        own
    }

    fn features(&mut self) -> Element {
        let mut own = Element::new("features")
            .holding(Element::new("acpi"))
            .holding(Element::new("apic"));
        // What is enrolled can be changed only from system management mode.
        if self.spec.firmware.has_secure_boot() {
            own.push(Element::new("smm").with("state", "on"));
        }
        if self.is_enlightened() {
            let kept = self.fragments.of_domain("features");
            if kept.is_none_or(|kept| kept.child("hyperv").is_none()) {
                own.push(standard::hyperv());
            }
        }
        own
    }

    /// Whether the guest is shown what Hyper-V would show.
    fn is_enlightened(&mut self) -> bool {
        let service = IntegrationService::HypervEnlightenments;
        let asked = integration(self.spec).contains(&service);
        let possible = self.options.accelerator == Accelerator::Kvm;
        if asked && !possible {
            let why = "Hyper-V's enlightenments need KVM";
            self.losses.dropped("integration", why);
        } else if asked && !self.spec.integration.contains(&service) {
            let why = "Windows is shown what Hyper-V would show";
            self.losses.approximated("integration", why);
        }
        asked && possible
    }

    fn clock(&mut self) -> Element {
        let own = Element::new("clock");
        let mut own = match &self.spec.clock {
            Clock::Utc => own.with("offset", "utc"),
            Clock::LocalTime => own.with("offset", "localtime"),
            Clock::Timezone { name } => {
                let own = own.with("offset", "timezone");
                own.with("timezone", name.as_str())
            }
        };
        let service = IntegrationService::HypervEnlightenments;
        let enlightened = self.options.accelerator == Accelerator::Kvm
            && integration(self.spec).contains(&service);
        let kept = self.fragments.of_domain("clock");
        if kept.is_none_or(|kept| kept.children.is_empty()) {
            own.children = standard::timers(enlightened);
        }
        own
    }
}

fn crash(action: CrashAction) -> &'static str {
    match action {
        CrashAction::Stop => "destroy",
        CrashAction::Restart => "restart",
        CrashAction::Preserve => "preserve",
    }
}

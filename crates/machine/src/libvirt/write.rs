//! A [`MachineSpec`] as a domain's XML.

mod basics;
mod cards;
mod devices;
mod disks;
mod fragments;
mod system;

use self::fragments::Fragments;
use super::read::from_libvirt;
use super::remainder::Remainder;
use crate::kvm::{KvmOptions, common, hardware_losses};
use crate::loss::Losses;
use crate::qemu::Accelerator;
use crate::spec::{MachineSpec, SpecError};
use crate::xml::Element;

/// A domain that is being written.
struct Writing<'a> {
    spec: &'a MachineSpec,
    options: &'a KvmOptions,
    fragments: Fragments,
    losses: Losses,
}

/// Writes a domain for QEMU, ready for `virsh define`.
///
/// Shut gates ([`Losses::gates`]) are for the caller to respect: what they are about is not in the
/// XML.
///
/// # Errors
/// The rule that the definition breaks.
pub fn to_libvirt(spec: &MachineSpec, options: &KvmOptions) -> Result<(String, Losses), SpecError> {
    spec.validate()?;
    let mut losses = Losses::new();
    common(spec, &mut losses);
    hardware_losses(spec, options.devices, &mut losses);
    let fragments = Fragments::of(spec, &mut losses);
    let mut writing = Writing {
        spec,
        options,
        fragments,
        losses,
    };
    let mut domain = writing.domain();
    let remainder = Remainder::of(spec, &mut writing.losses);
    let is_needless = from_libvirt(domain.write().as_bytes())
        .is_ok_and(|(read_back, _)| remainder.is_needless(&read_back));
    if !is_needless {
        let metadata = domain.children.iter_mut();
        let metadata = metadata.into_iter().find(|own| own.name == "metadata");
        match metadata {
            Some(metadata) => metadata.push(remainder.element()),
            None => domain.push(Element::new("metadata").holding(remainder.element())),
        }
    }
    Ok((domain.write(), writing.losses))
}

impl Writing<'_> {
    fn domain(&mut self) -> Element {
        let kind = match self.options.accelerator {
            Accelerator::Kvm => "kvm",
            Accelerator::Tcg => "qemu",
        };
        let mut domain = Element::new("domain").with("type", kind);
        self.identity(&mut domain);
        self.memory(&mut domain);
        self.processors(&mut domain);
        self.system(&mut domain);
        let mut devices = Element::new("devices");
        self.disks(&mut devices);
        self.cards(&mut devices);
        self.devices(&mut devices);
        self.fragments.put_into_devices(&mut devices);
        domain.push(devices);
        self.fragments.put_into_domain(&mut domain);
        domain
    }
}

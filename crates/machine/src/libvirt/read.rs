//! A domain's XML as a [`MachineSpec`].

mod basics;
mod cards;
mod devices;
mod disks;
mod leftovers;
mod system;
mod values;

pub(super) use basics::PERIOD_US;

use super::remainder::Remainder;
use crate::loss::{Gate, Losses};
use crate::spec::{Firmware, MachineSpec, SpecError};
use crate::xml::{Element, XmlError, parse};

/// Why a domain's XML could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is no XML, or larger or deeper than any definition.
    #[error("not XML that describes a machine")]
    Xml(#[from] XmlError),
    /// It is another document.
    #[error("the document is a <{root}>, not libvirt's <domain>")]
    NotADomain {
        /// The outermost element.
        root: String,
    },
    /// Something that a domain must have is missing.
    #[error("the domain has no <{element}>")]
    Missing {
        /// What.
        element: &'static str,
    },
    /// A value is none.
    #[error("{field} is {text:?}, which is no {what}")]
    Value {
        /// Where it stands.
        field: String,
        /// The text, shortened.
        text: String,
        /// What it should be.
        what: &'static str,
    },
    /// It is a domain of a kind that has no counterpart.
    #[error("{what} is not read: {text:?}")]
    Unsupported {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        text: String,
    },
    /// What it describes breaks a rule.
    #[error("the domain describes no machine that there can be")]
    Rule(#[from] SpecError),
}

/// A domain that is being read.
struct Reading {
    spec: MachineSpec,
    losses: Losses,
    /// Whether a device said on which place of the PCI bus it is.
    has_addresses: bool,
}

/// Reads a domain's XML: as `virsh dumpxml` gives it, `--inactive` or not.
///
/// The report has what the definition has no word for; see the module's page.
///
/// # Errors
/// [`ReadError`]. A domain that is no x86 machine of QEMU's is unsupported.
pub fn from_libvirt(xml: &[u8]) -> Result<(MachineSpec, Losses), ReadError> {
    let mut domain = parse(xml)?;
    if domain.name != "domain" {
        let root = domain.name;
        return Err(ReadError::NotADomain { root });
    }
    supported(&mut domain)?;
    let name = domain.take_text("name");
    let name = name.ok_or(ReadError::Missing { element: "name" })?;
    let mut reading = Reading {
        spec: MachineSpec::new(&name, 1, 1024, Firmware::Bios),
        losses: Losses::new(),
        has_addresses: false,
    };
    let remainder = Remainder::take(&mut domain, &mut reading.losses);
    reading.read(&mut domain)?;
    if let Some(remainder) = remainder {
        remainder.restore(&mut reading.spec, &mut reading.losses);
    }
    reading.spec.validate()?;
    Ok((reading.spec, reading.losses))
}

impl Reading {
    fn read(&mut self, domain: &mut Element) -> Result<(), ReadError> {
        self.identity(domain)?;
        self.memory(domain)?;
        self.processors(domain)?;
        self.system(domain)?;
        self.policy(domain);
        let mut devices = domain
            .take_child("devices")
            .unwrap_or_else(|| Element::new("devices"));
        self.disks(&mut devices)?;
        self.cards(&mut devices)?;
        self.devices(&mut devices)?;
        self.boot_devices(domain);
        self.features(domain);
        self.clock(domain);
        if domain.child("launchSecurity").is_some() {
            let why = "its memory is encrypted by its host's processor: only there it starts";
            self.losses
                .refused("extensions.libvirt.launchSecurity", Gate::Shielded, why);
        }
        self.leftovers(domain, devices);
        Ok(())
    }
}

/// The kinds of domain that this reads: machines for x86 that QEMU runs.
fn supported(domain: &mut Element) -> Result<(), ReadError> {
    let kind = domain.take("type").unwrap_or_default();
    if !matches!(kind.as_str(), "kvm" | "qemu" | "hvf") {
        let what = "a domain of this type";
        return Err(ReadError::Unsupported { what, text: kind });
    }
    // The number of a domain that runs.
    domain.take("id");
    let os = domain
        .child("os")
        .ok_or(ReadError::Missing { element: "os" })?;
    let own = os
        .child("type")
        .ok_or(ReadError::Missing { element: "os/type" })?;
    let text = own.text().unwrap_or_default();
    if text != "hvm" {
        return Err(ReadError::Unsupported {
            what: "an operating system that needs another hypervisor",
            text: text.to_owned(),
        });
    }
    match own.attribute("arch") {
        None | Some("x86_64" | "i686") => Ok(()),
        Some(text) => Err(ReadError::Unsupported {
            what: "a machine of this architecture",
            text: text.to_owned(),
        }),
    }
}

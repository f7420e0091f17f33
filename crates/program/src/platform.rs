//! Platforms: hypervisor products and releases.

use std::sync::OnceLock;

use crate::data::{NamedHost, data};

/// A hypervisor product and release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Its name in the facts: `ws2022`, `rhel9`, `ocpv`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What kind of hypervisor it is.
    pub kind: PlatformKind,
}

/// A kind of hypervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformKind {
    /// KVM.
    Kvm,
    /// Hyper-V.
    Hyperv,
}

/// Every platform that the facts speak of.
pub fn platforms() -> &'static [Platform] {
    static ALL: OnceLock<Vec<Platform>> = OnceLock::new();
    ALL.get_or_init(|| {
        let of = |kind| {
            move |host: &NamedHost| Platform {
                id: host.id.clone(),
                name: host.name.clone(),
                kind,
            }
        };
        let kvm = data().windows_on_kvm.hosts.iter();
        let hyperv = data().hyperv.hosts.iter();
        kvm.map(of(PlatformKind::Kvm))
            .chain(hyperv.map(of(PlatformKind::Hyperv)))
            .collect()
    })
}

/// The platform of this name.
#[must_use]
pub fn platform(id: &str) -> Option<&'static Platform> {
    platforms().iter().find(|platform| platform.id == id)
}

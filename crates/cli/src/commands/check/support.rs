//! What vendors say of the guest's release, for the platforms of the profiles.

use detente_guest::Facts;
use detente_guest::check::Profile;
use detente_program::{Guest, PlatformKind, Support, guest_name, platform, support};
use serde::Serialize;

/// Platforms that a server is moved to today. Others are in the facts as well.
const KVM: &[&str] = &["rhel8", "rhel9", "rhel10", "ocpv"];
const HYPERV: &[&str] = &["ws2016", "ws2019", "ws2022", "ws2025", "azure-local"];

/// What vendors say.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    /// The release's name in the facts, if they have it.
    pub(super) guest: Option<&'static str>,
    /// Platform by platform.
    pub(super) platforms: Vec<Support>,
}

/// What is said of a guest on the platforms of these profiles.
pub(super) fn said(facts: &Facts, profiles: &[Profile]) -> Said {
    let system = &facts.operating_system;
    let version = system.version_id.as_deref().unwrap_or_default();
    of(&Guest::linux(&system.id, version), profiles)
}

/// What is said of a guest that is not known: nothing.
pub(super) fn unknown(profiles: &[Profile]) -> Said {
    of(&Guest::linux("", ""), profiles)
}

fn of(guest: &Guest, profiles: &[Profile]) -> Said {
    let wanted = |kind| profiles.iter().any(|own| kind_of(*own) == kind);
    let mut ids: Vec<&str> = Vec::new();
    if wanted(PlatformKind::Kvm) {
        ids.extend(KVM);
    }
    if wanted(PlatformKind::Hyperv) {
        ids.extend(HYPERV);
    }
    let platforms = ids.into_iter().filter_map(platform);
    Said {
        guest: guest_name(guest),
        platforms: platforms.map(|own| support(guest, own)).collect(),
    }
}

fn kind_of(profile: Profile) -> PlatformKind {
    if profile.is_hyperv() {
        PlatformKind::Hyperv
    } else {
        PlatformKind::Kvm
    }
}

#[cfg(test)]
mod tests {
    use super::{HYPERV, KVM, platform};

    #[test]
    fn every_platform_is_in_the_facts() {
        for id in KVM.iter().chain(HYPERV) {
            assert!(platform(id).is_some(), "{id}");
        }
    }
}

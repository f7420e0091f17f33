//! Programs that talk to a host.

use super::{ALL, BOTH_KVM, HYPERV};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{Role, Service, ServiceState};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.agents.hyperv-missing",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: HYPERV,
        title: "Hyper-V's daemons are not installed",
        consequence: "The host sees no addresses of the guest, and its backups are not consistent.",
        remedy: "Install hyperv-daemons (Debian, RHEL, Fedora), linux-cloud-tools-virtual (Ubuntu) \
                 or hyper-v (SUSE).",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Microsoft, Supported Linux and FreeBSD virtual machines for Hyper-V: KVP, VSS",
        look: |view| missing(view, Role::HypervAgent, "hyperv"),
    },
    Rule {
        id: "linux.agents.qemu-missing",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: BOTH_KVM,
        title: "the QEMU guest agent is not installed",
        consequence: "The host sees no addresses of the guest, and its backups are not consistent.",
        remedy: "Install qemu-guest-agent.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "QEMU guest agent: guest-network-get-interfaces, guest-fsfreeze-freeze",
        look: |view| missing(view, Role::KvmAgent, "qemu"),
    },
    Rule {
        id: "linux.agents.hyperv-off",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: HYPERV,
        title: "Hyper-V's daemons are installed and switched off",
        consequence: "The host sees no addresses of the guest, and its backups are not consistent.",
        remedy: "Unmask and enable them: they are idle elsewhere.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "hv-kvp-daemon.service is bound to its device",
        look: |view| switched_off(view, Role::HypervAgent),
    },
    Rule {
        id: "linux.agents.qemu-off",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: BOTH_KVM,
        title: "the QEMU guest agent is installed and switched off",
        consequence: "The host sees no addresses of the guest, and its backups are not consistent.",
        remedy: "Unmask and enable it: it is idle elsewhere.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "qemu-guest-agent.service is bound to its device",
        look: |view| switched_off(view, Role::KvmAgent),
    },
    Rule {
        id: "linux.agents.other-world",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "agents of a third hypervisor are started",
        consequence: "They look for a host that is not there, log errors, and some replace drivers \
                      of screen, network or disk.",
        remedy: "Remove VMware's, VirtualBox's or Xen's tools after the move.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "virt-v2v removes them",
        look: other_world,
    },
    Rule {
        id: "linux.agents.azure",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "Azure's agent is started",
        consequence: "It waits for a service that only Azure has, and may set host name, \
                      resource disk and passwords by its own mind.",
        remedy: "Disable walinuxagent (waagent) outside Azure.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "Azure/WALinuxAgent, README",
        look: azure,
    },
    Rule {
        id: "linux.agents.cloud-init-source",
        aspect: Aspect::Agents,
        severity: Severity::Note,
        profiles: ALL,
        title: "cloud-init looks for a cloud's data",
        consequence: "Where none answers, the boot takes up to two minutes longer; where an empty \
                      one does, it may set network and host name anew.",
        remedy: "Disable it (`touch /etc/cloud/cloud-init.disabled`), or leave `datasource_list: \
                 [ NoCloud, None ]`.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "cloud-init, boot stages and datasource_list",
        look: cloud_init,
    },
];

fn of<'a>(view: &View<'a>, role: Role) -> impl Iterator<Item = &'a Service> {
    let services = view.facts.services.services.iter();
    services.filter(move |own| own.role == role)
}

fn missing(view: &View<'_>, role: Role, word: &str) -> Looked {
    let mut agents = view.facts.agents.iter();
    if of(view, role).next().is_some() || agents.any(|own| own.name.starts_with(word)) {
        return Looked::fine();
    }
    Looked::found([Proof::words("none of its programs and units was found")])
}

/// All of that role are, and at least one is there.
fn switched_off(view: &View<'_>, role: Role) -> Looked {
    let off = |own: &&Service| match own.state {
        ServiceState::Disabled | ServiceState::Masked => true,
        ServiceState::Unknown | ServiceState::Enabled | ServiceState::Static => false,
    };
    if of(view, role).all(|own| off(&own)) {
        Looked::found(of(view, role).map(|own| proof(own, "is switched off")))
    } else {
        Looked::fine()
    }
}

fn is_started(own: &&Service) -> bool {
    own.state == ServiceState::Enabled
}

fn other_world(view: &View<'_>) -> Looked {
    let roles = [Role::VmwareAgent, Role::VirtualboxAgent, Role::XenAgent];
    let services = roles.into_iter().flat_map(|role| of(view, role));
    Looked::found(
        services
            .filter(is_started)
            .map(|own| proof(own, "is started")),
    )
}

fn azure(view: &View<'_>) -> Looked {
    let services = of(view, Role::AzureAgent).filter(is_started);
    Looked::found(services.map(|own| proof(own, "is started")))
}

fn cloud_init(view: &View<'_>) -> Looked {
    let Some(cloud) = &view.facts.services.cloud_init else {
        return Looked::fine();
    };
    if cloud.disabled.is_some() {
        return Looked::fine();
    }
    let local = |value: &str| {
        let words = value.split(|c: char| !c.is_alphanumeric());
        words
            .filter(|word| !word.is_empty())
            .all(|word| matches!(word, "NoCloud" | "None"))
    };
    match cloud.data_sources.last() {
        Some(list) if local(&list.value) => Looked::fine(),
        Some(list) => Looked::found([Proof::setting(list)]),
        None => Looked::found([Proof::words(
            "cloud-init is installed, with all its data sources",
        )]),
    }
}

fn proof(service: &Service, what: &str) -> Proof {
    let proof = Proof::words(format!("{} {what}", service.id)).key(&service.id);
    match service.state_at.as_ref().or(service.installed.first()) {
        Some(at) => proof.at(at),
        None => proof,
    }
}

//! Memory, security and what else the new machine is told or has to know.

use super::{ALL, HYPERV};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::Setting;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.memory.hugepages",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: HYPERV,
        title: "huge pages are set aside",
        consequence: "Hyper-V's Dynamic Memory cannot take them back, and starts a machine with \
                      less memory than they need.",
        remedy: "Give the machine static memory, or set huge pages aside once it is up.",
        by: By::Machine,
        basis: Basis::Documented,
        source: "Microsoft, Supported Linux virtual machines, notes on Dynamic Memory; Linux, \
                 hugetlbpage.rst",
        look: |view| hugepages(view, |_| true),
    },
    Rule {
        id: "linux.security.relabel-pending",
        aspect: Aspect::BootStorage,
        severity: Severity::Note,
        profiles: ALL,
        title: "SELinux labels every file at the next boot",
        consequence: "The first boot takes minutes longer and ends in a restart.",
        remedy: "Wait for it, or boot once before the move.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "selinux(8), /.autorelabel",
        look: relabel,
    },
    Rule {
        id: "linux.disk.encrypted",
        aspect: Aspect::Console,
        severity: Severity::Note,
        profiles: ALL,
        title: "a disk is encrypted",
        consequence: "Somebody has to type the passphrase at the machine's console at every boot, \
                      unless the network gives the key.",
        remedy: "Have the passphrase at hand, and a console that takes it.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "cryptsetup(8), LUKS",
        look: encrypted,
    },
    Rule {
        id: "linux.storage.iscsi",
        aspect: Aspect::BootStorage,
        severity: Severity::Note,
        profiles: ALL,
        title: "disks are reached over iSCSI",
        consequence: "They are there only if the new machine's network reaches the target, with \
                      the same initiator name.",
        remedy: "Keep the initiator name, and the addresses that the target allows.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "iscsiadm(8), node.startup",
        look: iscsi,
    },
];

fn hugepages(view: &View<'_>, wanted: impl Fn(&Setting) -> bool) -> Looked {
    let set = view.facts.storage.hugepages.iter();
    let set = set.filter(|own| wanted(own) && own.value.trim() != "0" && counts(&own.name));
    Looked::found(set.map(Proof::setting))
}

/// Sizes alone set nothing aside.
fn counts(name: &str) -> bool {
    !name.contains("hugepagesz") && !name.contains("transparent")
}

fn relabel(view: &View<'_>) -> Looked {
    let selinux = view.facts.security.selinux.as_ref();
    let pending = selinux.and_then(|own| own.autorelabel.as_ref());
    Looked::found(pending.map(|at| Proof::words(format!("{} is there", at.path)).at(at)))
}

fn encrypted(view: &View<'_>) -> Looked {
    let luks = view.volumes().filter(|(_, own)| own.content == "luks");
    Looked::found(luks.map(|(id, _)| Proof::words(format!("{id} is encrypted by LUKS"))))
}

fn iscsi(view: &View<'_>) -> Looked {
    let logins = view.facts.storage.iscsi.iter();
    let logins = logins.filter(|own| !own.name.contains("Initiator"));
    Looked::found(logins.map(Proof::setting))
}

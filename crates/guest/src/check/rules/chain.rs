//! From the loader to the kernel, whatever the hardware.

use super::ALL;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{DefaultReason, DriverState, KernelKind, Verdict};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.boot.chain-broken",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "the boot chain is broken",
        consequence: "The loader finds no kernel, initramfs or root that it could start, \
                      here as over there.",
        remedy: "Repair the boot menu on the machine where the guest last ran; \
                 `detente inspect` names the rule and the way out.",
        by: By::Hand,
        basis: Basis::Seen,
        source: "docs/guide/inspect.md, Problems",
        look: chain_broken,
    },
    Rule {
        id: "linux.boot.one-time-entry",
        aspect: Aspect::BootStorage,
        severity: Severity::Note,
        profiles: ALL,
        title: "the entry that starts is chosen for one boot only",
        consequence: "The first boot starts another entry than those after it, so what is said \
                      here holds for the first one alone.",
        remedy: "`grub2-editenv - unset next_entry` (Debian: `grub-editenv`), unless it is meant.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "GRUB manual, section Environment block: next_entry",
        look: one_time_entry,
    },
    Rule {
        id: "linux.kernel.modules-missing",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: ALL,
        title: "the kernel that starts has no folder of modules",
        consequence: "What is neither built in nor in the initramfs cannot be loaded, the network \
                      driver of new hardware first.",
        remedy: "Install the package with the modules of this kernel, or start another kernel.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "modprobe(8): modules are looked for in /lib/modules/RELEASE",
        look: modules_missing,
    },
    Rule {
        id: "linux.kernel.special-purpose",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "the kernel that starts is not made for everyday use",
        consequence: "A rescue, debug or dump kernel is slower or lacks drivers, and a Xen kernel \
                      starts on Xen alone.",
        remedy: "Make an ordinary kernel the default: `grubby --set-default`, or GRUB_DEFAULT.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "virt-v2v never starts a Xen kernel and prefers those without debugging; \
                 distributions' kernel packages",
        look: special_purpose,
    },
];

fn chain_broken(view: &View<'_>) -> Looked {
    let mut looked = Looked::fine();
    for problem in &view.facts.problems {
        let text = format!("{}: {}", problem.id, problem.message);
        looked = looked.and(match problem.verdict {
            Verdict::Bad => Looked::found([Proof::words(text).key(&problem.id)]),
            Verdict::CouldNotTell => Looked::gap(text),
        });
    }
    looked
}

fn one_time_entry(view: &View<'_>) -> Looked {
    let why = view.facts.boot.default.as_ref().map(|entry| &entry.why);
    let Some(DefaultReason::NextEntry { value }) = why else {
        return Looked::fine();
    };
    let proof = Proof::words(format!("grubenv has next_entry={value}"));
    Looked::found([proof.pair("next_entry", value)])
}

fn modules_missing(view: &View<'_>) -> Looked {
    let kernel = view.default_entry().and_then(|entry| entry.kernel);
    let Some(kernel) = kernel.filter(|kernel| !kernel.modules) else {
        return Looked::fine();
    };
    let built_in = |name: &str| matches!(kernel.driver(name), DriverState::Builtin { .. });
    if view
        .profile
        .network_modules()
        .iter()
        .all(|name| built_in(name))
    {
        return Looked::fine();
    }
    let folder = format!("/lib/modules/{}", kernel.release);
    Looked::found([Proof::words(format!("{folder} is not there")).file(&folder)])
}

fn special_purpose(view: &View<'_>) -> Looked {
    let Some(kernel) = view.default_entry().and_then(|entry| entry.kernel) else {
        return Looked::fine();
    };
    let what = match kernel.kind {
        KernelKind::Ordinary | KernelKind::RealTime => return Looked::fine(),
        KernelKind::Debug => "a kernel for finding faults",
        KernelKind::Xen => "a kernel for Xen",
        KernelKind::Rescue => "a kernel for emergencies",
        KernelKind::Kdump => "a kernel that writes dumps",
    };
    let proof = Proof::words(format!("{} is {what}", kernel.release)).key(&kernel.release);
    Looked::found(match &kernel.image {
        Some(place) => [proof.on(place)],
        None => [proof],
    })
}

//! Drivers that are there and are refused: `modprobe.d` and kernel arguments.

use super::ALL;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{DriverState, ModuleRule, ModuleRuleKind};

const TAKE_OUT: &str = "Take the line out, and rebuild the initramfs, which has a copy of it.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.modprobe.storage-blacklisted",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "the driver of the disk is blacklisted",
        consequence: "udev does not load it for the hardware, so that the disk is not found.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "modprobe.d(5), blacklist; Microsoft, Linux on Hyper-V does not start, scenario 1",
        look: |view| blacklisted(view, view.profile.disk_modules()),
    },
    Rule {
        id: "linux.modprobe.storage-disabled",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "an install line replaces the driver of the disk by nothing",
        consequence: "Whoever asks for the driver gets none, so that the disk is not found.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "modprobe.d(5), install; Microsoft, Linux on Hyper-V does not start, scenario 3",
        look: |view| disabled(view, view.profile.disk_modules()),
    },
    Rule {
        id: "linux.modprobe.network-blacklisted",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: ALL,
        title: "the driver of the network card is blacklisted",
        consequence: "udev does not load it for the hardware, so that there is no network card.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "modprobe.d(5), blacklist",
        look: |view| blacklisted(view, &network(view)),
    },
    Rule {
        id: "linux.modprobe.network-disabled",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: ALL,
        title: "an install line replaces the driver of the network card by nothing",
        consequence: "Whoever asks for the driver gets none, so that there is no network card.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "modprobe.d(5), install",
        look: |view| disabled(view, &network(view)),
    },
    Rule {
        id: "linux.arguments.storage-driver-refused",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "a kernel argument refuses the driver of the disk",
        consequence: "The driver is not loaded, so that the disk is not found.",
        remedy: "Take the module out of the argument, in every entry and in what they are made from.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, Documentation/admin-guide/kernel-parameters.txt, module_blacklist; \
                 modprobe(8); dracut.cmdline(7)",
        look: |view| refused(view, view.profile.disk_modules()),
    },
    Rule {
        id: "linux.arguments.network-driver-refused",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: ALL,
        title: "a kernel argument refuses the driver of the network card",
        consequence: "The driver is not loaded, so that there is no network card.",
        remedy: "Take the module out of the argument, in every entry and in what they are made from.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, Documentation/admin-guide/kernel-parameters.txt, module_blacklist; \
                 modprobe(8)",
        look: |view| refused(view, &network(view)),
    },
];

/// The modules of the network card that the disk does not need as well: those have rules that say
/// more.
fn network(view: &View<'_>) -> Vec<&'static str> {
    let disk = view.profile.disk_modules();
    let modules = view.profile.network_modules().iter().copied();
    modules.filter(|module| !disk.contains(module)).collect()
}

/// What the guest's own files say, and what the initramfs of the entry that starts does.
fn rules<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a ModuleRule> {
    let inside = view.default_entry().into_iter();
    let inside = inside
        .flat_map(|entry| &entry.images)
        .filter_map(|image| image.contents.as_ref())
        .flat_map(|contents| &contents.module_rules);
    view.facts.module_settings.rules.iter().chain(inside)
}

/// What is built in is not asked for.
fn is_built_in(view: &View<'_>, module: &str) -> bool {
    let entry = view.default_entry();
    entry.is_some_and(|entry| matches!(entry.driver(module), DriverState::Builtin { .. }))
}

fn of<'a>(view: &'a View<'_>, modules: &'a [&'static str]) -> impl Iterator<Item = &'a ModuleRule> {
    rules(view)
        .filter(|rule| modules.contains(&rule.module.as_str()) && !is_built_in(view, &rule.module))
}

fn blacklisted(view: &View<'_>, modules: &[&'static str]) -> Looked {
    let rules = of(view, modules).filter(|rule| match rule.kind {
        // What an initramfs loads by name is loaded all the same.
        ModuleRuleKind::Blacklist => !is_loaded_by_name(view, &rule.module),
        ModuleRuleKind::Install { .. }
        | ModuleRuleKind::Remove { .. }
        | ModuleRuleKind::Options { .. }
        | ModuleRuleKind::Alias { .. }
        | ModuleRuleKind::Softdep { .. } => false,
    });
    Looked::found(rules.map(proof))
}

fn is_loaded_by_name(view: &View<'_>, module: &str) -> bool {
    let images = view.default_entry().into_iter();
    let mut contents = images
        .flat_map(|entry| &entry.images)
        .filter_map(|image| image.contents.as_ref());
    contents.any(|contents| {
        contents
            .loads
            .iter()
            .any(|own| own.replace('-', "_") == module)
    })
}

fn disabled(view: &View<'_>, modules: &[&'static str]) -> Looked {
    let rules = of(view, modules).filter(|rule| match rule.kind {
        ModuleRuleKind::Install { disables, .. } => disables,
        ModuleRuleKind::Blacklist
        | ModuleRuleKind::Remove { .. }
        | ModuleRuleKind::Options { .. }
        | ModuleRuleKind::Alias { .. }
        | ModuleRuleKind::Softdep { .. } => false,
    });
    Looked::found(rules.map(proof))
}

fn proof(rule: &ModuleRule) -> Proof {
    Proof::words(rule.text.trim())
        .at(&rule.at)
        .pair(&rule.module, rule.text.trim())
}

/// Arguments that keep modules from being loaded.
const REFUSING: &[&str] = &[
    "modprobe.blacklist",
    "module_blacklist",
    "rd.driver.blacklist",
    "rdblacklist",
];

fn refused(view: &View<'_>, modules: &[&'static str]) -> Looked {
    let arguments = view.arguments();
    let refusing = arguments.iter().filter(|own| {
        REFUSING.contains(&own.name.as_str())
            && own.value().split(',').any(|name| {
                let name = name.trim().replace('-', "_");
                modules.contains(&name.as_str()) && !is_built_in(view, &name)
            })
    });
    Looked::found(refusing.map(|own| own.proof(view)))
}

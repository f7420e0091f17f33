//! Initramfs files: the drivers of every world are named in the configuration, so that the next
//! kernel has them too, and what lacks one is made anew by the guest's own program.
//!
//! A driver that is built into the kernel is not named. An initramfs that has all of them stays as it
//! is, unless something that it has a copy of was changed.

mod configure;
mod image;
mod kdump;
mod missing;

use detente_volume::FsError;

use super::draft::{Ask, Draft, Reason};
use crate::check::By;
use crate::facts::{
    DriverState, Facts, Generator, InitramfsImage, InitramfsRole, Kernel, KernelKind,
};

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.initramfs.vmbus-missing",
    "linux.initramfs.storvsc-missing",
    "linux.initramfs.hyperv-missing-in-other-entry",
    "linux.initramfs.virtio-pci-missing",
    "linux.initramfs.virtio-blk-missing",
    "linux.initramfs.virtio-missing-in-other-entry",
    "linux.initramfs.virtio-scsi-missing",
    "linux.initramfs.ahci-missing",
    "linux.initramfs.sd-mod-missing",
    "linux.initramfs.root-filesystem-missing",
    "linux.initramfs.device-mapper-missing",
    "linux.initramfs.keyboard-missing",
    "linux.initramfs.host-only",
    "linux.initramfs.modules-dep",
    "linux.initramfs.driver-omitted",
    "linux.initramfs.damaged",
    "linux.initramfs.kdump-drivers-missing",
    "linux.boot.no-initramfs",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    missing::plan(ask, draft)?;
    let reason = reason(ask);
    let wanted = wanted(ask);
    if let Some(reason) = &reason {
        configure::all(ask, draft, &wanted, reason)?;
    }
    let forced = draft.rebuild.clone();
    let Some(why) = together(reason, forced.clone()) else {
        return Ok(());
    };
    for image in &ask.facts.initramfs_images {
        let lacks = forced.is_some() || lacks(ask.facts, image, &wanted);
        match image.role {
            InitramfsRole::Boot if lacks => image::rebuild(ask, draft, image, &wanted, &why)?,
            InitramfsRole::Rescue if lacks && forced.is_none() => rescue(draft, image, &why),
            InitramfsRole::Boot
            | InitramfsRole::Rescue
            | InitramfsRole::Kdump
            | InitramfsRole::Microcode
            | InitramfsRole::Backup => {}
        }
    }
    kdump::plan(ask, draft, &wanted)
}

/// What a rescue image holds is made for any machine, and kept when kernels change.
fn rescue(draft: &mut Draft<'_>, image: &InitramfsImage, why: &Reason) {
    let rule = why.rules.first().map_or("", String::as_str);
    let text = format!(
        "{} is a rescue image: it stays as it is, and is made with a kernel that is installed anew",
        image.place
    );
    draft.leave(rule, By::Hand, text);
}

/// All findings as one reason; those about what is made anew for its own sake aside.
fn reason(ask: Ask<'_>) -> Option<Reason> {
    let mut all: Option<Reason> = None;
    for finding in ask.findings {
        if finding.rule == "linux.boot.no-initramfs" {
            continue;
        }
        let own = Reason::new(finding.rule, format!("{}.", capital(finding.title)));
        match &mut all {
            Some(all) => all.add(&own),
            None => all = Some(own),
        }
    }
    all
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .filter(|_| !text.starts_with("hv_") && !text.contains("is not in"));
    match first {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}

fn together(one: Option<Reason>, other: Option<Reason>) -> Option<Reason> {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.add(&other);
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

/// Kernels that run the machine; others have initramfs files of their own making.
fn is_started(kernel: &Kernel) -> bool {
    match kernel.kind {
        KernelKind::Ordinary | KernelKind::Debug | KernelKind::RealTime => true,
        KernelKind::Xen | KernelKind::Rescue | KernelKind::Kdump => false,
    }
}

/// The drivers that are to be in every initramfs: what the asked hardware needs, and what was
/// missed, as far as an installed kernel has it as a module. What is built in is not named.
fn wanted(ask: Ask<'_>) -> Vec<String> {
    let hardware = ask.profiles().iter().flat_map(|own| own.disk_modules());
    let is_missed = |rule: &str| rule.ends_with("-missing") || rule.ends_with("-other-entry");
    let missed = ask.findings.iter().filter(|own| is_missed(own.rule));
    let missed = missed.flat_map(|own| &own.evidence);
    let missed = missed.filter_map(|proof| proof.key.as_deref());
    let mut wanted: Vec<String> = Vec::new();
    for module in hardware.copied().chain(missed) {
        let module = module.replace('-', "_");
        let mut kernels = ask.facts.kernels.iter().filter(|kernel| is_started(kernel));
        let is_module =
            kernels.any(|kernel| matches!(kernel.driver(&module), DriverState::Module { .. }));
        if is_module && !wanted.contains(&module) {
            wanted.push(module);
        }
    }
    wanted
}

/// Whether an initramfs lacks a driver that its kernel has as a module, or could not be read.
fn lacks(facts: &Facts, image: &InitramfsImage, wanted: &[String]) -> bool {
    let Some(contents) = image.contents.as_ref().filter(|_| image.damage.is_none()) else {
        return true;
    };
    let Some(kernel) = kernel(facts, image) else {
        return false;
    };
    wanted.iter().any(|module| {
        matches!(kernel.driver(module), DriverState::Module { .. }) && !contents.holds(module)
    })
}

fn kernel<'a>(facts: &'a Facts, image: &InitramfsImage) -> Option<&'a Kernel> {
    let release = image.kernel.as_ref()?;
    facts.kernels.iter().find(|own| own.release == *release)
}

/// The programs that made the initramfs files that start the machine.
fn generators(facts: &Facts) -> Vec<Generator> {
    let images = facts.initramfs_images.iter();
    let contents = images
        .filter(|own| own.role == InitramfsRole::Boot)
        .filter_map(|own| own.contents.as_ref());
    let mut all: Vec<Generator> = Vec::new();
    for own in contents {
        if !all.contains(&own.generator) {
            all.push(own.generator);
        }
    }
    all
}

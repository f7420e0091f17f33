//! Initramfs files: the drivers of every world are named in the configuration, so that the next
//! kernel has them too, and what lacks one is made anew by the guest's own program.

mod dracut;

use detente_volume::FsError;

use super::Tool;
use super::draft::{Ask, Draft, Reason};
use super::guest_tree::has_program;
use super::running_path::running_path;
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
    "linux.initramfs.damaged",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    let reason = reason(ask);
    let wanted = wanted(ask);
    let configured = match &reason {
        Some(reason) if !wanted.is_empty() => dracut::configure(ask, draft, &wanted, reason)?,
        Some(_) | None => false,
    };
    let forced = draft.rebuild.clone();
    let Some(why) = together(reason, forced.clone()) else {
        return Ok(());
    };
    let _ = configured;
    for image in &ask.facts.initramfs_images {
        match image.role {
            InitramfsRole::Boot => {}
            InitramfsRole::Rescue
            | InitramfsRole::Kdump
            | InitramfsRole::Microcode
            | InitramfsRole::Backup => continue,
        }
        if forced.is_some() || lacks(ask.facts, image, &wanted) {
            rebuild(ask, draft, image, &why)?;
        }
    }
    Ok(())
}

/// All findings as one reason.
fn reason(ask: Ask<'_>) -> Option<Reason> {
    let mut all: Option<Reason> = None;
    for finding in ask.findings {
        let own = Reason::new(finding.rule, format!("{}.", finding.title));
        match &mut all {
            Some(all) => all.add(&own),
            None => all = Some(own),
        }
    }
    all
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
    let missed = ask.findings.iter().flat_map(|own| &own.evidence);
    let missed = missed.filter_map(|proof| proof.key.as_deref());
    let mut wanted: Vec<String> = Vec::new();
    for module in hardware.copied().chain(missed) {
        let module = module.replace('-', "_");
        let kernels = &ask.facts.kernels;
        let is_module = kernels
            .iter()
            .filter(|kernel| is_started(kernel))
            .any(|kernel| matches!(kernel.driver(&module), DriverState::Module { .. }));
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

/// Has an initramfs made anew by the program that made it.
fn rebuild(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    image: &InitramfsImage,
    why: &Reason,
) -> Result<(), FsError> {
    let rule = why.rules.first().map_or("", String::as_str);
    let Some(kernel) = kernel(ask.facts, image).filter(|kernel| kernel.modules) else {
        let why = format!("no installed kernel is known for {}", image.place);
        draft.leave(rule, By::Hand, why);
        return Ok(());
    };
    let Some(path) = running_path(ask.facts, &image.place) else {
        let why = format!(
            "{} is on a volume that the guest does not mount",
            image.place
        );
        draft.leave(rule, By::Hand, why);
        return Ok(());
    };
    let generator = image.contents.as_ref().map(|contents| contents.generator);
    match generator {
        Some(Generator::Dracut) if has_program(ask.files, "dracut")? => {
            let tool = Tool::Dracut {
                kernel: kernel.release.clone(),
                image: path.clone(),
            };
            draft.run(tool, &[path], why);
        }
        _ => {
            let why = format!("{path} was made by a program that is not run");
            draft.leave(rule, By::Hand, why);
        }
    }
    Ok(())
}

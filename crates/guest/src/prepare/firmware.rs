//! `\EFI\BOOT\BOOTX64.EFI`: the distribution's own signed loader, where a firmware without boot
//! entries looks for it.
//!
//! What is copied is what the guest boots by already: shim with the loader that it starts and its
//! key manager, or a loader without shim. GRUB that is started from there finds its configuration by
//! a small file beside it that leads to the vendor's folder: a copy of the whole would not follow the
//! next kernel.

use detente_volume::FsError;

use super::draft::{Ask, Draft, Reason};
use super::running_path::{running_path, volume};
use crate::check::{By, Finding};
use crate::facts::{Place, ProgramRole, SignedProgram};

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.firmware.no-fallback-loader",
    "linux.firmware.no-fallback-loader-on-kvm",
    "linux.firmware.fallback-leads-nowhere",
    "linux.firmware.no-active-partition",
];

/// \[UEFI, 3.5.1.1\] The path for removable disks.
const FALLBACK: &str = "BOOTX64.EFI";

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        match finding.rule {
            "linux.firmware.no-active-partition" => draft.leave(
                finding.rule,
                By::Hand,
                "the mark is in the partition table, which is no file of the guest: `sfdisk \
                 --activate IMAGE NUMBER` on a copy sets it",
            ),
            _ => fall_back(ask, draft, finding)?,
        }
    }
    Ok(())
}

/// What starts the guest from a vendor's folder.
struct Loaders<'a> {
    first: &'a SignedProgram,
    /// What shim starts, and its key manager.
    beside: Vec<&'a SignedProgram>,
}

fn fall_back(ask: Ask<'_>, draft: &mut Draft<'_>, finding: &Finding) -> Result<(), FsError> {
    let Some(own) = loaders(ask) else {
        let why = "no loader of the distribution's own was found on the EFI system partition";
        draft.leave(finding.rule, By::Hand, why);
        return Ok(());
    };
    let Some(first) = running_path(ask.facts, &own.first.place) else {
        let why = "the EFI system partition is not mounted in the running guest: give it a line in \
                   fstab (/boot/efi)";
        draft.leave(finding.rule, By::Hand, why);
        return Ok(());
    };
    let Some(folder) = fallback_folder(ask, &first)? else {
        draft.leave(
            finding.rule,
            By::Hand,
            format!("{first} is in no vendor's folder"),
        );
        return Ok(());
    };
    let has_shim = finding.rule == "linux.firmware.fallback-leads-nowhere";
    let why = Reason::new(
        finding.rule,
        match has_shim {
            true => format!("{folder}/{FALLBACK} is shim: what it starts is copied beside it."),
            false => format!(
                "The firmware of a new machine starts {folder}/{FALLBACK}: a copy of {first}."
            ),
        },
    );
    if !has_shim {
        draft.copy(&first, &format!("{folder}/{FALLBACK}"), &why)?;
    }
    let mut with_grub = own.first.role == ProgramRole::Grub;
    for program in &own.beside {
        with_grub |= program.role == ProgramRole::Grub;
        if let Some(path) = running_path(ask.facts, &program.place) {
            draft.copy(&path, &format!("{folder}/{}", name(&path)), &why)?;
        }
    }
    if with_grub {
        lead_to_vendor(ask, draft, own.first, &folder, &why)?;
    }
    Ok(())
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The vendor's folder of a path on its volume: `debian` of `/EFI/debian/shimx64.efi`.
fn vendor(place: &Place) -> Option<&str> {
    let parts: Vec<&str> = place.path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        [efi, vendor, _] if efi.eq_ignore_ascii_case("EFI") => Some(vendor),
        _ => None,
    }
}

/// shim with what it starts; else GRUB, else systemd-boot.
fn loaders<'a>(ask: Ask<'a>) -> Option<Loaders<'a>> {
    let of_vendor = |own: &&SignedProgram| {
        own.machine == "x86-64"
            && vendor(&own.place).is_some_and(|vendor| {
                !["boot", "microsoft"]
                    .iter()
                    .any(|other| vendor.eq_ignore_ascii_case(other))
            })
    };
    let programs = &ask.facts.secure_boot.programs;
    let find = |role: ProgramRole| {
        programs
            .iter()
            .filter(of_vendor)
            .find(|own| own.role == role)
    };
    if let Some(first) = find(ProgramRole::Shim) {
        let same = |own: &&SignedProgram| {
            own.place.volume == first.place.volume && vendor(&own.place) == vendor(&first.place)
        };
        let role = |own: &&SignedProgram| match own.role {
            ProgramRole::Grub | ProgramRole::MokManager | ProgramRole::SystemdBoot => true,
            ProgramRole::Shim
            | ProgramRole::Fallback
            | ProgramRole::Kernel
            | ProgramRole::UnifiedKernel
            | ProgramRole::WindowsBootManager
            | ProgramRole::Other => false,
        };
        let beside = programs.iter().filter(same).filter(role);
        let beside: Vec<&SignedProgram> = beside.collect();
        if beside.iter().any(|own| own.role != ProgramRole::MokManager) {
            return Some(Loaders { first, beside });
        }
    }
    let first = find(ProgramRole::Grub).or_else(|| find(ProgramRole::SystemdBoot))?;
    let beside = Vec::new();
    Some(Loaders { first, beside })
}

/// The folder `EFI/BOOT` beside the vendor's, as it is spelled.
fn fallback_folder(ask: Ask<'_>, first: &str) -> Result<Option<String>, FsError> {
    let folder = first
        .rsplit_once('/')
        .and_then(|(vendor, _)| vendor.rsplit_once('/'));
    let Some((efi, _)) = folder else {
        return Ok(None);
    };
    let names = ask.files.list(efi)?;
    let own = names.iter().find(|name| name.eq_ignore_ascii_case("BOOT"));
    Ok(Some(format!(
        "{efi}/{}",
        own.map_or("BOOT", String::as_str)
    )))
}

/// GRUB's configuration beside it: on to the vendor's.
fn lead_to_vendor(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    first: &SignedProgram,
    folder: &str,
    why: &Reason,
) -> Result<(), FsError> {
    let path = format!("{folder}/grub.cfg");
    let (Some(vendor), Some(own)) = (vendor(&first.place), volume(ask.facts, first.place.volume))
    else {
        return Ok(());
    };
    let home = folder.rsplit_once('/').map_or("", |(efi, _)| efi);
    let is_there = ask.files.is_file(&format!("{home}/{vendor}/grub.cfg"))?;
    // Some GRUBs look into the vendor's folder wherever they are started from.
    if !is_there || draft.bytes(&path)?.is_some() || !vendor.bytes().all(is_plain) {
        return Ok(());
    }
    let Some(uuid) = own
        .uuid
        .as_deref()
        .filter(|uuid| uuid.bytes().all(is_plain))
    else {
        return Ok(());
    };
    let text = format!(
        "# Written by `detente prepare`: on to the distribution's own configuration.\n\
         search --no-floppy --fs-uuid --set=root {uuid}\n\
         set prefix=($root)/EFI/{vendor}\n\
         configfile ($root)/EFI/{vendor}/grub.cfg\n"
    );
    draft.write(&path, text.into_bytes(), why)
}

/// Letters that mean nothing to GRUB's language.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

//! Who signed what starts the guest: names as the signatures have them. Nothing is verified: whether
//! firmware trusts a program is its own matter; which names its lists must have is ours.
//!
//! Of each program the headers, the certificate table and the SBAT section are read: at most
//! 512 KiB.

mod cms;
mod pe;
mod sbat;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use crate::error::InspectError;
use crate::facts::{Authority, EfiProgram, Kernel, Place, ProgramRole, SecureBoot, SignedProgram};
use crate::files::absent;
use crate::volumes::Volumes;

/// More programs than any guest starts.
const MAX_PROGRAMS: usize = 96;
/// shim's own list of keys is a certificate or a few.
const MAX_VENDOR_BYTES: usize = 64 * 1024;

/// The signatures of programs on EFI system partitions and of kernels.
pub(crate) fn find(
    volumes: &Volumes,
    programs: &[EfiProgram],
    kernels: &[Kernel],
) -> Result<SecureBoot, InspectError> {
    let kernels = kernels.iter().filter_map(|kernel| kernel.image.as_ref());
    let mut places: Vec<&Place> = programs.iter().map(|program| &program.place).collect();
    for place in kernels {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut all = Vec::new();
    for place in places.into_iter().take(MAX_PROGRAMS) {
        let on = |source| InspectError::on(place.volume, source);
        let Some(fs) = volumes.fs(place.volume) else {
            continue;
        };
        let Some(file) = absent(fs.open(&place.path)).map_err(on)? else {
            continue;
        };
        all.extend(program(place, &file).map_err(|error| on(error.into()))?);
    }
    let known: Vec<String> = all
        .iter()
        .flat_map(|program| &program.vendor_certificates)
        .map(|own| own.subject.clone())
        .collect();
    all.iter_mut()
        .for_each(|program| attribute(program, &known));
    all.sort_by_key(|program| program.role);
    Ok(SecureBoot { programs: all })
}

/// Reads one; `None` if it is neither a program for UEFI nor a kernel.
fn program(place: &Place, file: &Arc<dyn BlockRead>) -> Result<Option<SignedProgram>, ReadError> {
    let image = pe::read(file.as_ref())?;
    let Some(image) = image else {
        return Ok(None);
    };
    let sbat = sbat::parse(&image.section(file.as_ref(), ".sbat", sbat::MAX_BYTES)?);
    let role = role(place, &image, &sbat);
    let table = image.certificates(file.as_ref())?;
    let (signatures, damage) = match table {
        pe::Table::Bytes(bytes) => cms::table(&bytes),
        pe::Table::Outside(rule) => (Vec::new(), Some(rule)),
    };
    let vendor = image.section(file.as_ref(), ".vendor_cert", MAX_VENDOR_BYTES)?;
    Ok(Some(SignedProgram {
        place: place.clone(),
        role,
        machine: image.machine,
        signatures,
        sbat,
        vendor_certificates: cms::vendor(&vendor),
        damage,
    }))
}

fn role(place: &Place, image: &pe::Image, sbat: &[crate::facts::SbatEntry]) -> ProgramRole {
    let name = place
        .path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is = |component: &str| sbat.iter().any(|entry| entry.component == component);
    let starts = |word: &str| name.starts_with(word);
    if image.has(".linux") {
        ProgramRole::UnifiedKernel
    } else if image.is_kernel {
        ProgramRole::Kernel
    } else if starts("mm") && is("shim") || starts("mokmanager") {
        ProgramRole::MokManager
    } else if starts("fb") && is("shim") || starts("fallback") {
        ProgramRole::Fallback
    } else if image.has(".vendor_cert") || is("shim") || starts("shim") {
        ProgramRole::Shim
    } else if is("systemd-boot") || image.has(".sdmagic") || starts("systemd-boot") {
        ProgramRole::SystemdBoot
    } else if is("grub") || image.has("mods") || starts("grub") {
        ProgramRole::Grub
    } else if starts("bootmgfw") {
        ProgramRole::WindowsBootManager
    } else {
        ProgramRole::Other
    }
}

/// What distributions call their own authorities.
const DISTRIBUTIONS: [&str; 18] = [
    "Debian",
    "Canonical",
    "Red Hat",
    "Fedora",
    "CentOS",
    "SUSE",
    "Rocky",
    "AlmaLinux",
    "Oracle",
    "Amazon",
    "Flatcar",
    "openEuler",
    "Univention",
    "Endless",
    "CIQ",
    "Kylin",
    "Anolis",
    "Photon",
];

fn attribute(program: &mut SignedProgram, known: &[String]) {
    for signer in program
        .signatures
        .iter_mut()
        .flat_map(|own| &mut own.signers)
    {
        let knows = |name: &String| known.contains(name);
        let by_shim = knows(&signer.issuer) || signer.subject.as_ref().is_some_and(knows);
        signer.authority = match microsoft(&signer.issuer) {
            Some(authority) => authority,
            None if by_shim
                || DISTRIBUTIONS
                    .iter()
                    .any(|name| signer.issuer.contains(name)) =>
            {
                Authority::Distribution
            }
            None => Authority::Other,
        };
    }
}

/// \[Microsoft, "Windows Secure Boot Key Creation and Management Guidance"\]: the names of its
/// certificates of 2011 and of their successors.
fn microsoft(issuer: &str) -> Option<Authority> {
    let is = |name: &str| {
        issuer
            .split(',')
            .any(|part| part.trim() == format!("CN={name}"))
    };
    [
        (
            "Microsoft Corporation UEFI CA 2011",
            Authority::MicrosoftUefiCa2011,
        ),
        ("Microsoft UEFI CA 2023", Authority::MicrosoftUefiCa2023),
        (
            "Microsoft Option ROM UEFI CA 2023",
            Authority::MicrosoftOptionRomCa2023,
        ),
        (
            "Microsoft Windows Production PCA 2011",
            Authority::WindowsProductionPca2011,
        ),
        ("Windows UEFI CA 2023", Authority::WindowsUefiCa2023),
    ]
    .into_iter()
    .find_map(|(name, authority)| is(name).then_some(authority))
}

/// For the exerciser.
pub(crate) fn exercise(bytes: &[u8]) {
    let file: Arc<dyn BlockRead> = Arc::new(detente_block::MemoryBackend::new(bytes.to_vec()));
    let place = Place {
        volume: crate::facts::VolumeId::new(0, 1),
        path: "/x".to_owned(),
    };
    // Only a read can fail, and memory does not.
    if let Ok(Some(mut program)) = program(&place, &file) {
        attribute(&mut program, &[]);
    }
    cms::table(bytes);
    cms::vendor(bytes);
    sbat::parse(bytes);
}

//! Secure Boot: who signed what starts, and what the new machine trusts.
//!
//! Generation 2 has Secure Boot on unless it is switched off, so that its rules are about a
//! machine as it is made.

use super::GEN2;
use crate::check::profile::Profile;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{Authority, Firmware, ProgramRole, SignedProgram};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.secure-boot.template",
        aspect: Aspect::Firmware,
        severity: Severity::Note,
        profiles: GEN2,
        title: "Linux needs the Microsoft UEFI Certificate Authority template",
        consequence: "A new machine trusts Windows alone and refuses shim.",
        remedy: "Set-VMFirmware -SecureBootTemplate MicrosoftUEFICertificateAuthority",
        by: By::Machine,
        basis: Basis::Documented,
        source: "Microsoft, Should I create a generation 1 or 2 virtual machine in Hyper-V?",
        look: template,
    },
    Rule {
        id: "linux.secure-boot.loader-not-trusted",
        aspect: Aspect::Firmware,
        severity: Severity::Degrades,
        profiles: GEN2,
        title: "no authority that Hyper-V's template trusts signed the first program",
        consequence: "It starts only with Secure Boot switched off.",
        remedy: "Install the distribution's signed shim as BOOTX64.EFI, or switch Secure Boot off.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "UEFI specification, section 32.5; the template has Microsoft's third-party \
                 authorities",
        look: not_trusted,
    },
    Rule {
        id: "linux.secure-boot.only-2023",
        aspect: Aspect::Firmware,
        severity: Severity::Degrades,
        profiles: GEN2,
        title: "the first program is signed under Microsoft's authority of 2023 alone",
        consequence: "A host whose template knows the one of 2011 only refuses it; which hosts do \
                      is unproven here.",
        remedy: "Update the host, install a shim with both signatures, or switch Secure Boot off.",
        by: By::Machine,
        basis: Basis::Inferred,
        source: "Microsoft's UEFI authorities of 2011 end in 2026; coreos/bootupd issue 1099",
        look: |view| {
            under(
                view,
                Authority::MicrosoftUefiCa2023,
                Authority::MicrosoftUefiCa2011,
            )
        },
    },
    Rule {
        id: "linux.secure-boot.only-2011",
        aspect: Aspect::Firmware,
        severity: Severity::Note,
        profiles: GEN2,
        title: "the first program is signed under Microsoft's authority of 2011 alone",
        consequence: "It starts where that one is still trusted; machines that know only the one \
                      of 2023 refuse it.",
        remedy: "Update shim once the distribution ships one with the new signature.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "Microsoft's UEFI authorities of 2011 end in 2026; coreos/bootupd issue 1099",
        look: |view| {
            under(
                view,
                Authority::MicrosoftUefiCa2011,
                Authority::MicrosoftUefiCa2023,
            )
        },
    },
    Rule {
        id: "linux.secure-boot.kernel-not-signed",
        aspect: Aspect::Firmware,
        severity: Severity::Degrades,
        profiles: GEN2,
        title: "the kernel that starts is not signed",
        consequence: "With Secure Boot on, shim and GRUB refuse it.",
        remedy: "Install the distribution's signed kernel, sign it with a key of your own (MOK), \
                 or switch Secure Boot off.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "shim, MokManager; GRUB's shim_lock verifier",
        look: kernel_not_signed,
    },
    Rule {
        id: "linux.secure-boot.keys-stay-behind",
        aspect: Aspect::Firmware,
        severity: Severity::Degrades,
        profiles: &[Profile::Kvm, Profile::KvmLegacy, Profile::HypervGen2],
        title: "the kernel is signed by nobody that shim knows by itself",
        consequence: "The machine owner's keys (MOK) are variables of the old firmware and do not \
                      travel; with Secure Boot on the kernel is refused.",
        remedy: "Enrol the key again on the new machine (`mokutil --import`), or switch Secure \
                 Boot off.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "shim, MokManager: keys are in the firmware's variables",
        look: keys_stay_behind,
    },
];

fn by_uefi(view: &View<'_>) -> bool {
    match view.facts.firmware {
        Firmware::Uefi | Firmware::UefiAndBios => true,
        Firmware::Bios | Firmware::Unknown => false,
    }
}

fn template(view: &View<'_>) -> Looked {
    let programs = &view.facts.secure_boot.programs;
    match programs.first().filter(|_| by_uefi(view)) {
        Some(first) => Looked::found([proof(first)]),
        None => Looked::fine(),
    }
}

/// What a firmware that knows nothing of this disk starts.
fn first<'a>(view: &View<'a>) -> Option<&'a SignedProgram> {
    let programs = &view.facts.boot.efi_programs;
    let place = &programs.iter().find(|own| own.fallback)?.place;
    let mut signed = view.facts.secure_boot.programs.iter();
    signed.find(|own| own.place == *place && own.machine == "x86-64")
}

fn authorities(program: &SignedProgram) -> impl Iterator<Item = Authority> {
    let signers = program.signatures.iter().flat_map(|own| &own.signers);
    signers.map(|signer| signer.authority)
}

fn not_trusted(view: &View<'_>) -> Looked {
    let Some(first) = first(view).filter(|_| by_uefi(view)) else {
        return Looked::fine();
    };
    if let Some(damage) = &first.damage {
        return Looked::gap(format!("signatures of {}: {damage}", first.place));
    }
    let trusted = authorities(first).any(|own| match own {
        Authority::MicrosoftUefiCa2011 | Authority::MicrosoftUefiCa2023 => true,
        Authority::MicrosoftOptionRomCa2023
        | Authority::WindowsProductionPca2011
        | Authority::WindowsUefiCa2023
        | Authority::Distribution
        | Authority::Other => false,
    });
    if trusted {
        Looked::fine()
    } else {
        Looked::found([proof(first)])
    }
}

fn under(view: &View<'_>, wanted: Authority, other: Authority) -> Looked {
    let Some(first) = first(view).filter(|_| by_uefi(view)) else {
        return Looked::fine();
    };
    let has = |authority| authorities(first).any(|own| own == authority);
    if has(wanted) && !has(other) {
        Looked::found([proof(first)])
    } else {
        Looked::fine()
    }
}

fn kernel<'a>(view: &View<'a>) -> Option<&'a SignedProgram> {
    let place = view.facts.boot.default.as_ref()?.kernel.as_ref()?;
    let mut programs = view.facts.secure_boot.programs.iter();
    programs.find(|own| {
        own.place == *place && matches!(own.role, ProgramRole::Kernel | ProgramRole::UnifiedKernel)
    })
}

fn kernel_not_signed(view: &View<'_>) -> Looked {
    let kernel = kernel(view).filter(|own| by_uefi(view) && own.signatures.is_empty());
    Looked::found(kernel.map(proof))
}

fn keys_stay_behind(view: &View<'_>) -> Looked {
    let kernel = kernel(view).filter(|own| {
        by_uefi(view)
            && !own.signatures.is_empty()
            && authorities(own).all(|authority| authority == Authority::Other)
    });
    Looked::found(kernel.map(proof))
}

fn proof(program: &SignedProgram) -> Proof {
    let signers = program.signatures.iter().flat_map(|own| &own.signers);
    let names: Vec<&str> = signers.map(|own| own.issuer.as_str()).collect();
    let text = match names.is_empty() {
        true => format!("{} is not signed", program.place),
        false => format!("{} is signed under {}", program.place, names.join(" and ")),
    };
    Proof::words(text).on(&program.place)
}

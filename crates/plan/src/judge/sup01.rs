//! SUP-01: a guest that its vendor would support.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::{KernelState, Selinux};

/// Whose the kernel's file is, as the guest's packages say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelOwner {
    /// A package's, in its own words.
    Package(String),
    /// Nobody's, in the words of the guest's tool.
    Nobody(String),
    /// No tool of the guest's can tell.
    Unknown(&'static str),
}

/// Letters and meanings of the kernel's taints, by their bits: Linux,
/// Documentation/admin-guide/tainted-kernels.rst.
const TAINTS: [&str; 19] = [
    "a proprietary module was loaded",
    "a module was forced to load",
    "the processor is out of its specification",
    "a module was forced to unload",
    "a machine check happened",
    "a bad page was met",
    "a user asked for it",
    "the kernel has died before (oops or bug)",
    "an ACPI table was replaced",
    "a warning was issued",
    "a driver under development was loaded",
    "the firmware was worked around",
    "a module from outside the kernel's tree was loaded",
    "an unsigned module was loaded",
    "a soft lockup happened",
    "the kernel was live-patched",
    "the distribution's own reason",
    "the structures' layout was randomized",
    "a test was run in the kernel",
];

/// Judges it.
#[must_use]
pub fn sup01(seen: &KernelState, owner: &KernelOwner) -> Finding {
    let mut checks = vec![taint(seen), package(seen, owner)];
    for module in &seen.tainting {
        let message = format!(
            "the module {} taints the kernel ({})",
            module.name, module.letters
        );
        checks.push(check("module", false, message));
    }
    if seen.tainting.is_empty() {
        let message = format!("none of {} modules taints the kernel", seen.modules);
        checks.push(check("modules", seen.modules > 0, message));
    }
    checks.push(selinux(seen.selinux));
    let modules = vec![measured(
        "modules",
        number(seen.modules.into()),
        "count",
        None,
    )];
    Finding::of_checks(checks, modules)
}

fn taint(seen: &KernelState) -> Check {
    let Some(tainted) = seen.tainted else {
        return check_as(
            "taint",
            Outcome::NotRun,
            "the kernel does not say whether it is tainted",
        );
    };
    let known = TAINTS.iter().enumerate();
    let reasons: Vec<&str> = known
        .filter(|(bit, _)| tainted & (1 << bit) != 0)
        .map(|(_, reason)| *reason)
        .collect();
    let message = if tainted == 0 {
        format!("the kernel {} is not tainted", seen.release)
    } else {
        format!("the kernel is tainted ({tainted}: {})", reasons.join(", "))
    };
    check("taint", tainted == 0, message)
}

fn package(seen: &KernelState, owner: &KernelOwner) -> Check {
    let file = seen
        .kernel_file
        .as_deref()
        .unwrap_or("the running kernel's file");
    match owner {
        KernelOwner::Package(name) => check(
            "package",
            true,
            format!("{file} is of the package {name} of {}", seen.distribution),
        ),
        KernelOwner::Nobody(said) => {
            check("package", false, format!("{file} is of no package: {said}"))
        }
        KernelOwner::Unknown(why) => check_as("package", Outcome::NotRun, *why),
    }
}

fn selinux(state: Selinux) -> Check {
    match state {
        Selinux::Enforcing => check("selinux", true, "SELinux enforces its policy"),
        Selinux::Absent => check("selinux", true, "SELinux is not there"),
        Selinux::Permissive => check_as(
            "selinux",
            Outcome::PassedWithWarning,
            "SELinux notes what its policy forbids, and lets it pass",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::TaintingModule;

    fn sound() -> KernelState {
        KernelState {
            release: "6.1.0-44-amd64".to_owned(),
            tainted: Some(0),
            modules: 90,
            tainting: Vec::new(),
            selinux: Selinux::Absent,
            distribution: "debian".to_owned(),
            kernel_file: Some("/boot/vmlinuz-6.1.0-44-amd64".to_owned()),
        }
    }

    fn owned() -> KernelOwner {
        KernelOwner::Package("linux-image-6.1.0-44-amd64".to_owned())
    }

    #[track_caller]
    fn verdict(seen: &KernelState, owner: &KernelOwner, outcome: Outcome, part: &str) {
        let finding = sup01(seen, owner);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn a_vendors_kernel_without_a_taint_passes() {
        let part = "is of the package linux-image-6.1.0-44-amd64 of debian";
        verdict(&sound(), &owned(), Outcome::Passed, part);
        let enforcing = KernelState {
            selinux: Selinux::Enforcing,
            ..sound()
        };
        verdict(&enforcing, &owned(), Outcome::Passed, "SELinux enforces");
    }

    #[test]
    fn a_taint_is_told_in_words() {
        let seen = KernelState {
            tainted: Some(1 << 6 | 1 << 12 | 1 << 40),
            ..sound()
        };
        let part = "a user asked for it, a module from outside";
        verdict(&seen, &owned(), Outcome::Failed, part);
    }

    #[test]
    fn a_module_that_taints_is_named() {
        let mut seen = sound();
        seen.tainting.push(TaintingModule {
            name: "odd".to_owned(),
            letters: "OE".to_owned(),
        });
        verdict(
            &seen,
            &owned(),
            Outcome::Failed,
            "the module odd taints the kernel (OE)",
        );
    }

    #[test]
    fn a_kernel_of_no_package_fails_and_an_unknown_one_is_said() {
        let nobody = KernelOwner::Nobody("no path found".to_owned());
        verdict(
            &sound(),
            &nobody,
            Outcome::Failed,
            "is of no package: no path found",
        );
        let unknown = KernelOwner::Unknown("no tool tells");
        verdict(
            &sound(),
            &unknown,
            Outcome::Passed,
            "(not run: no tool tells)",
        );
    }

    #[test]
    fn a_policy_that_only_notes_is_a_warning() {
        let seen = KernelState {
            selinux: Selinux::Permissive,
            ..sound()
        };
        verdict(&seen, &owned(), Outcome::PassedWithWarning, "lets it pass");
    }
}

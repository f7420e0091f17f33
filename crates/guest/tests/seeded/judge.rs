//! Makes the images, inspects and checks them, and compares with what the seeds say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use detente_guest::check::{Profile, Proof, Readiness, check, check_unread, fitting};
use detente_guest::{Facts, InspectError, Options, inspect};

use crate::machine::Machine;
use crate::seed::Seed;

/// What the images are made with.
const TOOLS: &[&str] = &[
    "debugfs",
    "mcopy",
    "mformat",
    "mke2fs",
    "mkfs.btrfs",
    "mkfs.xfs",
    "sfdisk",
];

/// Whether images can be made; if not, `test` is said to be skipped.
pub(crate) fn can_make(test: &str) -> bool {
    detente_samples::can_use(test, TOOLS)
}

/// What is said of a machine for every profile.
pub(crate) fn readiness(machine: &Machine) -> Result<Readiness, String> {
    let looked = match inspected(machine) {
        Ok(facts) => Ok(check(&facts, &Profile::ALL)),
        Err(error) => check_unread(&error, &Profile::ALL).ok_or(error),
    };
    looked.map_err(|error| format!("not inspected: {error}"))
}

/// What is said of it for the profiles whose firmware can start it.
pub(crate) fn fitting_readiness(machine: &Machine) -> Result<Readiness, String> {
    let facts = inspected(machine).map_err(|error| format!("not inspected: {error}"))?;
    let (profiles, _) = fitting(&facts);
    Ok(check(&facts, &profiles))
}

fn inspected(machine: &Machine) -> Result<Facts, InspectError> {
    let place = tempfile::tempdir().unwrap();
    let options = Options {
        initramfs_contents: true,
        ..Options::default()
    };
    let guest = inspect(&machine.disks(place.path()), options);
    Ok(guest?.facts().clone())
}

/// Each seed is caught by its rule, with the evidence that it says, and by no other rule.
pub(crate) fn all_are_caught(test: &str, seeds: &[Seed]) {
    if !can_make(test) {
        return;
    }
    let mut bases: Vec<(usize, Broken)> = Vec::new();
    let mut wrong = String::new();
    for seed in seeds {
        // Several seeds have the same base; it is made once.
        let name = seed.base as usize;
        if !bases.iter().any(|(own, _)| *own == name) {
            match readiness(&(seed.base)()) {
                Ok(base) => bases.push((name, broken(&base))),
                Err(error) => {
                    writeln!(wrong, "{}: the base: {error}", seed.rule).unwrap();
                    continue;
                }
            }
        }
        let before = bases
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, broken)| broken);
        if let Err(error) = is_caught(seed, before.unwrap()) {
            writeln!(wrong, "{}: {error}", seed.rule).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Rules that are broken, and where.
type Broken = BTreeSet<(&'static str, Profile, String)>;

fn broken(readiness: &Readiness) -> Broken {
    let findings = readiness.findings.iter();
    let each = findings.flat_map(|finding| {
        let on = finding.profiles.iter();
        on.flat_map(move |profile| {
            let proofs = finding.evidence.iter();
            proofs.map(move |proof| (finding.rule, *profile, shown(proof)))
        })
    });
    each.collect()
}

fn is_caught(seed: &Seed, before: &Broken) -> Result<(), String> {
    let mut machine = (seed.base)();
    (seed.change)(&mut machine);
    let after = broken(&readiness(&machine)?);
    let known: BTreeSet<_> = before.iter().map(|(rule, on, _)| (rule, on)).collect();
    let is_new = |(rule, on, _): &&(_, _, String)| !known.contains(&(rule, on));
    let rules: BTreeSet<&str> = after
        .iter()
        .filter(is_new)
        .map(|(rule, ..)| *rule)
        .collect();
    let expected: BTreeSet<&str> = seed.also.iter().copied().chain([seed.rule]).collect();
    if rules != expected {
        return Err(format!("breaks {rules:?}, not {expected:?}"));
    }
    let proofs: BTreeSet<&str> = after
        .difference(before)
        .filter(|(rule, ..)| *rule == seed.rule)
        .map(|(_, _, proof)| proof.as_str())
        .collect();
    let fits = |proof: &&str| match seed.proof.strip_suffix('…') {
        Some(start) => proof.starts_with(start),
        None => *proof == seed.proof,
    };
    match proofs.iter().any(fits) {
        true => Ok(()),
        false => Err(format!("shown by {proofs:?}, not {:?}", seed.proof)),
    }
}

/// `FILE:LINE KEY=VALUE`, as much of it as there is; the words where there is none of it.
fn shown(proof: &Proof) -> String {
    let mut text = proof.file.clone().unwrap_or_default();
    if let Some(line) = proof.line {
        write!(text, ":{line}").unwrap();
    }
    if let Some(key) = &proof.key {
        write!(text, " {key}").unwrap();
    }
    if let Some(value) = &proof.value {
        write!(text, "={value}").unwrap();
    }
    if text.is_empty() {
        proof.text.clone()
    } else {
        text.trim().to_owned()
    }
}

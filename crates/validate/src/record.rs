//! Findings become the records of evidence.

use detente_evidence::{
    Attempt, CaseResult, DigestRecord, GuestRecord, ImageRecord, Outcome, PlanRecord,
    PlatformRecord,
};
use detente_guest::Guest;
use detente_host::{Acceleration, HostFacts, Implementation};
use detente_machine::Profile;
use detente_plan::judge::Finding;
use detente_plan::{Case, CaseId, Plan};

use crate::digests::METHOD;
use crate::{DiskInput, OwnCase};

/// The result of a case; its evidence is not known yet.
pub(crate) fn case_result(
    case: &Case,
    finding: Finding,
    started_ms: u64,
    duration_ms: u64,
) -> CaseResult {
    let Finding {
        outcome,
        reason_code,
        message,
        checks,
        measurements,
    } = finding;
    CaseResult {
        case_id: case.id.name().to_owned(),
        title: case.title.clone(),
        requirement: case.requirement,
        outcome,
        reason_code,
        message,
        duration_ms,
        checks,
        measurements,
        attempts: vec![Attempt::only(outcome, started_ms)],
        evidence: Vec::new(),
        channel: case.channel.clone(),
        control: None,
    }
}

/// The result of a case of the user's own; its evidence is not known yet.
pub(crate) fn own_case_result(
    case: &OwnCase,
    finding: Finding,
    (started_ms, duration_ms): (u64, u64),
) -> CaseResult {
    CaseResult {
        case_id: case.id.clone(),
        title: case.title.clone(),
        requirement: case.requirement,
        outcome: finding.outcome,
        reason_code: finding.reason_code,
        message: finding.message,
        duration_ms,
        checks: finding.checks,
        measurements: finding.measurements,
        attempts: vec![Attempt::only(finding.outcome, started_ms)],
        evidence: Vec::new(),
        channel: "agent".to_owned(),
        control: None,
    }
}

/// What a profile's results do not show, each with the reason.
pub(crate) fn not_proved(profile: Profile, processors: u32, cases: &[CaseResult]) -> Vec<String> {
    let mut list = Vec::new();
    // A plan that asks for the firmware says of each case itself why it was not run.
    if cases
        .iter()
        .all(|case| case.case_id != CaseId::Boot03.name())
    {
        list.push("firmware, boot loader and Secure Boot: direct boot (not_run)".to_owned());
    }
    list.extend(unseen_processors(profile, processors));
    list.extend(unseen_cases(cases));
    for case in cases.iter().filter(|case| !unseen(case.outcome)) {
        for check in case
            .checks
            .iter()
            .filter(|check| check.outcome == Outcome::NotRun)
        {
            list.push(format!("{}: {} (not_run)", case.case_id, check.message));
        }
    }
    list
}

/// Our own machine may be wrong where nobody has tried it: what passes there proves little.
fn unseen_processors(profile: Profile, processors: u32) -> Option<String> {
    let most = profile.most_processors_seen()?;
    (processors > most).then(|| {
        format!(
            "{processors} virtual processors: the machine of {profile} was tried with at most \
             {most} (not_run)"
        )
    })
}

/// Cases that were not seen at all; those with the same reason are named together.
fn unseen_cases(cases: &[CaseResult]) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for case in cases.iter().filter(|case| unseen(case.outcome)) {
        let reason = format!("{} ({})", case.message, case.outcome);
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(&case.case_id),
            None => groups.push((reason, vec![&case.case_id])),
        }
    }
    groups
        .into_iter()
        .map(|(reason, ids)| format!("{}: {reason}", ids.join(", ")))
        .collect()
}

fn unseen(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::NotRun | Outcome::Error | Outcome::Interrupted
    )
}

/// The host as a record.
pub(crate) fn platform(facts: &HostFacts) -> PlatformRecord {
    let implementation = match facts.implementation {
        Implementation::VendorProduct => "vendor_product",
        Implementation::UpstreamBuild => "upstream_build",
        Implementation::CompatibleImplementation => "compatible_implementation",
    };
    PlatformRecord {
        product: facts.product.clone(),
        version: facts.version.clone(),
        package: facts.package.clone(),
        implementation: implementation.to_owned(),
        acceleration: acceleration(facts.acceleration).to_owned(),
        acceleration_proof: facts.acceleration_proof.clone(),
        host_kernel: facts.host_kernel.clone(),
        host_cpu: facts.host_cpu.clone(),
    }
}

fn acceleration(acceleration: Acceleration) -> &'static str {
    match acceleration {
        Acceleration::Hardware => "hardware",
        Acceleration::Nested => "nested",
        Acceleration::Emulated => "emulated",
    }
}

/// The plan as a record.
pub(crate) fn plan_record(plan: &Plan) -> PlanRecord {
    PlanRecord {
        id: plan.id.clone(),
        version: plan.version,
        digest: plan.digest(),
    }
}

/// The disks as records.
pub(crate) fn image_records(
    disks: &[DiskInput],
    before: &[Option<String>],
    after: &[Option<String>],
) -> Vec<ImageRecord> {
    let at = |list: &[Option<String>], index: usize| list.get(index).cloned().flatten();
    disks
        .iter()
        .enumerate()
        .map(|(index, disk)| ImageRecord {
            name: file_name(disk),
            format: disk
                .image
                .layers
                .first()
                .map_or("raw", |layer| layer.format.qemu_name())
                .to_owned(),
            virtual_size_bytes: disk.image.reader.len_bytes(),
            chain_length: u32::try_from(disk.image.layers.len()).unwrap_or(u32::MAX),
            digest: DigestRecord {
                method: METHOD.to_owned(),
                before: at(before, index),
                after: at(after, index),
            },
        })
        .collect()
}

/// The file's name without its folder: folders are nobody else's business.
pub(crate) fn file_name(disk: &DiskInput) -> String {
    disk.path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The guest as a record.
pub(crate) fn guest_record(guest: &Guest) -> GuestRecord {
    let facts = guest.facts();
    let default = facts.boot.default.as_ref();
    let entry = default.and_then(|default| facts.boot.entries.get(default.index));
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    GuestRecord {
        os: facts.operating_system.pretty_name.clone(),
        os_id: facts.operating_system.id.clone(),
        os_version: text(facts.operating_system.version_id.as_ref()),
        kernel_release: text(default.and_then(|default| default.kernel_release.as_ref())),
        boot_entry: text(entry.map(|entry| &entry.title)),
        cmdline: text(default.and_then(|default| default.command_line.as_ref())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Profile, not_proved};

    #[track_caller]
    fn check(profile: Profile, processors: u32, expect: &[&str]) {
        let firmware = "firmware, boot loader and Secure Boot: direct boot (not_run)";
        let expect = [&[firmware], expect].concat();
        assert_eq!(not_proved(profile, processors, &[]), expect);
    }

    #[test]
    fn processors_that_nobody_tried_are_not_proved() {
        check(Profile::HypervVmbus, 4, &[]);
        let five = "5 virtual processors: the machine of hyperv-vmbus was tried with at most 4 \
                    (not_run)";
        check(Profile::HypervVmbus, 5, &[five]);
        check(Profile::Kvm, 64, &[]);
        check(Profile::KvmLegacy, 64, &[]);
    }
}

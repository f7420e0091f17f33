//! What changed since an earlier run.

use detente_evidence::{CaseResult, Measurement, Outcome, ProfileRun, Run};
use serde::Serialize;

/// Times differ from run to run: below this share of the earlier one nothing is said.
const NOISE_SHARE: f64 = 0.25;

/// And below this many milliseconds neither.
const NOISE_MS: f64 = 500.0;

/// What changed since an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Differences {
    /// The earlier run.
    pub earlier_run_id: String,
    /// When it began.
    pub earlier_started_at: String,
    /// What was not the same from the beginning: guest, plan, platform, program.
    pub settings: Vec<SettingChange>,
    /// Cases that failed now and had not failed.
    pub new_failures: Vec<CaseChange>,
    /// Cases that had failed and passed now.
    pub mended: Vec<CaseChange>,
    /// Every other case that ended otherwise, came or went.
    pub other: Vec<CaseChange>,
    /// Measured values that changed by more than noise.
    pub measurements: Vec<MeasurementChange>,
}

/// Something that was not the same from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingChange {
    /// What.
    pub name: String,
    /// Earlier.
    pub before: String,
    /// Now.
    pub after: String,
}

/// A case that ended otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseChange {
    /// The hardware profile.
    pub profile: String,
    /// The case.
    pub case_id: String,
    /// What it shows.
    pub title: String,
    /// How it ended earlier; absent if it was not there.
    pub before: Option<Outcome>,
    /// How it ends now; absent if it is not there.
    pub after: Option<Outcome>,
    /// What it says now, or said last.
    pub message: String,
}

/// A measured value that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasurementChange {
    /// The hardware profile.
    pub profile: String,
    /// The case.
    pub case_id: String,
    /// What was measured.
    pub name: String,
    /// Of what.
    pub unit: String,
    /// Earlier.
    pub before: f64,
    /// Now.
    pub after: f64,
}

impl Differences {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
            && self.new_failures.is_empty()
            && self.mended.is_empty()
            && self.other.is_empty()
            && self.measurements.is_empty()
    }
}

/// What changed in `now` since `earlier`, case by case of each profile. Control runs are left out.
#[must_use]
pub fn differences(earlier: &Run, now: &Run) -> Differences {
    let mut found = Differences {
        earlier_run_id: earlier.run_id.clone(),
        earlier_started_at: earlier.started_at.clone(),
        settings: settings(earlier, now),
        new_failures: Vec::new(),
        mended: Vec::new(),
        other: Vec::new(),
        measurements: Vec::new(),
    };
    for part in &now.profiles {
        let old = part_of(earlier, &part.profile);
        for case in &part.cases {
            let old = old.and_then(|old| case_of(old, &case.case_id));
            compare(&mut found, &part.profile, old, Some(case));
        }
    }
    for part in &earlier.profiles {
        let new = part_of(now, &part.profile);
        for case in &part.cases {
            if new.and_then(|new| case_of(new, &case.case_id)).is_none() {
                compare(&mut found, &part.profile, Some(case), None);
            }
        }
    }
    found
}

fn part_of<'a>(run: &'a Run, profile: &str) -> Option<&'a ProfileRun> {
    run.profiles.iter().find(|part| part.profile == profile)
}

fn case_of<'a>(part: &'a ProfileRun, id: &str) -> Option<&'a CaseResult> {
    part.cases.iter().find(|case| case.case_id == id)
}

/// Puts a case where it belongs, if it changed.
fn compare(
    found: &mut Differences,
    profile: &str,
    old: Option<&CaseResult>,
    new: Option<&CaseResult>,
) {
    let Some(said) = new.or(old) else { return };
    let (before, after) = (old.map(|case| case.outcome), new.map(|case| case.outcome));
    if let (Some(old), Some(new)) = (old, new) {
        found.measurements.extend(measured(profile, old, new));
    }
    if before == after {
        return;
    }
    let change = CaseChange {
        profile: profile.to_owned(),
        case_id: said.case_id.clone(),
        title: said.title.clone(),
        before,
        after,
        message: said.message.clone(),
    };
    match (before, after) {
        (_, Some(Outcome::Failed)) => found.new_failures.push(change),
        (Some(Outcome::Failed), Some(after)) if after.is_pass() => found.mended.push(change),
        (_, _) => found.other.push(change),
    }
}

fn measured(profile: &str, old: &CaseResult, new: &CaseResult) -> Vec<MeasurementChange> {
    let change = |now: &Measurement| {
        let was = old
            .measurements
            .iter()
            .find(|was| was.name == now.name && was.unit == now.unit)?;
        differs(was, now).then(|| MeasurementChange {
            profile: profile.to_owned(),
            case_id: new.case_id.clone(),
            name: now.name.clone(),
            unit: now.unit.clone(),
            before: was.value,
            after: now.value,
        })
    };
    new.measurements.iter().filter_map(change).collect()
}

/// Whether a value changed by more than noise. What is counted against a limit is exact; times,
/// and what is measured for information, vary.
fn differs(was: &Measurement, now: &Measurement) -> bool {
    let change = (now.value - was.value).abs();
    let is_time = now.unit == "ms";
    if now.limit.is_some() && !is_time {
        return change > 0.0;
    }
    let share = change > was.value.abs() * NOISE_SHARE;
    share && (!is_time || change > NOISE_MS)
}

/// What was not the same from the beginning.
fn settings(earlier: &Run, now: &Run) -> Vec<SettingChange> {
    let mut changes = Vec::new();
    let mut note = |name: &str, before: String, after: String| {
        if before != after {
            let name = name.to_owned();
            changes.push(SettingChange {
                name,
                before,
                after,
            });
        }
    };
    note("guest", earlier.guest.os.clone(), now.guest.os.clone());
    note(
        "kernel",
        earlier.guest.kernel_release.clone(),
        now.guest.kernel_release.clone(),
    );
    note("disks", disks(earlier), disks(now));
    note("plan", plan(earlier), plan(now));
    note("program", program(earlier), program(now));
    note("profiles", profiles(earlier), profiles(now));
    for part in &now.profiles {
        if let Some(old) = part_of(earlier, &part.profile) {
            let name = format!("platform of {}", part.profile);
            note(&name, platform(old), platform(part));
            let name = format!("command line on {}", part.profile);
            note(
                &name,
                old.machine.cmdline.clone(),
                part.machine.cmdline.clone(),
            );
        }
    }
    changes
}

fn disks(run: &Run) -> String {
    let disk = |image: &detente_evidence::ImageRecord| {
        let digest = image.digest.before.as_deref().unwrap_or("not taken");
        format!("{} ({}, content {})", image.name, image.format, digest)
    };
    run.images.iter().map(disk).collect::<Vec<_>>().join("; ")
}

fn plan(run: &Run) -> String {
    let plan = &run.plan;
    format!("{} v{} ({})", plan.id, plan.version, plan.digest)
}

fn program(run: &Run) -> String {
    let tool = &run.tool;
    format!("{} {} ({})", tool.name, tool.version, tool.sha256)
}

fn profiles(run: &Run) -> String {
    let names: Vec<_> = run.profiles.iter().map(|p| p.profile.as_str()).collect();
    names.join(", ")
}

fn platform(part: &ProfileRun) -> String {
    let platform = &part.platform;
    format!(
        "{} {}, {}, {}, {} processors, {} MiB",
        platform.product,
        platform.version,
        platform.implementation,
        platform.acceleration,
        part.machine.vcpus,
        part.machine.memory_mib
    )
}

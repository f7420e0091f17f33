//! How much of the required set was really run, for each pair of guest and hardware.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{CaseResult, Outcome, ProfileRun, Requirement, Run};

/// The guest's family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// Everything that is not Windows.
    Linux,
    /// `os_id` is `windows`.
    Windows,
}

/// Whose hardware it ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hardware {
    /// KVM's.
    Kvm,
    /// That of a machine that is compatible with Hyper-V, and is not Hyper-V.
    HypervCompatible,
    /// Hyper-V's.
    Hyperv,
}

/// One of the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The guest's family.
    pub system: System,
    /// Whose hardware.
    pub hardware: Hardware,
    /// The profiles that count here; none, if this pair was not run.
    pub profiles: Vec<String>,
    /// Required results that apply.
    pub required: usize,
    /// Those of them that were really seen, right or wrong.
    pub seen: usize,
    /// Why the pair was not run, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_run: Option<String>,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
        })
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kvm => "KVM",
            Self::HypervCompatible => "the Hyper-V-compatible machine",
            Self::Hyperv => "Hyper-V",
        })
    }
}

/// The pairs that every report shows, run or not.
const ALWAYS: [(System, Hardware); 4] = [
    (System::Linux, Hardware::Kvm),
    (System::Linux, Hardware::HypervCompatible),
    (System::Windows, Hardware::Kvm),
    (System::Windows, Hardware::Hyperv),
];

/// The figures of a run: the four that every report shows, and those of other pairs that were run.
/// Control runs do not count.
#[must_use]
pub fn coverage(run: &Run) -> Vec<Coverage> {
    let system = match run.guest.os_id.as_str() {
        "windows" => System::Windows,
        _ => System::Linux,
    };
    let mut figures: Vec<Coverage> = ALWAYS.iter().map(|pair| none(*pair, system)).collect();
    for part in &run.profiles {
        let pair = (system, hardware(part));
        if !figures.iter().any(|known| same(known, pair)) {
            figures.push(none(pair, system));
        }
        for figure in figures.iter_mut().filter(|known| same(known, pair)) {
            add(figure, part);
        }
    }
    figures
}

fn none((system, hardware): (System, Hardware), guest: System) -> Coverage {
    Coverage {
        system,
        hardware,
        profiles: Vec::new(),
        required: 0,
        seen: 0,
        not_run: Some(why_not(system, hardware, guest)),
    }
}

/// Why a pair that was not run was not.
fn why_not(system: System, hardware: Hardware, guest: System) -> String {
    match (system == guest, hardware) {
        (false, Hardware::Kvm | Hardware::HypervCompatible | Hardware::Hyperv) => {
            format!("this guest is {guest}")
        }
        (true, Hardware::Hyperv) => "it needs a Windows host with Hyper-V".to_owned(),
        (true, Hardware::Kvm | Hardware::HypervCompatible) => {
            format!("no profile of {hardware} was asked for")
        }
    }
}

fn same(known: &Coverage, pair: (System, Hardware)) -> bool {
    (known.system, known.hardware) == pair
}

fn hardware(part: &ProfileRun) -> Hardware {
    match part.profile.starts_with("hyperv") {
        false => Hardware::Kvm,
        true if part.platform.implementation == "vendor_product" => Hardware::Hyperv,
        true => Hardware::HypervCompatible,
    }
}

fn add(figure: &mut Coverage, part: &ProfileRun) {
    let applies = part.cases.iter().filter(|case| counts(case));
    let (seen, unseen): (Vec<_>, Vec<_>) = applies.partition(|case| is_seen(case.outcome));
    figure.not_run = None;
    figure.profiles.push(part.profile.clone());
    figure.seen = figure.seen.saturating_add(seen.len());
    figure.required = figure
        .required
        .saturating_add(seen.len())
        .saturating_add(unseen.len());
}

/// Whether a case is of the required set. What the user left out is; what does not apply is not.
fn counts(case: &CaseResult) -> bool {
    let required = case.requirement == Requirement::Required;
    required && (case.outcome != Outcome::Skipped || case.is_not_selected())
}

/// Whether something was seen, right or wrong.
fn is_seen(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Passed | Outcome::PassedWithWarning | Outcome::Failed | Outcome::NeedsReview => {
            true
        }
        Outcome::Error | Outcome::Skipped | Outcome::NotRun | Outcome::Interrupted => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sample;

    /// A run of these profiles: name, implementation, required outcomes.
    fn run(os_id: &str, profiles: &[(&str, &str, &[&str])]) -> Run {
        let mut json: Value = serde_json::to_value(sample::run()).unwrap();
        let template = json["profiles"][0].clone();
        let case = template["cases"][0].clone();
        let part = |(name, implementation, outcomes): &(&str, &str, &[&str])| {
            let mut part = template.clone();
            part["profile"] = json!(name);
            part["platform"]["implementation"] = json!(implementation);
            let cases = outcomes.iter().map(|outcome| {
                let mut case = case.clone();
                case["outcome"] = json!(outcome);
                case
            });
            part["cases"] = cases.collect();
            part
        };
        json["profiles"] = profiles.iter().map(part).collect();
        json["guest"]["os_id"] = json!(os_id);
        Run::parse(json.to_string().as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(run: &Run, expect: &[(&str, usize, usize)]) {
        let figures = coverage(run);
        let said: Vec<_> = figures
            .iter()
            .map(|figure| {
                let name = format!("{} on {}", figure.system, figure.hardware);
                (name, figure.seen, figure.required)
            })
            .collect();
        let expect: Vec<_> = expect
            .iter()
            .map(|(n, s, r)| ((*n).to_owned(), *s, *r))
            .collect();
        assert_eq!(said, expect);
    }

    #[test]
    fn what_was_seen_counts_right_or_wrong_and_what_does_not_apply_does_not() {
        let outcomes = [
            "passed",
            "failed",
            "not_run",
            "error",
            "skipped",
            "interrupted",
        ];
        let run = run(
            "debian",
            &[
                ("kvm", "upstream_build", &outcomes),
                ("kvm-legacy", "upstream_build", &["passed_with_warning"]),
                ("hyperv-vmbus", "compatible_implementation", &["passed"]),
            ],
        );
        check(
            &run,
            &[
                ("Linux on KVM", 3, 6),
                ("Linux on the Hyper-V-compatible machine", 1, 1),
                ("Windows on KVM", 0, 0),
                ("Windows on Hyper-V", 0, 0),
            ],
        );
    }

    #[test]
    fn what_the_user_left_out_counts_against_and_a_pair_that_was_not_run_says_why() {
        let mut run = run(
            "debian",
            &[("kvm", "upstream_build", &["passed", "skipped"])],
        );
        run.profiles[0].cases[1].reason_code = Some("not_selected".to_owned());
        check(
            &run,
            &[
                ("Linux on KVM", 1, 2),
                ("Linux on the Hyper-V-compatible machine", 0, 0),
                ("Windows on KVM", 0, 0),
                ("Windows on Hyper-V", 0, 0),
            ],
        );
        let why: Vec<_> = coverage(&run).into_iter().map(|f| f.not_run).collect();
        let other = "no profile of the Hyper-V-compatible machine was asked for";
        let linux = "this guest is Linux";
        assert_eq!(
            why,
            [None, Some(other), Some(linux), Some(linux)].map(|why| why.map(str::to_owned))
        );
    }

    #[test]
    fn other_pairs_that_were_run_are_added() {
        let linux = run("rhel", &[("hyperv-gen2", "vendor_product", &["passed"])]);
        assert_eq!(coverage(&linux).len(), 5);
        assert_eq!(coverage(&linux)[4].hardware, Hardware::Hyperv);
        let windows = run("windows", &[("hyperv-gen2", "vendor_product", &["passed"])]);
        assert_eq!(coverage(&windows)[3].seen, 1);
        assert_eq!(coverage(&windows).len(), 4);
    }
}

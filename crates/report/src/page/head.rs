//! The top of the page: verdict, statement, figures.

use detente_evidence::{
    CaseResult, Outcome, PlatformRecord, ProfileRun, Requirement, Run, RunKind, Verdict, statement,
};

use crate::text::{clipped, counted, listed, percent, shown};
use crate::words::{OUTCOMES, mark, spoken};
use crate::{Coverage, coverage};

/// How many failures the sentence below the verdict names.
const NAMED: usize = 3;

/// The top of the page.
pub(super) struct Head {
    pub(super) title: String,
    pub(super) guest: String,
    pub(super) kernel: String,
    pub(super) verdict: Badge,
    /// The verdict in a sentence or two.
    pub(super) sentences: Vec<String>,
    pub(super) faults: Option<String>,
    /// What of the plan was run, if not the whole.
    pub(super) partial: Option<String>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) cards: Vec<Card>,
    pub(super) figures: Vec<Figure>,
    pub(super) made_by: String,
}

/// A word with its colour and sign.
#[derive(PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) class: String,
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
}

/// One profile in short.
pub(super) struct Card {
    pub(super) profile: String,
    pub(super) is_control: bool,
    pub(super) verdict: Badge,
    pub(super) platform: String,
    pub(super) tally: Vec<Tally>,
    pub(super) statement: String,
}

/// How many cases ended one way.
pub(super) struct Tally {
    pub(super) badge: Badge,
    pub(super) count: usize,
    pub(super) x: String,
    pub(super) width: String,
}

/// How much of the required set was really run.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) words: String,
    pub(super) width: String,
    pub(super) is_run: bool,
}

pub(super) fn head(run: &Run) -> Head {
    let guest = shown(&run.guest.os);
    let controls = run.controls.iter().map(|part| card(part, true));
    Head {
        title: format!("{}: {guest}, détente report", run.verdict.word()),
        guest,
        kernel: shown(&run.guest.kernel_release),
        verdict: verdict_badge(run.verdict),
        sentences: sentences(run),
        faults: faults(run),
        partial: partial(run),
        facts: facts(run),
        cards: run
            .profiles
            .iter()
            .map(|part| card(part, false))
            .chain(controls)
            .collect(),
        figures: coverage(run).iter().map(figure).collect(),
        made_by: format!("{} {}", shown(&run.tool.name), shown(&run.tool.version)),
    }
}

/// The badge of an outcome.
pub(super) fn badge(outcome: Outcome) -> Badge {
    Badge {
        class: format!("o-{}", outcome.word()),
        mark: mark(outcome),
        word: spoken(outcome),
    }
}

fn verdict_badge(verdict: Verdict) -> Badge {
    let (class, mark) = match verdict {
        Verdict::Passed => ("o-passed", "✓"),
        Verdict::Failed => ("o-failed", "✗"),
        Verdict::Incomplete => ("o-passed_with_warning", "○"),
        Verdict::Interrupted => ("o-interrupted", "×"),
    };
    Badge {
        class: class.to_owned(),
        mark,
        word: verdict.word(),
    }
}

/// Required results of all profiles, each with its profile.
fn required(run: &Run) -> Vec<(&ProfileRun, &CaseResult)> {
    let parts = run.profiles.iter();
    let results = parts.flat_map(|part| part.cases.iter().map(move |case| (part, case)));
    results
        .filter(|(_, case)| case.requirement == Requirement::Required)
        .collect()
}

/// What the verdict rests on.
fn sentences(run: &Run) -> Vec<String> {
    let required = required(run);
    let count = |wanted: fn(Outcome) -> bool| {
        let cases = required.iter();
        cases.filter(|(_, case)| wanted(case.outcome)).count()
    };
    let passed = count(Outcome::is_pass);
    let failed = count(|outcome| outcome == Outcome::Failed);
    let applying = count(|outcome| outcome != Outcome::Skipped);
    let unseen = applying.saturating_sub(passed).saturating_sub(failed);
    let of_all = format!(
        "{passed} of {}",
        counted(applying, "required result", "required results")
    );
    let mut sentences = vec![match run.verdict {
        Verdict::Passed if run.kind == RunKind::Partial => {
            format!("Of the cases that were chosen, what is required was found right: {of_all}.")
        }
        Verdict::Passed => format!("All that is required was seen and found right: {of_all}."),
        Verdict::Failed => format!("{} {of_all} passed.", failures(&required)),
        Verdict::Incomplete => {
            format!("Nothing required failed, but not everything was seen: {of_all} passed.")
        }
        Verdict::Interrupted => {
            format!("The run was ended before everything was seen: {of_all} passed.")
        }
    }];
    if unseen > 0 {
        let many = counted(unseen, "required result was", "required results were");
        sentences.push(format!("{many} not seen."));
    }
    sentences.extend(beside_the_verdict(run));
    sentences
}

/// What failed, by name.
fn failures(required: &[(&ProfileRun, &CaseResult)]) -> String {
    let failed: Vec<String> = required
        .iter()
        .filter(|(_, case)| case.outcome == Outcome::Failed)
        .map(|(part, case)| {
            let (id, title) = (clipped(&case.case_id, 40), clipped(&case.title, 80));
            format!("{id} ({title}) on {}", clipped(&part.profile, 40))
        })
        .collect();
    let more = failed.len().saturating_sub(NAMED);
    let mut named: Vec<String> = failed.into_iter().take(NAMED).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    format!("Failed: {}.", listed(&named))
}

/// Failures that do not count.
fn beside_the_verdict(run: &Run) -> Option<String> {
    let results = run.profiles.iter().flat_map(|part| &part.cases);
    let failed = results.filter(|case| {
        case.requirement != Requirement::Required && case.outcome == Outcome::Failed
    });
    let count = failed.count();
    (count > 0).then(|| {
        let results = counted(count, "result that is", "results that are");
        format!("{results} not required failed too; this does not count in the verdict.")
    })
}

fn faults(run: &Run) -> Option<String> {
    match run.kind {
        RunKind::Unofficial | RunKind::Partial => None,
        RunKind::FaultInjected => Some(shown(&run.faults.join(", "))),
    }
}

/// What was chosen of the plan, in words.
fn partial(run: &Run) -> Option<String> {
    let parts: Vec<String> = run
        .profiles
        .iter()
        .filter_map(|part| {
            let (chosen, all) = part.chosen()?;
            Some(format!(
                "{chosen} of {all} cases on {}",
                shown(&part.profile)
            ))
        })
        .collect();
    (!parts.is_empty()).then(|| listed(&parts))
}

fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let plan = format!("{} v{}", run.plan.id, run.plan.version);
    vec![
        ("Plan", shown(&plan)),
        ("Began", moment(&run.started_at)),
        ("Ended", moment(&run.finished_at)),
        ("Run", shown(&run.run_id)),
    ]
}

/// RFC 3339 in UTC as people write it; what is not is shown as it is.
pub(super) fn moment(text: &str) -> String {
    let parts = text.split_once('T').map(|(day, time)| (day, time.get(..8)));
    match parts {
        Some((day, Some(time))) if text.ends_with('Z') => {
            format!("{} {} UTC", shown(day), shown(time))
        }
        Some(_) | None => shown(text),
    }
}

fn card(part: &ProfileRun, is_control: bool) -> Card {
    Card {
        profile: shown(&part.profile),
        is_control,
        verdict: verdict_badge(part.verdict),
        platform: platform(&part.platform),
        tally: tally(part),
        statement: clipped(&statement(part), 8_000),
    }
}

fn platform(platform: &PlatformRecord) -> String {
    let named = format!("{} {}", platform.product, platform.version);
    format!("{}, {}", shown(&named), shown(&platform.acceleration))
}

/// The outcomes of a profile, the best first, as a bar and in numbers.
fn tally(part: &ProfileRun) -> Vec<Tally> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let whole = number(part.cases.len());
    let mut at: usize = 0;
    let mut tallies = Vec::new();
    for outcome in OUTCOMES {
        let count = part
            .cases
            .iter()
            .filter(|case| case.outcome == outcome)
            .count();
        if count > 0 {
            tallies.push(Tally {
                badge: badge(outcome),
                count,
                x: percent(number(at), whole),
                width: percent(number(count), whole),
            });
        }
        at = at.saturating_add(count);
    }
    tallies
}

fn figure(figure: &Coverage) -> Figure {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let width = percent(number(figure.seen), number(figure.required));
    let is_run = !figure.profiles.is_empty();
    let (value, words) = if is_run {
        let whole = width.split_once('.').map_or("0", |(whole, _)| whole);
        let profiles = shown(&figure.profiles.join(", "));
        let required = counted(figure.required, "required result", "required results");
        (
            format!("{whole} %"),
            format!("{} of {required} seen ({profiles})", figure.seen),
        )
    } else {
        let why = figure.not_run.as_deref().unwrap_or("not run");
        ("—".to_owned(), format!("not run: {}", shown(why)))
    };
    Figure {
        name: format!("{} on {}", figure.system, figure.hardware),
        value,
        words,
        width,
        is_run,
    }
}

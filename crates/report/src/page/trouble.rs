//! What did not go well: the message, whose it is, what to do, the console around it.

use detente_evidence::{CaseResult, ControlRecord, Follows, Outcome, ProfileRun, Run};

use super::head::{Badge, badge};
use crate::console::{Excerpt, excerpt};
use crate::text::{clipped, shown};
use crate::{Folder, words};

/// The largest console that is read; the runner keeps no more of one either.
const CONSOLE_LIMIT: u64 = 8 * 1024 * 1024 + 4096;

/// The most troubles with a console of their own.
const CONSOLES: usize = 24;

/// A case that failed, or that nobody could see.
pub(super) struct Trouble {
    pub(super) profile: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) requirement: &'static str,
    pub(super) badge: Badge,
    pub(super) message: String,
    pub(super) responsibility: String,
    /// What to do, in pieces: whether it is a command, and the text.
    pub(super) advice: Vec<(bool, &'static str)>,
    pub(super) console: Option<Excerpt>,
    /// The trouble that shows the same lines already.
    pub(super) console_above: Option<String>,
    /// The file that the lines are from.
    pub(super) console_file: String,
}

/// A case that passed, with something to know.
pub(super) struct Warning {
    pub(super) profile: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) message: String,
}

/// Everything that did not go well, failures first.
pub(super) fn troubles(run: &Run, folder: &Folder) -> Vec<Trouble> {
    let wanted = [
        Outcome::Failed,
        Outcome::Error,
        Outcome::NeedsReview,
        Outcome::Interrupted,
    ];
    let mut found: Vec<Trouble> = Vec::new();
    for outcome in wanted {
        for (part, case) in results(run).filter(|(_, case)| case.outcome == outcome) {
            let console = (found.len() < CONSOLES && outcome != Outcome::Interrupted)
                .then(|| console(folder, part, case))
                .flatten();
            let trouble = trouble(part, case, console);
            found.push(without_repetition(trouble, &found));
        }
    }
    found
}

/// The trouble, without lines that another one shows already.
fn without_repetition(mut trouble: Trouble, above: &[Trouble]) -> Trouble {
    let same = |other: &&Trouble| {
        other.console.is_some()
            && other.console == trouble.console
            && other.console_file == trouble.console_file
    };
    if let Some(other) = above.iter().find(same) {
        trouble.console_above = Some(other.id.clone());
        trouble.console = None;
    }
    trouble
}

/// Everything that passed with a warning.
pub(super) fn warnings(run: &Run) -> Vec<Warning> {
    results(run)
        .filter(|(_, case)| case.outcome == Outcome::PassedWithWarning)
        .map(|(part, case)| Warning {
            profile: shown(&part.profile),
            id: shown(&case.case_id),
            title: shown(&case.title),
            message: shown(&case.message),
        })
        .collect()
}

fn results(run: &Run) -> impl Iterator<Item = (&ProfileRun, &CaseResult)> {
    let parts = run.profiles.iter();
    parts.flat_map(|part| part.cases.iter().map(move |case| (part, case)))
}

fn trouble(part: &ProfileRun, case: &CaseResult, console: Option<(String, Excerpt)>) -> Trouble {
    let (console_file, console) = match console {
        Some((file, excerpt)) => (file, Some(excerpt)),
        None => (String::new(), None),
    };
    Trouble {
        profile: shown(&part.profile),
        id: shown(&case.case_id),
        title: shown(&case.title),
        requirement: words::requirement(case.requirement),
        badge: badge(case.outcome),
        message: shown(&case.message),
        responsibility: responsibility(case),
        advice: pieces(advice(case)),
        console,
        console_above: None,
        console_file,
    }
}

/// Whose it is, as far as it can be told.
fn responsibility(case: &CaseResult) -> String {
    match (&case.control, case.outcome) {
        (Some(control), _) => controlled(control),
        (None, Outcome::Failed) => {
            "Not determined: there was no control run on the other side's hardware.".to_owned()
        }
        (None, Outcome::Error) => {
            "Nobody's so far: the tool or the lab broke, or the agent did not answer.".to_owned()
        }
        (None, _) => "Not determined.".to_owned(),
    }
}

fn controlled(control: &ControlRecord) -> String {
    let (profile, outcome) = (clipped(&control.profile, 40), control.outcome);
    let seen = format!("the same case on {profile}: {}", words::spoken(outcome));
    match control.follows {
        Follows::Guest => format!("Follows the guest; {seen}."),
        Follows::Platform => format!("Follows the platform; {seen}."),
        Follows::Undetermined => format!("Cannot be told; {seen}."),
    }
}

/// What to do: what the control run suggests, else what the outcome does.
fn advice(case: &CaseResult) -> &'static str {
    match &case.control {
        Some(control) => words::follows(control.follows).advice,
        None => words::outcome(case.outcome).advice,
    }
}

/// A text of ours in pieces: what stands between grave accents is a command.
fn pieces(text: &'static str) -> Vec<(bool, &'static str)> {
    let parts = text.split('`').enumerate();
    parts
        .map(|(index, part)| (index % 2 == 1, part))
        .filter(|(_, part)| !part.is_empty())
        .collect()
}

/// The console of the machine that the case ran on, around the failure.
fn console(folder: &Folder, part: &ProfileRun, case: &CaseResult) -> Option<(String, Excerpt)> {
    let named = case
        .evidence
        .iter()
        .find(|name| name.ends_with("console.log"));
    let files = [
        named.cloned().unwrap_or_default(),
        format!("{}/console.log", part.profile),
        format!("{}/console-tail.txt", part.profile),
    ];
    files.into_iter().find_map(|file| {
        let bytes = folder.read(&file, CONSOLE_LIMIT).ok()?;
        let lines = excerpt(&bytes, case)?;
        Some((shown(&file), lines))
    })
}

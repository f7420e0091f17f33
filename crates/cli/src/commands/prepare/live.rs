//! What the user sees while a guest is prepared: a line for each thing that happens.

use detente_guest::Guest;
use detente_guest::prepare::Plan;
use detente_validate::prepare::{PrepareError, PrepareEvent, PrepareObserver};

use crate::output::{Output, StatusLine};
use crate::page::clean;

/// How much of a program's line is shown.
const SHOWN: usize = 100;

/// Prints progress to standard error.
pub(super) struct Live<'a> {
    out: &'a mut Output,
    /// What a program prints is written over, where somebody looks on.
    status: StatusLine,
    is_written: bool,
}

impl<'a> Live<'a> {
    pub(super) fn new(out: &'a mut Output) -> Self {
        Self {
            out,
            status: StatusLine::new(),
            is_written: false,
        }
    }

    /// Says what is going to be done, before anything takes time.
    pub(super) fn begin(&mut self, guest: &Guest, plan: &Plan) {
        let os = clean(&guest.facts().operating_system.pretty_name);
        self.out.aside(&format!("guest     {os}"));
        let profiles: Vec<_> = plan.profiles.iter().map(|profile| profile.name()).collect();
        self.out
            .aside(&format!("for       {}", profiles.join(", ")));
        self.out.aside(&match plan.steps.len() {
            0 => "plan      nothing to do".to_owned(),
            1 => "plan      1 step".to_owned(),
            count => format!("plan      {count} steps"),
        });
    }

    fn line(&mut self, text: &str) {
        if std::mem::take(&mut self.is_written) {
            self.status.say("");
        }
        self.out.aside(&clean(text));
    }
}

impl PrepareObserver for Live<'_> {
    fn event(&mut self, event: &PrepareEvent<'_>) {
        match event {
            PrepareEvent::Starting { profile, why } => {
                self.line(&format!("machine   {profile}: {why}"));
            }
            PrepareEvent::GaveUp { profile, why } => {
                self.line(&format!("  ✗ not on {profile}: {why}"));
            }
            PrepareEvent::Came { text, elapsed_ms } => {
                self.line(&format!("  · {:>8}  {text}", seconds(*elapsed_ms)));
            }
            PrepareEvent::Begun {
                number, of, name, ..
            } => self.line(&format!("  {number:>2}/{of} {name}")),
            PrepareEvent::Doing { text } => self.line(&format!("  · {:>8}  {text}", "")),
            PrepareEvent::Line { text } => {
                let shown: String = text.chars().take(SHOWN).collect();
                let shown = format!("       | {}", clean(&shown));
                if self.status.is_seen() {
                    self.status.say(&shown);
                    self.is_written = true;
                } else {
                    self.out.aside(&shown);
                }
            }
            PrepareEvent::LeftOut { .. } => {}
            PrepareEvent::Done { name, duration_ms } => {
                self.line(&format!("  ✓ {:>8}  {name}", seconds(*duration_ms)));
            }
            PrepareEvent::Writing { path } => {
                self.line(&format!("  · {:>8}  writing {}", "", path.display()));
            }
        }
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// What the guest said last before it failed, if it said anything.
pub(super) fn last_words(error: &PrepareError) -> Option<String> {
    let lines = match error {
        PrepareError::Step { output, .. } => output.join("\n"),
        PrepareError::NotReady { console, .. } => console.clone(),
        _ => return None,
    };
    (!lines.is_empty()).then_some(lines)
}

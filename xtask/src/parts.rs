//! `cargo xtask test`: the parts of `make test`, each with its budget.
//!
//! Every part runs even if an earlier one failed, except that nothing runs
//! after a build that failed. At the end stand a table of times, the skips that
//! nobody allowed, and nextest's own closing line.

mod budget;
mod nextest;
pub(crate) mod skips;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::say::say;
use crate::tool::Tool;
use budget::{PARTS, Part};
use nextest::Nextest;

/// How one part went.
struct Outcome {
    part: Part,
    took: Duration,
    error: Option<anyhow::Error>,
}

/// What the parts of one run have in common.
#[derive(Default)]
struct Session {
    /// nextest's closing lines, those of failed runs last.
    closing: Vec<String>,
    /// The skips that tests reported.
    skipped: Vec<String>,
}

/// What a part that takes longer than its budget means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OverBudget {
    /// It is said.
    Said,
    /// It is a failure (`--strict`).
    Fails,
}

/// Runs the named parts, or all of them.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (flags, names): (Vec<String>, _) = arguments
        .iter()
        .cloned()
        .partition(|word| word == "--strict");
    let over_budget = if flags.is_empty() {
        OverBudget::Said
    } else {
        OverBudget::Fails
    };
    let parts = choose(&names)?;
    let mut session = Session::default();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for part in parts {
        if outcomes
            .iter()
            .any(|outcome| outcome.part == Part::Build && outcome.error.is_some())
        {
            break;
        }
        say(&format!(
            "== {} (budget {} min)",
            part.name(),
            part.budget().as_secs() / 60
        ));
        let started = Instant::now();
        let error = session.run(part).err();
        outcomes.push(Outcome {
            part,
            took: started.elapsed(),
            error,
        });
    }
    conclude(&session, &outcomes)?;
    in_budget(&outcomes, over_budget)
}

/// Complains of parts that took too long, if somebody vouches for the machine.
fn in_budget(outcomes: &[Outcome], over_budget: OverBudget) -> anyhow::Result<()> {
    let late: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.took > outcome.part.budget())
        .map(|outcome| outcome.part.name())
        .collect();
    if over_budget == OverBudget::Fails && !late.is_empty() {
        bail!("over budget: {}", late.join(", "));
    }
    Ok(())
}

fn choose(names: &[String]) -> anyhow::Result<Vec<Part>> {
    if names.is_empty() {
        return Ok(PARTS.to_vec());
    }
    let part = |name: &String| PARTS.iter().copied().find(|part| part.name() == name);
    names
        .iter()
        .map(|name| part(name).with_context(|| format!("no part is called {name}")))
        .collect()
}

impl Session {
    fn run(&mut self, part: Part) -> anyhow::Result<()> {
        match part {
            Part::Build => build(),
            Part::Unit => {
                self.nextest(Nextest::unit())?;
                // nextest runs no examples of documentation.
                Tool::new("cargo")
                    .args(["test", "--quiet", "--locked", "--workspace", "--doc"])
                    .run()
            }
            Part::Hostile => self.nextest(Nextest::hostile()?),
            Part::Images => crate::images::run(&[]),
            Part::Boots => self.nextest(Nextest::boots()),
        }
    }

    fn nextest(&mut self, nextest: Nextest) -> anyhow::Result<()> {
        let report = nextest.run()?;
        self.skipped.extend(report.skipped);
        // What failed is said last; of what passed, the unit tests.
        let place = if report.passed { 0 } else { self.closing.len() };
        self.closing.insert(place, report.closing);
        if report.passed {
            Ok(())
        } else {
            bail!("tests failed")
        }
    }
}

/// The program as users have it, and every test, so that later parts only run.
fn build() -> anyhow::Result<()> {
    let cargo = || Tool::new("cargo");
    cargo()
        .args(["build", "--release", "--locked", "--package", "detente-cli"])
        .run()?;
    cargo()
        .args(["nextest", "run", "--locked", "--workspace", "--no-run"])
        .run()
}

fn conclude(session: &Session, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let unlisted = skips::unlisted(&session.skipped)?;
    say("\npart      took   budget");
    outcomes.iter().for_each(|outcome| say(&line(outcome)));
    session
        .skipped
        .iter()
        .for_each(|skip| say(&format!("skipped: {skip}")));
    unlisted
        .iter()
        .for_each(|skip| say(&format!("not on {}: {skip}", skips::LIST)));
    session.closing.iter().for_each(|line| say(line));
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.error.is_some())
        .map(|outcome| outcome.part.name())
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    if !unlisted.is_empty() {
        bail!(
            "{} tests were skipped that are not on {}",
            unlisted.len(),
            skips::LIST
        );
    }
    Ok(())
}

/// One line of the table.
fn line(outcome: &Outcome) -> String {
    let Outcome { part, took, error } = outcome;
    let over = if *took > part.budget() {
        "  OVER BUDGET"
    } else {
        ""
    };
    let failed = error
        .as_ref()
        .map(|error| format!("  FAILED: {error:#}"))
        .unwrap_or_default();
    format!(
        "{:8} {} {}{over}{failed}",
        part.name(),
        clock(*took),
        clock(part.budget())
    )
}

/// Minutes and seconds.
fn clock(duration: Duration) -> String {
    format!(
        "{:3}:{:02}",
        duration.as_secs() / 60,
        duration.as_secs() % 60
    )
}

#[cfg(test)]
mod tests {
    use super::{Duration, Outcome, OverBudget, Part, in_budget};

    fn took(part: Part, minutes: u64) -> Outcome {
        Outcome {
            part,
            took: Duration::from_secs(minutes * 60),
            error: None,
        }
    }

    #[test]
    fn a_part_that_took_too_long_fails_only_where_it_is_meant_to() {
        let outcomes = [took(Part::Unit, 1), took(Part::Images, 60)];
        assert!(in_budget(&outcomes, OverBudget::Said).is_ok());
        let error = in_budget(&outcomes, OverBudget::Fails).unwrap_err();
        assert_eq!(error.to_string(), "over budget: images");
        assert!(in_budget(&outcomes[..1], OverBudget::Fails).is_ok());
    }
}

//! What of a plan is run: `--case`, `--skip`, `--repeat`, `--rerun-failed`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use detente_evidence::Run;
use detente_machine::Profile;
use detente_plan::Plan;
use detente_validate::{Rerun, Scope};

use crate::commands::plan;
use crate::failure::Failure;

/// The plan of a run for which none is named.
const DEFAULT_PLAN: &str = "smoke";

/// How many names an unknown one is likened to.
const NEAR: usize = 3;

/// What of a plan is run, and how often.
#[derive(Debug, Args)]
pub(in crate::commands) struct ChoiceArguments {
    /// The test plan; without it smoke, or with --rerun-failed that of the earlier run.
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// Run this case alone; may be given again. The run is a partial one.
    #[arg(long = "case", value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave this case out; may be given again. The run is a partial one.
    #[arg(long = "skip", value_name = "ID", value_delimiter = ',')]
    skip: Vec<String>,
    /// Run every case so often, each time in a fresh boot: what passes only sometimes is seen.
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: u32,
    /// The folder of an earlier run: run again only what did not pass in it.
    #[arg(long, value_name = "RUN")]
    rerun_failed: Option<PathBuf>,
}

/// A plan, and what of it is run.
pub(in crate::commands) struct Choice {
    pub(in crate::commands) plan: Plan,
    pub(in crate::commands) scope: Scope,
}

impl ChoiceArguments {
    /// What is chosen; `own` are the names of the user's own cases.
    pub(in crate::commands) fn choose(&self, own: &[String]) -> Result<Choice, Failure> {
        let earlier = match &self.rerun_failed {
            Some(folder) => Some(super::super::report::open(folder)?.run),
            None => None,
        };
        let plan = self.named_plan(earlier.as_ref())?;
        let planned = plan.cases.iter().map(|case| case.id.name().to_owned());
        let known: Vec<String> = planned.chain(own.iter().cloned()).collect();
        let scope = Scope {
            only: named(&self.only, &known, &plan)?,
            skip: named(&self.skip, &known, &plan)?,
            rerun: earlier.as_ref().map(Rerun::of),
            repetitions: self.repeat,
        };
        let any = |profile: Profile| known.iter().any(|case| scope.chooses(profile, case));
        if !Profile::ALL.iter().any(|profile| any(*profile)) {
            return Err(nothing(self, earlier.as_ref()));
        }
        Ok(Choice { plan, scope })
    }

    fn named_plan(&self, earlier: Option<&Run>) -> Result<Plan, Failure> {
        let of_run = earlier.map(|run| run.plan.id.as_str());
        let id = self.plan.as_deref().or(of_run).unwrap_or(DEFAULT_PLAN);
        let plan = plan::named(id)?;
        match earlier {
            Some(run) if run.plan.id != plan.id => Err(Failure::usage(
                format!(
                    "the earlier run was of the plan {:?}, not of {id:?}",
                    run.plan.id
                ),
                "leave --plan away: the earlier run says it",
            )),
            Some(_) | None => Ok(plan),
        }
    }
}

/// The profiles of a run: those that were named, or those on which something is run again.
pub(in crate::commands) fn profiles(named: Vec<Profile>, scope: &Scope) -> Vec<Profile> {
    match &scope.rerun {
        Some(rerun) if named.is_empty() => rerun.profiles().collect(),
        Some(_) | None if named.is_empty() => Profile::DEFAULT.to_vec(),
        Some(_) | None => named,
    }
}

fn nothing(arguments: &ChoiceArguments, earlier: Option<&Run>) -> Failure {
    let message = match earlier {
        Some(run) if arguments.only.is_empty() && arguments.skip.is_empty() => {
            format!("every case of {} that applied passed", run.run_id)
        }
        Some(_) | None => "no case is left to be run".to_owned(),
    };
    Failure::usage(
        message,
        "`detente plan show PLAN` lists the cases of a plan",
    )
}

/// The cases of these names, however they are written.
fn named(names: &[String], known: &[String], plan: &Plan) -> Result<BTreeSet<String>, Failure> {
    let find = |name: &String| {
        let mut known_names = known.iter();
        let found = known_names.find(|known| known.eq_ignore_ascii_case(name.trim()));
        found.cloned().ok_or_else(|| unknown(name, known, plan))
    };
    names.iter().map(find).collect()
}

fn unknown(name: &str, known: &[String], plan: &Plan) -> Failure {
    let near = near(name, known);
    let hint = if near.is_empty() {
        format!("`detente plan show {}` lists its cases", plan.id)
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Failure::usage(format!("plan {} has no case {name:?}", plan.id), &hint)
}

/// The known names that are most like one, the nearest first.
pub(in crate::commands) fn near<'k>(name: &str, known: &'k [String]) -> Vec<&'k str> {
    // Longer names are nobody's slip of the finger.
    let name: Vec<char> = name.trim().to_ascii_uppercase().chars().take(64).collect();
    let mut ranked: Vec<(usize, &str)> = known
        .iter()
        .map(|known| (distance(&name, &known.to_ascii_uppercase()), known.as_str()))
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    ranked.sort();
    ranked
        .into_iter()
        .take(NEAR)
        .map(|(_, name)| name)
        .collect()
}

/// How many letters must be put in, taken out or changed (Levenshtein's distance).
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, left) in a.iter().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (right, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(left != right);
            diagonal = *cell;
            before = changed.min(before + 1).min(*cell + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expect: &[&str]) {
        let known: Vec<String> = ["STO-01", "STO-02", "NET-01", "BOOT-01", "USER-mounts"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(near(name, &known), expect, "{name}");
    }

    #[test]
    fn the_nearest_names_are_named() {
        check("STO-1", &["STO-01", "STO-02"]);
        check("boot01", &["BOOT-01"]);
        check("user-mount", &["USER-mounts"]);
        check("certificate", &[]);
        check("", &[]);
        check(&"x".repeat(1_000_000), &[]);
    }

    #[test]
    fn letters_are_counted() {
        let distance = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}

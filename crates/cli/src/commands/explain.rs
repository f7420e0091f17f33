//! `detente explain`: what a word or a case means, and what to do about it.

use std::process::ExitCode;

use clap::Args;
use detente_plan::{Case, Plan};
use detente_report::words::{self, Word};
use serde::Serialize;

use crate::args::Format;
use crate::commands::plan;
use crate::failure::Failure;
use crate::output::Output;

/// Explain an outcome, a verdict or a case: what it means, and what to do.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente explain not_run\n  detente explain BOOT-01\n  detente explain"
)]
pub(crate) struct Arguments {
    /// A word of a report (passed_with_warning, not_run, emulated, …) or a case (BOOT-01). Without
    /// it, everything that can be explained.
    #[arg(value_name = "OUTCOME|CASE")]
    term: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The answer for programs.
#[derive(Serialize)]
struct Explanation {
    schema: &'static str,
    words: Vec<ExplainedWord>,
    cases: Vec<ExplainedCase>,
}

/// One meaning of a word.
#[derive(Serialize)]
struct ExplainedWord {
    word: &'static str,
    kind: &'static str,
    meaning: &'static str,
    advice: &'static str,
}

/// One case of one plan.
#[derive(Serialize)]
struct ExplainedCase {
    plan: String,
    version: u32,
    case: Case,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let plans = Plan::built_in();
    let (found, cases) = match &arguments.term {
        Some(term) => wanted(term, &plans)?,
        None => (words::all().to_vec(), all_cases(&plans)),
    };
    match (arguments.format, &arguments.term) {
        (Format::Json, _) => out.json(&explanation(&found, &cases))?,
        (Format::Text, Some(_)) => explain(&found, &cases, out)?,
        (Format::Text, None) => list(&found, &cases, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

type Found<'p> = (Vec<Word>, Vec<(&'p Plan, &'p Case)>);

/// Everything that a term may mean.
fn wanted<'p>(term: &str, plans: &'p [Plan]) -> Result<Found<'p>, Failure> {
    let words = words::find(term);
    let mut cases = all_cases(plans);
    cases.retain(|(_, case)| case.id.name().eq_ignore_ascii_case(term.trim()));
    if words.is_empty() && cases.is_empty() {
        return Err(Failure::usage(
            format!("{term:?} is neither a word of a report nor a case"),
            "`detente explain` lists what can be explained",
        ));
    }
    Ok((words, cases))
}

fn all_cases(plans: &[Plan]) -> Vec<(&Plan, &Case)> {
    plans
        .iter()
        .flat_map(|plan| plan.cases.iter().map(move |case| (plan, case)))
        .collect()
}

fn explanation(found: &[Word], cases: &[(&Plan, &Case)]) -> Explanation {
    let word = |word: &Word| ExplainedWord {
        word: word.word,
        kind: word.kind,
        meaning: word.meaning,
        advice: word.advice,
    };
    let case = |(plan, case): &(&Plan, &Case)| ExplainedCase {
        plan: plan.id.clone(),
        version: plan.version,
        case: (*case).clone(),
    };
    Explanation {
        schema: "detente/explanation/1",
        words: found.iter().map(word).collect(),
        cases: cases.iter().map(case).collect(),
    }
}

/// All that is known of a few.
fn explain(found: &[Word], cases: &[(&Plan, &Case)], out: &mut Output) -> anyhow::Result<()> {
    let mut is_first = true;
    for word in found {
        if !std::mem::take(&mut is_first) {
            out.line("")?;
        }
        out.line(&format!("{}, {}", word.word, word.kind))?;
        out.line("")?;
        out.line(word.meaning)?;
        if !word.advice.is_empty() {
            out.line(&format!("What to do: {}", word.advice))?;
        }
    }
    for (plan, case) in cases {
        if !std::mem::take(&mut is_first) {
            out.line("")?;
        }
        plan::show_case(plan, case, out)?;
    }
    Ok(())
}

/// A line for each of many.
fn list(found: &[Word], cases: &[(&Plan, &Case)], out: &mut Output) -> anyhow::Result<()> {
    let mut kind = "";
    for word in found {
        if word.kind != kind {
            kind = word.kind;
            out.line(&format!("{kind}:"))?;
        }
        out.line(&format!("  {}", word.word))?;
    }
    out.line("case:")?;
    for (plan, case) in cases {
        out.line(&format!("  {:<8} {} ({})", case.id, case.title, plan.id))?;
    }
    Ok(())
}

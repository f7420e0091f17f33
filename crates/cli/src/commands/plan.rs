//! `detente plan`: the test plans and their cases.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use detente_machine::Profile;
use detente_plan::{Case, NotShown, Plan};
use detente_report::words;
use serde::Serialize;

use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;

/// Show test plans and their cases.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(ListArguments),
    Show(ShowArguments),
}

/// List the test plans.
#[derive(Debug, Args)]
#[command(after_help = "Example: detente plan list")]
pub(crate) struct ListArguments {
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Show a plan, or one case of it in full sentences.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente plan show smoke\n  detente plan show smoke PWR-01")]
pub(crate) struct ShowArguments {
    /// The plan.
    plan: String,
    /// One of its cases.
    case: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The answer of `plan list` for programs.
#[derive(Serialize)]
struct Listing {
    schema: &'static str,
    plans: Vec<ListedPlan>,
}

/// A line of [`Listing`].
#[derive(Serialize)]
struct ListedPlan {
    id: String,
    version: u32,
    title: String,
    cases: usize,
    digest: String,
}

/// The answer of `plan show PLAN CASE` for programs.
#[derive(Serialize)]
struct ShownCase {
    schema: &'static str,
    plan: String,
    version: u32,
    case: Case,
}

pub(crate) fn run(command: &Command, out: &mut Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => list(arguments, out),
        Command::Show(arguments) => show(arguments, out),
    }
}

fn list(arguments: &ListArguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let plans = Plan::built_in();
    match arguments.format {
        Format::Json => out.json(&Listing {
            schema: "detente/plan-list/1",
            plans: plans.iter().map(listed).collect(),
        })?,
        Format::Text => {
            for plan in &plans {
                let cases = plan.cases.len();
                out.line(&format!(
                    "{:<8} v{:<3} {cases:>3} cases  {}",
                    plan.id, plan.version, plan.title
                ))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(plan: &Plan) -> ListedPlan {
    ListedPlan {
        id: plan.id.clone(),
        version: plan.version,
        title: plan.title.clone(),
        cases: plan.cases.len(),
        digest: plan.digest(),
    }
}

fn show(arguments: &ShowArguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let plan = named(&arguments.plan)?;
    if let Some(name) = &arguments.case {
        let case = case_named(&plan, name)?;
        match arguments.format {
            Format::Json => out.json(&ShownCase {
                schema: "detente/plan-case/1",
                plan: plan.id.clone(),
                version: plan.version,
                case: case.clone(),
            })?,
            Format::Text => show_case(&plan, case, out)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    match arguments.format {
        Format::Json => out.json(&plan)?,
        Format::Text => show_plan(&plan, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The plan of a name, or wrong usage.
pub(crate) fn named(id: &str) -> Result<Plan, Failure> {
    Plan::named(id)
        .map_err(|error| Failure::usage(error.to_string(), "`detente plan list` lists the plans"))
}

fn case_named<'a>(plan: &'a Plan, name: &str) -> Result<&'a Case, Failure> {
    plan.cases
        .iter()
        .find(|case| case.id.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            Failure::usage(
                format!("plan {} has no case {name:?}", plan.id),
                &format!("`detente plan show {}` lists its cases", plan.id),
            )
        })
}

fn show_plan(plan: &Plan, out: &mut Output) -> anyhow::Result<()> {
    let parameters = &plan.parameters;
    out.line(&format!("{} v{}: {}", plan.id, plan.version, plan.title))?;
    out.line(&format!("digest {}", plan.digest()))?;
    out.line(&format!(
        "machine: {} processors, {} MiB of memory",
        parameters.vcpus.count(),
        parameters.memory_mib
    ))?;
    out.line("")?;
    for case in &plan.cases {
        out.line(&format!(
            "{:<8} {:<9} {:<40} {}",
            case.id,
            requirement(case),
            case.title,
            profiles(case)
        ))?;
    }
    Ok(())
}

/// A case in full sentences.
pub(crate) fn show_case(plan: &Plan, case: &Case, out: &mut Output) -> anyhow::Result<()> {
    out.line(&format!(
        "{} {} ({}, plan {} v{})",
        case.id,
        case.title,
        requirement(case),
        plan.id,
        plan.version
    ))?;
    out.line("")?;
    out.line(&format!("What is done: {}", case.about))?;
    out.line(&format!("Passes when: {}", case.passes_when))?;
    out.line(&format!("Applies to: {}", applies(case)))?;
    out.line(&format!("Applies when: {}", applies_when(case)))?;
    for reason in &case.not_shown {
        out.line(&format!("Not shown: {}", not_shown(reason)))?;
    }
    out.line(&format!("Requirement: {}", required(case)))?;
    out.line(&format!("Responsible: {}", case.responsibility.words()))?;
    out.line(&format!("Limit: {}", limit(case)))?;
    out.line(&format!("Boots: {}", boots(case)))?;
    out.line(&format!("Retries: {}", retries(case)))?;
    out.line(&format!("Seen by: {}", seen_by(case)))?;
    Ok(())
}

/// What the guest must be or have.
fn applies_when(case: &Case) -> String {
    if case.applies_when.is_empty() {
        return "always; it asks nothing of the guest.".to_owned();
    }
    let words: Vec<_> = case.applies_when.iter().map(|what| what.words()).collect();
    format!(
        "{}. On any other guest it is skipped.",
        words.join("; and ")
    )
}

fn not_shown(reason: &NotShown) -> String {
    let names = names(&reason.profiles);
    format!(
        "on {names}, because {}. There it is reported as not run.",
        reason.why.trim_end_matches('.')
    )
}

fn boots(case: &Case) -> String {
    match case.boots {
        0 => "none of its own; it shares the boot of the profile.".to_owned(),
        1 => "one of its own, beside the one that the cases share.".to_owned(),
        more => format!("{more} of its own, beside the one that the cases share."),
    }
}

fn retries(case: &Case) -> String {
    match case.retries {
        0 => "none; what does not pass at once does not pass.".to_owned(),
        count => format!(
            "{count}, each in a fresh boot. A pass after an attempt that failed is a pass with a \
             warning; every attempt is kept."
        ),
    }
}

/// Where the case counts, and what is said of it elsewhere.
fn applies(case: &Case) -> String {
    let everywhere = Profile::ALL.iter().all(|profile| case.applies_to(*profile));
    if everywhere {
        return format!("{}, which are all profiles.", profiles(case));
    }
    format!("{}. On any other profile it is skipped.", profiles(case))
}

/// How much the plan wants it, and what that means.
fn required(case: &Case) -> String {
    let meaning = words::find(requirement(case));
    let meaning = meaning.first().map_or("", |word| word.meaning);
    format!("{}. {meaning}", requirement(case))
}

fn limit(case: &Case) -> String {
    // The factors are those of `detente_validate`: a slower machine gets more time.
    let (seconds, nested) = (case.limit_s, case.limit_s.saturating_mul(2));
    let emulated = case.limit_s.saturating_mul(6);
    format!(
        "{seconds} s with hardware acceleration, {nested} s where that is nested, {emulated} s in emulation."
    )
}

/// What carries the case, in words.
fn seen_by(case: &Case) -> String {
    match case.channel.as_str() {
        "agent" => "the agent inside the guest; the judging is done outside of it.".to_owned(),
        "console" => "the guest's serial console.".to_owned(),
        "qmp" => "the machine's control connection, and the console.".to_owned(),
        "services" => "the services of the machine's synthetic bus, and the agent.".to_owned(),
        "tool" => "this program itself.".to_owned(),
        other => format!("{other}."),
    }
}

fn requirement(case: &Case) -> &'static str {
    use detente_evidence::Requirement::{Advisory, Deprecated, Optional, Required};
    match case.requirement {
        Required => "required",
        Advisory => "advisory",
        Optional => "optional",
        Deprecated => "deprecated",
    }
}

fn profiles(case: &Case) -> String {
    names(&case.profiles)
}

fn names(profiles: &[Profile]) -> String {
    let names: Vec<_> = profiles.iter().map(|profile| profile.name()).collect();
    names.join(", ")
}

//! SUP-05: self-check.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check};

/// The digests of a run, as hex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digests {
    /// Each image's name, and its content before and after; `None` where it could not be taken.
    pub images: Vec<(String, Option<String>, Option<String>)>,
    /// The agent that this program carries.
    pub agent_carried: String,
    /// The agent that ran, as it said itself; `None` if it never spoke.
    pub agent_ran: Option<String>,
    /// The plan that the agent said it obeys; `None` if it never spoke.
    pub plan_obeyed: Option<String>,
    /// The plan of the run.
    pub plan: String,
    /// This program; `None` if its file could not be read.
    pub tool: Option<String>,
}

/// Judges the digests.
#[must_use]
pub fn sup05(seen: &Digests) -> Finding {
    let mut checks: Vec<Check> = seen.images.iter().map(image).collect();
    checks.push(claimed(
        "agent",
        seen.agent_ran.as_deref(),
        &seen.agent_carried,
    ));
    checks.push(claimed("plan", seen.plan_obeyed.as_deref(), &seen.plan));
    checks.push(match &seen.tool {
        Some(digest) => check("tool", true, format!("this program is {}", short(digest))),
        None => unknown("tool", "this program's own file cannot be read"),
    });
    Finding::of_checks(checks, Vec::new())
}

fn image((name, before, after): &(String, Option<String>, Option<String>)) -> Check {
    match (before, after) {
        (Some(before), Some(after)) if before == after => check(
            "image",
            true,
            format!("{name} is unchanged ({})", short(before)),
        ),
        (Some(before), Some(after)) => check(
            "image",
            false,
            format!(
                "the content of {name} changed during the run: {} became {}",
                short(before),
                short(after)
            ),
        ),
        _ => unknown(
            "image",
            &format!("the content of {name} could not be read twice"),
        ),
    }
}

fn claimed(what: &str, said: Option<&str>, wanted: &str) -> Check {
    match said {
        Some(said) => check(
            what,
            said == wanted,
            format!("the {what} in the guest is {}", short(said)),
        ),
        None => unknown(what, "the agent never spoke"),
    }
}

fn unknown(name: &str, message: &str) -> Check {
    Check {
        name: name.to_owned(),
        outcome: Outcome::Error,
        message: message.to_owned(),
    }
}

/// Enough of a digest to recognise it.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

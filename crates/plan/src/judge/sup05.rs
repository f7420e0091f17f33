//! SUP-05: self-check.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check, check_as};

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
    if checks.is_empty() {
        checks.push(unknown("image", "the content of no image was read"));
    }
    checks.push(claimed(
        "agent",
        seen.agent_ran.as_deref(),
        &seen.agent_carried,
    ));
    checks.push(claimed("plan", seen.plan_obeyed.as_deref(), &seen.plan));
    checks.push(match known(seen.tool.as_deref()) {
        Some(digest) => check("tool", true, format!("this program is {}", short(digest))),
        None => unknown("tool", "this program's own file cannot be read"),
    });
    Finding::of_checks(checks, Vec::new())
}

fn image((name, before, after): &(String, Option<String>, Option<String>)) -> Check {
    match (known(before.as_deref()), known(after.as_deref())) {
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
    let Some(wanted) = known(Some(wanted)) else {
        return unknown(what, &format!("the digest of our own {what} is not known"));
    };
    let message = |said| format!("the {what} in the guest is {}", short(said));
    match said {
        Some(said) if said == wanted => check(what, true, message(said)),
        Some(said) => check(
            what,
            false,
            format!("{}, ours is {}", message(said), short(wanted)),
        ),
        None => unknown(what, &format!("{what}: the agent never spoke")),
    }
}

fn unknown(name: &str, message: &str) -> Check {
    check_as(name, Outcome::Error, message)
}

/// A digest, unless it was never taken.
fn known(digest: Option<&str>) -> Option<&str> {
    digest.filter(|digest| !digest.is_empty())
}

/// Enough of a digest to recognise it.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: &str = "1111111111112222";
    const AGENT: &str = "3333333333334444";
    const PLAN: &str = "5555555555556666";

    fn sound() -> Digests {
        let image = Some(IMAGE.to_owned());
        Digests {
            images: vec![("a.qcow2".to_owned(), image.clone(), image)],
            agent_carried: AGENT.to_owned(),
            agent_ran: Some(AGENT.to_owned()),
            plan_obeyed: Some(PLAN.to_owned()),
            plan: PLAN.to_owned(),
            tool: Some("7777777777778888".to_owned()),
        }
    }

    #[track_caller]
    fn check(seen: &Digests, outcome: Outcome, message: &str) {
        let finding = sup05(seen);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn digests_that_agree_pass() {
        check(
            &sound(),
            Outcome::Passed,
            "a.qcow2 is unchanged (111111111111); the agent in the guest is 333333333333; \
             the plan in the guest is 555555555555; this program is 777777777777",
        );
    }

    #[test]
    fn an_image_that_changed_fails() {
        let mut seen = sound();
        seen.images[0].2 = Some("999999999999aaaa".to_owned());
        check(
            &seen,
            Outcome::Failed,
            "the content of a.qcow2 changed during the run: 111111111111 became 999999999999",
        );
    }

    #[test]
    fn an_image_that_changed_in_the_last_digit_fails() {
        let mut seen = sound();
        seen.images[0].2 = Some("1111111111112223".to_owned());
        assert_eq!(sup05(&seen).outcome, Outcome::Failed);
    }

    #[test]
    fn each_image_counts() {
        let mut seen = sound();
        let other = ("b.raw".to_owned(), Some(IMAGE.to_owned()), None);
        seen.images.push(other);
        check(
            &seen,
            Outcome::Error,
            "the content of b.raw could not be read twice",
        );
    }

    #[test]
    fn an_image_that_was_not_digested_is_an_error() {
        for digest in [None, Some(String::new())] {
            let mut seen = sound();
            seen.images[0].1 = digest.clone();
            seen.images[0].2 = digest;
            check(
                &seen,
                Outcome::Error,
                "the content of a.qcow2 could not be read twice",
            );
        }
    }

    #[test]
    fn no_image_at_all_is_an_error() {
        let seen = Digests {
            images: Vec::new(),
            ..sound()
        };
        check(&seen, Outcome::Error, "the content of no image was read");
    }

    #[test]
    fn another_agent_fails() {
        let seen = Digests {
            agent_ran: Some("bb".to_owned()),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the agent in the guest is bb, ours is 333333333333",
        );
    }

    #[test]
    fn another_plan_fails() {
        let seen = Digests {
            plan_obeyed: Some("bb".to_owned()),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the plan in the guest is bb, ours is 555555555555",
        );
    }

    #[test]
    fn an_agent_that_never_spoke_is_an_error() {
        let seen = Digests {
            agent_ran: None,
            ..sound()
        };
        check(&seen, Outcome::Error, "agent: the agent never spoke");
        let seen = Digests {
            plan_obeyed: None,
            ..sound()
        };
        check(&seen, Outcome::Error, "plan: the agent never spoke");
    }

    #[test]
    fn digests_that_were_never_taken_are_no_pass() {
        let seen = Digests {
            agent_carried: String::new(),
            agent_ran: Some(String::new()),
            ..sound()
        };
        check(
            &seen,
            Outcome::Error,
            "the digest of our own agent is not known",
        );
        let seen = Digests {
            plan: String::new(),
            plan_obeyed: Some(String::new()),
            ..sound()
        };
        check(
            &seen,
            Outcome::Error,
            "the digest of our own plan is not known",
        );
        assert_eq!(sup05(&Digests::default()).outcome, Outcome::Error);
    }

    #[test]
    fn a_tool_that_cannot_read_itself_is_an_error() {
        for tool in [None, Some(String::new())] {
            let seen = Digests { tool, ..sound() };
            check(
                &seen,
                Outcome::Error,
                "this program's own file cannot be read",
            );
        }
    }
}

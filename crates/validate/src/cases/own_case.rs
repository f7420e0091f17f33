//! The user's own cases in the shared boot: written to the guest's throw-away disk, run by the agent,
//! one after the other.

use std::fmt::Write as _;
use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::judge::Finding;
use detente_plan::protocol::{
    Before, Bytes, ChangeEnd, Content, GuestPath, Observation, RunTool, Task, ToolRun, WriteFile,
    Written,
};

use super::group::observe;
use super::{Context, no_answer, wrong_answer};
use crate::ValidateError;
use crate::folder::write_file;
use crate::left_out::Said;
use crate::limits::{ms, scaled};
use crate::own_case::{OwnCase, judged};
use crate::results::Results;
use crate::session::Session;

/// Where they are in the guest. `/run` and `/tmp` are often places from which nothing may be run.
const FOLDER: &str = "/var/lib/detente/cases";

/// How long writing a file may take, with hardware acceleration.
const WRITE_S: u64 = 10;

/// How much of the end of each output is kept.
const TAIL_BYTES: u32 = 48 * 1024;

/// Runs those that are to be run.
pub(crate) fn own_cases(
    session: &mut Session,
    results: &mut Results<'_, '_>,
) -> Result<(), ValidateError> {
    let context = results.context;
    for case in context.own_cases {
        if !matches!(context.left_out.said(&case.id), Said::Run) {
            continue;
        }
        let started_ms = ms(session.elapsed());
        let (finding, run) = match session.died() {
            Some(how) => (not_begun(&how), None),
            None => run(context, session, case)?,
        };
        if let Some(run) = &run {
            write_file(&context.work.join(output_name(case)), text(run).as_bytes())?;
        }
        let took_ms = ms(session.elapsed()).saturating_sub(started_ms);
        results.add_own(case, finding, (started_ms, took_ms));
    }
    Ok(())
}

/// The file of the profile's folder that holds what a case said.
pub(crate) fn output_name(case: &OwnCase) -> String {
    format!("{}.txt", case.id)
}

fn not_begun(how: &str) -> Finding {
    Finding::plain(Outcome::NotRun, "guest_ended", format!("not begun: {how}"))
}

/// Puts a case in its place and runs it.
fn run(
    context: &Context<'_>,
    session: &mut Session,
    case: &OwnCase,
) -> Result<(Finding, Option<ToolRun>), HostError> {
    let path = format!("{FOLDER}/{}", case.file_name());
    let file = WriteFile {
        path: GuestPath::try_from(path.clone()).expect("the name of a case is a plain one"),
        content: Content::Message {
            bytes: Bytes(case.content().to_vec()),
        },
        before: Before::Anything,
        mode: Some(0o755),
        owner: None,
        modified: None,
        xattrs: None,
    };
    let limit = scaled(WRITE_S, context.acceleration);
    match observe(session, Task::WriteFile(file), limit)? {
        Ok(Observation::Written(Written {
            end: ChangeEnd::Done,
            ..
        })) => {}
        Ok(Observation::Written(_)) => {
            let message = "it cannot be put into the guest: the place is taken";
            return Ok((Finding::plain(Outcome::Error, "not_placed", message), None));
        }
        Ok(_) => return Ok((wrong_answer(), None)),
        Err(nothing) => {
            let mut finding = no_answer(nothing);
            if finding.outcome == Outcome::Failed {
                // A guest whose disk takes no file of ours has not failed the user's case.
                finding.outcome = Outcome::Error;
                finding.message = format!("it cannot be put into the guest: {}", finding.message);
            }
            return Ok((finding, None));
        }
    }
    let limit = case_limit(context, case);
    let seen = observe(session, tool(context, case, path, limit), limit)?;
    Ok(match seen {
        Ok(Observation::ToolRun(run)) => (judged(&run, limit.as_secs()), Some(run)),
        Ok(_) => (wrong_answer(), None),
        Err(nothing) => (no_answer(nothing), None),
    })
}

fn case_limit(context: &Context<'_>, case: &OwnCase) -> Duration {
    let limit = scaled(case.limit_s, context.acceleration);
    context.case_limit.map_or(limit, |most| limit.min(most))
}

fn tool(context: &Context<'_>, case: &OwnCase, path: String, limit: Duration) -> Task {
    let env = [
        ("DETENTE", "1".to_owned()),
        ("DETENTE_CASE", case.id.clone()),
        ("DETENTE_PROFILE", context.profile.name().to_owned()),
        ("DETENTE_LIMIT_S", limit.as_secs().to_string()),
        // The guest is up: systemctl is to work as it does for an administrator.
        ("SYSTEMD_OFFLINE", "0".to_owned()),
    ];
    Task::RunTool(RunTool {
        argv: vec![path],
        env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        folder: None,
        tail_bytes: TAIL_BYTES,
    })
}

/// What a case said, for the run's folder.
fn text(run: &ToolRun) -> String {
    let mut text = String::new();
    let parts = [
        ("standard output", &run.output_tail, run.output_bytes),
        ("standard error", &run.error_tail, run.error_bytes),
    ];
    for (name, tail, bytes) in parts {
        writeln!(text, "--- {name}: {bytes} bytes").expect("writing to a string cannot fail");
        text.push_str(tail);
        if !tail.is_empty() && !tail.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

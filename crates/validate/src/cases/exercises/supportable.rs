//! SUP-01: a guest that its vendor would support.

use std::time::Duration;

use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, KernelOwner};
use detente_plan::protocol::{Exercise, Exercised, Observation, RunTool, Task, ToolEnd, ToolRun};

use super::exercise;
use crate::cases::plugging::operating::{Step, ask, found};
use crate::cases::{Context, Found};
use crate::session::Session;

/// Tools that know whose a file is, with what is asked before the file: of dpkg, rpm, pacman and apk.
const TOOLS: [&[&str]; 4] = [
    &["dpkg-query", "-S"],
    &["rpm", "-qf"],
    &["pacman", "-Qqo"],
    &["apk", "info", "-W"],
];

/// What is read of an answer.
const TAIL_BYTES: u32 = 4096;

/// Reads the kernel's state, and asks the guest's packages whose its file is.
pub(crate) fn supportable(
    context: &Context<'_>,
    session: &mut Session,
) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Sup01);
    let talk = |session: &mut Session| -> Step<Finding> {
        let state = exercise(
            session,
            Exercise::ReadKernelState,
            limit,
            |seen| match seen {
                Exercised::Kernel(seen) => Some(seen),
                _ => None,
            },
        )?;
        let owner = match &state.kernel_file {
            Some(file) => owner(session, file, limit)?,
            None => {
                KernelOwner::Unknown("the running kernel's file is in none of the usual places")
            }
        };
        Ok(judge::sup01(&state, &owner))
    };
    found(talk(session))
}

/// Whose a file is, by the first tool that there is.
fn owner(session: &mut Session, file: &str, limit: Duration) -> Step<KernelOwner> {
    for tool in TOOLS {
        let words = tool.iter().copied().chain([file]);
        let order = RunTool {
            argv: words.map(str::to_owned).collect(),
            env: Vec::new(),
            folder: None,
            tail_bytes: TAIL_BYTES,
        };
        let ran = ask(session, Task::RunTool(order), limit, |seen| match seen {
            Observation::ToolRun(ran) => Some(ran),
            _ => None,
        })?;
        if ran.end != ToolEnd::Missing {
            return Ok(said(&ran));
        }
    }
    Ok(KernelOwner::Unknown(
        "the guest has no tool that says whose a file is",
    ))
}

fn said(ran: &ToolRun) -> KernelOwner {
    let first = |text: &str| text.lines().next().unwrap_or("").trim().to_owned();
    match ran.end {
        ToolEnd::Exited { status: 0 } => {
            let line = first(&ran.output_tail);
            // dpkg repeats the file behind the name.
            let name = line.split_once(": /").map(|(name, _)| name.to_owned());
            KernelOwner::Package(name.unwrap_or(line))
        }
        ToolEnd::Exited { .. } | ToolEnd::Signalled { .. } => {
            KernelOwner::Nobody(first(&ran.error_tail))
        }
        ToolEnd::TimedOut | ToolEnd::Missing => {
            KernelOwner::Unknown("the guest's tool did not say in time whose the file is")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(status: i32, output: &str, error: &str) -> ToolRun {
        ToolRun {
            end: ToolEnd::Exited { status },
            elapsed_ms: 1,
            output_tail: output.to_owned(),
            output_bytes: 0,
            error_tail: error.to_owned(),
            error_bytes: 0,
        }
    }

    #[test]
    fn owners_are_read_as_the_tools_tell_them() {
        let package = |name: &str| KernelOwner::Package(name.to_owned());
        let dpkg = "linux-image-6.1.0-44-amd64: /boot/vmlinuz-6.1.0-44-amd64\n";
        assert_eq!(
            said(&ran(0, dpkg, "")),
            package("linux-image-6.1.0-44-amd64")
        );
        assert_eq!(
            said(&ran(0, "kernel-core-5.14\n", "")),
            package("kernel-core-5.14")
        );
        let nobody = "dpkg-query: no path found matching pattern /x\n";
        assert_eq!(
            said(&ran(1, "", nobody)),
            KernelOwner::Nobody(nobody.trim().to_owned())
        );
    }
}

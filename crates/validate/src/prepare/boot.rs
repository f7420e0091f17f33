//! From the machine's start until the guest can be changed: its root is there, every local file
//! system is mounted, and what is to be changed can be written to.

use std::collections::BTreeSet;

use detente_plan::protocol::{
    BootState, GuestPath, MAX_DESCRIBED, Observation, Phase, Space, Task,
};

use super::error::PrepareError;
use super::talk::{Talk, why};
use crate::session::{Session, Waited};

/// How long a boot may take, with hardware acceleration.
const BOOT_S: u64 = 90;

/// How long a question may take that waits for nothing.
const QUESTION_S: u64 = 20;

/// More garbage than this on the agent's port, and no boot is to be hoped for.
const GARBAGE_LIMIT: u64 = 1 << 20;

/// What a new initramfs may be longer than the old one.
const GROWTH_BYTES: u64 = 32 << 20;

/// Waits until the guest can be changed; else why it cannot.
pub(crate) fn await_ready(talk: &mut Talk<'_>) -> Result<Result<(), String>, PrepareError> {
    let limit = talk.limit(BOOT_S);
    let spoke = talk
        .session
        .wait(limit, |state| turn(state, state.agent.is_some()))?;
    if let Err(why) = came(talk, spoke)? {
        return Ok(Err(why));
    }
    talk.came("the agent speaks from the initramfs");
    let rest = limit.saturating_sub(talk.session.elapsed());
    let is_root = |state: &Session| turn(state, state.phase == Some(Phase::Root));
    let root = talk.session.wait(rest, is_root)?;
    if let Err(why) = came(talk, root)? {
        return Ok(Err(why));
    }
    talk.came("the root is there");
    let rest = limit
        .saturating_sub(talk.session.elapsed())
        .max(talk.limit(QUESTION_S));
    match talk.ask(Task::AwaitReady, rest)? {
        Ok(Observation::BootState(state)) => Ok(judged(&state)),
        Ok(_) => Ok(Err(
            "the agent answered something else than it was asked".to_owned()
        )),
        Err(nothing) => Ok(Err(why(nothing))),
    }
}

/// A turn that a boot takes.
enum Turn {
    Good,
    Bad(String),
}

fn turn(state: &Session, hoped: bool) -> Option<Turn> {
    if hoped {
        return Some(Turn::Good);
    }
    let gave_up = || {
        state
            .console
            .gave_up
            .as_ref()
            .map(|line| format!("it gave up: {line}"))
    };
    let flooded = || state.flooded.map(|_| "it floods the console".to_owned());
    let garbage = || {
        let is_garbage = state.garbage_bytes() > GARBAGE_LIMIT;
        is_garbage.then(|| "it writes noise to the agent's port".to_owned())
    };
    let bad = state.died().or_else(gave_up).or_else(|| state.gone());
    bad.or_else(flooded).or_else(garbage).map(Turn::Bad)
}

fn came(talk: &Talk<'_>, waited: Waited<Turn>) -> Result<Result<(), String>, PrepareError> {
    match waited {
        Waited::Came(Turn::Good) => Ok(Ok(())),
        Waited::Came(Turn::Bad(why)) => Ok(Err(why)),
        Waited::Late => Ok(Err(late(&talk.session))),
        Waited::Gone => Ok(Err(talk.session.gone().unwrap_or_default())),
        Waited::Interrupted => Err(PrepareError::Interrupted),
    }
}

/// What was not there in time.
fn late(session: &Session) -> String {
    let seconds = session.elapsed().as_secs();
    let what = match (&session.agent, &session.survey) {
        (None, _) => "its kernel did not start",
        (Some(_), Some(survey)) if survey.block_devices.is_empty() => {
            "it found no disk, so no driver of its initramfs fits this hardware"
        }
        (Some(_), _) => "its root was not there",
    };
    format!("{what} after {seconds} s")
}

/// Whether an init has come far enough: systemd has mounted everything unless it is in `maintenance`.
fn judged(state: &BootState) -> Result<(), String> {
    match state.state.as_str() {
        "running" | "degraded" | "login-ready" => Ok(()),
        other => {
            let failed = state.failed_units.join(", ");
            let init = &state.init;
            Err(match failed.as_str() {
                "" => format!("its {init} is {other}"),
                failed => format!("its {init} is {other}, and these failed: {failed}"),
            })
        }
    }
}

/// Whether there is room for what is to be written, each path with the length that it has now.
pub(crate) fn room(
    talk: &mut Talk<'_>,
    paths: &[(GuestPath, u64)],
) -> Result<Result<(), String>, PrepareError> {
    let limit = talk.limit(QUESTION_S);
    for part in paths.chunks(MAX_DESCRIBED) {
        let folders: Vec<GuestPath> = part.iter().map(|(path, _)| path.clone()).collect();
        match talk.ask(Task::MeasureSpace { paths: folders }, limit)? {
            Ok(Observation::Spaces(seen)) => {
                let spaces = seen.spaces.iter().zip(part);
                let obstacles = spaces.filter_map(|(space, (_, len))| obstacle(space, *len));
                let obstacles: BTreeSet<String> = obstacles.collect();
                if let Some(first) = obstacles.into_iter().next() {
                    return Ok(Err(first));
                }
            }
            Ok(_) => return Ok(Err("the agent answered something else".to_owned())),
            // Places that cannot be asked about say so when they are written to.
            Err(_) => {}
        }
    }
    Ok(Ok(()))
}

fn obstacle(space: &Space, len_bytes: u64) -> Option<String> {
    if space.read_only {
        return Some(format!("{} is mounted read-only", space.path));
    }
    // A new file is written beside the old one.
    let is_large = len_bytes > GROWTH_BYTES / 8;
    let needed = len_bytes.saturating_add(if is_large { GROWTH_BYTES } else { 0 });
    (space.free_bytes < needed).then(|| {
        format!(
            "there is no room for a new {}: {} MiB are free, and {} MiB may be needed",
            space.path,
            space.free_bytes >> 20,
            needed >> 20
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_or_full_file_system_is_an_obstacle() {
        let space = |free_bytes, read_only| Space {
            path: "/boot/initrd".to_owned(),
            free_bytes,
            total_bytes: 1 << 30,
            free_files: None,
            read_only,
        };
        assert_eq!(obstacle(&space(1 << 30, false), 60 << 20), None);
        assert!(obstacle(&space(1 << 30, true), 1).is_some());
        assert!(obstacle(&space(80 << 20, false), 60 << 20).is_some());
        assert_eq!(obstacle(&space(1 << 20, false), 4096), None);
    }

    #[test]
    fn maintenance_is_no_state_to_change_a_guest_in() {
        let state = |state: &str| BootState {
            init: "systemd".to_owned(),
            state: state.to_owned(),
            failed_units: vec!["boot.mount".to_owned()],
            os: String::new(),
            selinux: detente_plan::protocol::Selinux::Absent,
            uptime_ms: 0,
        };
        assert_eq!(judged(&state("degraded")), Ok(()));
        let why = judged(&state("maintenance")).unwrap_err();
        assert!(why.contains("boot.mount"), "{why}");
    }
}

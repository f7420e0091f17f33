//! BOOT-01: cold boot.

use detente_evidence::{Check, Comparator, Outcome};

use super::drivers::missing_drivers;
use super::finding::{Finding, check, measured, number};
use crate::protocol::{BootState, InitramfsSurvey};

/// How far the boot came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootEnd {
    /// The guest's init was asked, and answered.
    Ready(BootState),
    /// The console showed that the guest gave up (the line).
    GaveUp(String),
    /// The limit was over in the initramfs or before.
    NoRoot,
    /// The limit was over with the root there.
    NotReady,
    /// The machine stopped by itself (in words).
    Stopped(String),
    /// The console's limit was passed before the guest was ready.
    Flooded(u64),
}

/// What was seen of a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootSeen {
    /// How far it came.
    pub end: BootEnd,
    /// Console lines that show a panic, oops, lockup or stall.
    pub alarms: Vec<String>,
    /// The last survey of the initramfs, if one came.
    pub survey: Option<InitramfsSurvey>,
    /// Whether the agent ever spoke.
    pub agent_spoke: bool,
    /// Bytes on the agent's port that belonged to no frame.
    pub garbage_bytes: u64,
    /// The last lines of the console.
    pub console_tail: String,
    /// How long it took, or the limit.
    pub elapsed_ms: u64,
    /// The limit.
    pub limit_ms: u64,
}

/// Judges a cold boot.
#[must_use]
pub fn boot01(seen: &BootSeen) -> Finding {
    let checks = vec![readiness(seen), alarms(seen)];
    let limit = Some((Comparator::AtMost, number(seen.limit_ms)));
    let measurements = vec![measured("boot", number(seen.elapsed_ms), "ms", limit)];
    Finding::of_checks(checks, measurements)
}

/// Whether the guest became ready.
fn readiness(seen: &BootSeen) -> Check {
    let name = "ready";
    let message = match &seen.end {
        BootEnd::Ready(state) => return ready_state(state, seen.elapsed_ms),
        BootEnd::GaveUp(line) => format!("the guest gave up: {line:?}"),
        BootEnd::NoRoot => format!("no root file system after {} s", seen.limit_ms / 1000),
        BootEnd::NotReady => format!("not ready after {} s", seen.limit_ms / 1000),
        BootEnd::Stopped(how) => format!("the machine stopped before the guest was ready: {how}"),
        BootEnd::Flooded(limit) => {
            format!(
                "the guest wrote more than {} MiB to its console before it was ready",
                limit >> 20
            )
        }
    };
    check(name, false, format!("{message}{}", explanation(seen)))
}

/// What the init said.
fn ready_state(state: &BootState, elapsed_ms: u64) -> Check {
    let message = format!(
        "{} under {} said {:?} after {}.{} s",
        state.os,
        state.init,
        state.state,
        elapsed_ms / 1000,
        elapsed_ms % 1000 / 100
    );
    match state.state.as_str() {
        "running" | "login-ready" => check("ready", true, message),
        "degraded" => Check {
            name: "ready".to_owned(),
            outcome: Outcome::PassedWithWarning,
            message: format!("{message}; failed units: {}", state.failed_units.join(", ")),
        },
        _ => check("ready", false, message),
    }
}

/// Why a guest did not become ready, as far as the boot itself showed it.
fn explanation(seen: &BootSeen) -> String {
    if !seen.agent_spoke && seen.garbage_bytes > 0 {
        return format!(
            "; the agent never spoke, and {} bytes of garbage came on its port",
            seen.garbage_bytes
        );
    }
    let missing = seen
        .survey
        .as_ref()
        .map(missing_drivers)
        .unwrap_or_default();
    if missing.is_empty() {
        let tail = seen
            .console_tail
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty());
        return tail
            .map(|line| format!("; the console's last line is {line:?}"))
            .unwrap_or_default();
    }
    let sentences: Vec<_> = missing.iter().map(super::MissingDriver::sentence).collect();
    format!("; {}", sentences.join("; "))
}

/// Whether the console was free of alarms.
fn alarms(seen: &BootSeen) -> Check {
    match seen.alarms.first() {
        None => check(
            "console",
            true,
            "no panic, oops, lockup or stall on the console",
        ),
        Some(line) => check(
            "console",
            false,
            format!("{} alarms on the console: {line:?}", seen.alarms.len()),
        ),
    }
}

//! BOOT-01: cold boot.

use detente_evidence::{Check, Comparator, Outcome};

use super::Execution;
use super::drivers::{MissingDriver, missing_drivers};
use super::finding::{Finding, check, check_as, listed, measured, number, seconds};
use crate::protocol::{BootState, InitramfsSurvey, Selinux};

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
    /// The guest stopped by itself (in words).
    Stopped(String),
    /// The machine was taken away from outside, or broke (in words): not the guest's doing.
    Lost(String),
    /// The console's limit was passed before the guest was ready.
    Flooded(u64),
    /// The agent's port was full of bytes that no agent sends, and the agent never spoke.
    Garbage,
}

/// What was seen of a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootSeen {
    /// How far it came.
    pub end: BootEnd,
    /// Console lines that show a panic, oops, bug or hung task.
    pub alarms: Vec<String>,
    /// Console lines that show a lockup or stall.
    pub stalls: Vec<String>,
    /// What executed the guest.
    pub execution: Execution,
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
    let mut checks = vec![readiness(seen)];
    if matches!(seen.end, BootEnd::Ready(_)) {
        checks.push(in_time(seen));
    }
    checks.push(alarms(seen));
    checks.extend(stalls(seen));
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
        BootEnd::Garbage if seen.agent_spoke => format!(
            "the agent spoke, and then {} bytes of garbage came on its port",
            seen.garbage_bytes
        ),
        BootEnd::Garbage => format!(
            "the agent never spoke, and {} bytes of garbage came on its port",
            seen.garbage_bytes
        ),
        BootEnd::NotReady => format!("not ready after {} s", seen.limit_ms / 1000),
        BootEnd::Stopped(how) => format!("the machine stopped before the guest was ready: {how}"),
        BootEnd::Lost(how) => {
            let message = format!("the machine was lost before the guest was ready: {how}");
            return check_as(name, Outcome::Error, message);
        }
        BootEnd::Flooded(limit) => {
            format!(
                "the guest wrote more than {} MiB to its console before it was ready",
                limit >> 20
            )
        }
    };
    let why = match &seen.end {
        BootEnd::Stopped(_) | BootEnd::Lost(_) | BootEnd::Garbage => String::new(),
        BootEnd::Ready(_)
        | BootEnd::GaveUp(_)
        | BootEnd::NoRoot
        | BootEnd::NotReady
        | BootEnd::Flooded(_) => explanation(seen),
    };
    check(name, false, format!("{message}{why}"))
}

/// What the init said.
fn ready_state(state: &BootState, elapsed_ms: u64) -> Check {
    let selinux = match state.selinux {
        Selinux::Absent => "",
        Selinux::Permissive => " with SELinux permissive",
        Selinux::Enforcing => " with SELinux enforcing",
    };
    let message = format!(
        "{} under {}{selinux} said {:?} after {}",
        state.os,
        state.init,
        state.state,
        seconds(elapsed_ms)
    );
    match state.state.as_str() {
        "running" | "login-ready" => check("ready", true, message),
        "degraded" => check_as(
            "ready",
            Outcome::PassedWithWarning,
            format!("{message}; failed units: {}", listed(&state.failed_units)),
        ),
        _ => check("ready", false, message),
    }
}

/// A guest that became ready while the run still looked, but after its time.
fn in_time(seen: &BootSeen) -> Check {
    let message = format!(
        "ready after {} (limit: {})",
        seconds(seen.elapsed_ms),
        seconds(seen.limit_ms)
    );
    check("time", seen.elapsed_ms <= seen.limit_ms, message)
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
        let silent = if seen.agent_spoke {
            ""
        } else {
            "; the agent never spoke"
        };
        let last = tail
            .map(|line| format!("; the console's last line is {line:?}"))
            .unwrap_or_default();
        return format!("{silent}{last}");
    }
    format!("; {}", missing_sentence(missing))
}

/// The driver that a disk lacks comes first; devices that lack the same driver are counted.
fn missing_sentence(mut missing: Vec<MissingDriver>) -> String {
    missing.sort_by_key(|driver| !driver.is_storage());
    let mut sentences = Vec::new();
    while let Some(first) = missing.first().cloned() {
        let before = missing.len();
        missing.retain(|driver| driver.module != first.module);
        let others = before - missing.len() - 1;
        let more = if others == 0 {
            String::new()
        } else {
            format!(" (nor have {others} others that need it)")
        };
        sentences.push(format!("{}{more}", first.sentence()));
    }
    sentences.join("; ")
}

/// Whether the console was free of alarms. A console on which nothing came shows nothing.
fn alarms(seen: &BootSeen) -> Check {
    match seen.alarms.first() {
        None if seen.console_tail.trim().is_empty() => check_as(
            "console",
            Outcome::NotRun,
            "alarms on the console: nothing came on the console",
        ),
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

/// A guest that stood still: its own trouble, or that of a translator on a busy host.
fn stalls(seen: &BootSeen) -> Option<Check> {
    let line = seen.stalls.first()?;
    let message = format!("{} stalls on the console: {line:?}", seen.stalls.len());
    Some(match seen.execution {
        Execution::Processor => check("stalls", false, message),
        Execution::Emulated => check_as(
            "stalls",
            Outcome::PassedWithWarning,
            format!("{message} (emulated: a busy host makes a guest stand still)"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::OrphanDevice;

    fn state(said: &str) -> BootState {
        BootState {
            init: "systemd".to_owned(),
            state: said.to_owned(),
            failed_units: Vec::new(),
            os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            selinux: Selinux::Absent,
            uptime_ms: 9_000,
        }
    }

    fn sound() -> BootSeen {
        BootSeen {
            end: BootEnd::Ready(state("running")),
            alarms: Vec::new(),
            stalls: Vec::new(),
            execution: Execution::Processor,
            survey: None,
            agent_spoke: true,
            garbage_bytes: 0,
            console_tail: "Starting\ndemo login: \n\n".to_owned(),
            elapsed_ms: 12_345,
            limit_ms: 60_000,
        }
    }

    /// A survey whose disk has no driver.
    fn without_driver() -> InitramfsSurvey {
        InitramfsSurvey {
            modules: vec!["ext4".to_owned()],
            builtin: Vec::new(),
            loaded: Vec::new(),
            orphans: vec![OrphanDevice {
                path: "pci0000:00/0000:00:03.0/virtio1".to_owned(),
                bus: "virtio".to_owned(),
                modalias: "virtio:d00000002v00001AF4".to_owned(),
                candidates: Vec::new(),
            }],
            block_devices: Vec::new(),
            root: "UUID=1".to_owned(),
            uptime_ms: 3_000,
            truncated: false,
            kernel_only: false,
        }
    }

    #[test]
    fn a_machine_that_is_lost_is_not_the_guests_fault() {
        let lost = BootSeen {
            end: BootEnd::Lost("the machine's process ended (signal 9)".to_owned()),
            ..sound()
        };
        let message = "the machine was lost before the guest was ready: the machine's process ended (signal 9)";
        check(&lost, Outcome::Error, message);
        // What the guest had done before stays its own.
        let alarmed = BootSeen {
            alarms: vec!["Oops: 0000".to_owned()],
            ..lost
        };
        assert_eq!(boot01(&alarmed).outcome, Outcome::Failed);
    }

    #[track_caller]
    fn check(seen: &BootSeen, outcome: Outcome, message: &str) {
        let finding = boot01(seen);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn a_guest_that_is_running_passes() {
        check(
            &sound(),
            Outcome::Passed,
            "Debian GNU/Linux 12 (bookworm) under systemd said \"running\" after 12.3 s; \
             ready after 12.3 s (limit: 60.0 s); no panic, oops, lockup or stall on the console",
        );
    }

    #[test]
    fn a_guest_without_systemd_that_lets_in_passes() {
        let seen = BootSeen {
            end: BootEnd::Ready(state("login-ready")),
            ..sound()
        };
        assert_eq!(boot01(&seen).outcome, Outcome::Passed);
    }

    #[test]
    fn what_selinux_does_is_said() {
        for (selinux, words) in [
            (
                Selinux::Permissive,
                "under systemd with SELinux permissive said",
            ),
            (
                Selinux::Enforcing,
                "under systemd with SELinux enforcing said",
            ),
        ] {
            let state = BootState {
                selinux,
                ..state("running")
            };
            let seen = BootSeen {
                end: BootEnd::Ready(state),
                ..sound()
            };
            let finding = boot01(&seen);
            assert_eq!(finding.outcome, Outcome::Passed);
            assert!(finding.message.contains(words), "{}", finding.message);
        }
    }

    #[test]
    fn a_degraded_guest_warns_and_names_the_units() {
        let degraded = BootState {
            failed_units: vec!["a.service".to_owned(), "b.mount".to_owned()],
            ..state("degraded")
        };
        let seen = BootSeen {
            end: BootEnd::Ready(degraded),
            ..sound()
        };
        check(
            &seen,
            Outcome::PassedWithWarning,
            "Debian GNU/Linux 12 (bookworm) under systemd said \"degraded\" after 12.3 s; \
             failed units: a.service, b.mount",
        );
    }

    #[test]
    fn any_other_state_fails() {
        for said in ["starting", "maintenance", "stopping", "unknown", ""] {
            let seen = BootSeen {
                end: BootEnd::Ready(state(said)),
                ..sound()
            };
            let message =
                format!("Debian GNU/Linux 12 (bookworm) under systemd said {said:?} after 12.3 s");
            check(&seen, Outcome::Failed, &message);
        }
    }

    #[test]
    fn a_guest_that_is_ready_after_its_time_fails() {
        let late = BootSeen {
            elapsed_ms: 60_100,
            ..sound()
        };
        check(&late, Outcome::Failed, "ready after 60.1 s (limit: 60.0 s)");
        let just = BootSeen {
            elapsed_ms: 60_000,
            ..sound()
        };
        assert_eq!(boot01(&just).outcome, Outcome::Passed);
    }

    #[test]
    fn an_alarm_on_the_console_fails() {
        let seen = BootSeen {
            alarms: vec!["BUG: x".to_owned(), "Oops: y".to_owned()],
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "2 alarms on the console: \"BUG: x\"",
        );
    }

    #[test]
    fn a_console_on_which_nothing_came_is_not_called_clean() {
        let seen = BootSeen {
            console_tail: " \n".to_owned(),
            ..sound()
        };
        let finding = boot01(&seen);
        assert_eq!(finding.outcome, Outcome::Passed);
        assert!(
            finding
                .message
                .ends_with("(not run: alarms on the console: nothing came on the console)"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn each_other_end_fails_and_says_the_last_line() {
        let tail = "; the console's last line is \"demo login: \"";
        let ends = [
            (
                BootEnd::GaveUp("Gave up waiting for root".to_owned()),
                "the guest gave up: \"Gave up waiting for root\"",
            ),
            (BootEnd::NoRoot, "no root file system after 60 s"),
            (BootEnd::NotReady, "not ready after 60 s"),
            (
                BootEnd::Flooded(8 << 20),
                "the guest wrote more than 8 MiB to its console before it was ready",
            ),
        ];
        for (end, message) in ends {
            let seen = BootSeen { end, ..sound() };
            check(&seen, Outcome::Failed, &format!("{message}{tail}"));
        }
    }

    #[test]
    fn a_machine_that_stopped_says_how_and_no_more() {
        let seen = BootSeen {
            end: BootEnd::Stopped("it reset itself".to_owned()),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the machine stopped before the guest was ready: it reset itself",
        );
    }

    #[test]
    fn garbage_that_ends_the_boot_is_counted() {
        let seen = BootSeen {
            end: BootEnd::Garbage,
            agent_spoke: false,
            garbage_bytes: 1_048_577,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the agent never spoke, and 1048577 bytes of garbage came on its port",
        );
    }

    #[test]
    fn a_silent_console_gives_no_last_line() {
        let seen = BootSeen {
            end: BootEnd::NotReady,
            console_tail: String::new(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "not ready after 60 s (not run: alarms on the console: nothing came on the console)",
        );
    }

    #[test]
    fn a_disk_without_a_driver_is_named() {
        let seen = BootSeen {
            end: BootEnd::NoRoot,
            survey: Some(without_driver()),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "no root file system after 60 s; device pci0000:00/0000:00:03.0/virtio1 \
             (virtio:d00000002v00001AF4) has no driver: the initramfs holds no module virtio_blk",
        );
    }

    #[test]
    fn garbage_instead_of_the_agent_is_named() {
        let seen = BootSeen {
            end: BootEnd::NoRoot,
            agent_spoke: false,
            garbage_bytes: 4096,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "no root file system after 60 s; the agent never spoke, and 4096 bytes of garbage \
             came on its port",
        );
    }

    #[test]
    fn the_time_is_measured_against_the_limit() {
        let measured = &boot01(&sound()).measurements[0];
        assert_eq!((measured.value, measured.limit), (12_345.0, Some(60_000.0)));
        assert_eq!(measured.comparator, Some(Comparator::AtMost));
    }
}

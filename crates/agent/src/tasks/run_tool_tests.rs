//! Programs that end, hang, talk too much and leave others behind.

use std::fs;
use std::process::Command;

use super::*;

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

/// What came of a script, and what was told meanwhile.
fn ran(script: &str, tail_bytes: usize, limit: Duration) -> (ToolRun, Vec<Report>) {
    let mut told = Vec::new();
    let limits = Limits {
        end: Instant::now() + limit + RESERVE,
        output_bytes: 1 << 20,
    };
    let run = watch(shell(script), tail_bytes, &limits, &mut |report| {
        told.push(report);
    });
    (run.unwrap(), told)
}

/// No script takes so long; a test that waits for it has failed.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn an_end_is_told_with_the_tails_of_both_outputs() {
    let (run, told) = ran("echo one; echo two >&2; echo three; exit 3", 6, LONG);
    assert_eq!(run.end, ToolEnd::Exited { status: 3 });
    assert_eq!((&*run.output_tail, run.output_bytes), ("three\n", 10));
    assert_eq!((&*run.error_tail, run.error_bytes), ("two\n", 4));
    assert!(
        matches!(told.first(), Some(Report::Started { .. })),
        "{told:?}"
    );
    assert!(matches!(told.last(), Some(Report::Ended)), "{told:?}");
}

#[test]
fn a_signal_is_told() {
    let (run, _) = ran("kill -TERM $$", 100, LONG);
    assert_eq!(run.end, ToolEnd::Signalled { signal: 15 });
}

#[test]
fn whatever_it_has_started_ends_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    // The child of the script blocks until somebody writes, which nobody does.
    let script = format!("cat {} & wait", pipe.display());
    let (run, _) = ran(&script, 100, Duration::from_millis(200));
    assert_eq!(run.end, ToolEnd::TimedOut);
    // Nobody reads it any more: opening it for writing without waiting is refused.
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
    let opened = rustix::fs::open(&pipe, flags, rustix::fs::Mode::empty());
    assert_eq!(opened.unwrap_err(), rustix::io::Errno::NXIO);
}

#[test]
fn what_stays_in_the_background_does_not_hold_the_end_up() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (run, _) = ran(&format!("cat {} &", pipe.display()), 100, LONG);
    assert_eq!(run.end, ToolEnd::Exited { status: 0 });
    // It ends with an empty input.
    fs::write(&pipe, "").unwrap();
}

#[test]
fn much_talk_is_bounded_in_every_way() {
    let script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); printf '%0300d\\n' $i; done";
    let (run, told) = ran(script, 1000, LONG);
    assert_eq!(
        (run.output_bytes, run.output_tail.len()),
        (3000 * 301, 1000)
    );
    for report in &told {
        if let Report::Progress { lines, .. } = report {
            assert!(lines.len() <= 16 && lines.iter().all(|line| line.len() == 240));
        }
    }
}

#[test]
fn programs_are_found_where_they_may_be() {
    let root = tempfile::tempdir().unwrap();
    for (folder, mode) in [("usr/sbin", 0o644), ("usr/bin", 0o755), ("opt", 0o755)] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
        let file = root.path().join(folder).join("dracut");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    let found = |name: &str| find(root.path(), name).map(|file| file.display().to_string());
    assert_eq!(found("dracut").unwrap(), "/usr/bin/dracut");
    assert_eq!(found("/opt/dracut").unwrap(), "/opt/dracut");
    for name in ["mkinitcpio", "/opt/gone", "", "usr"] {
        assert_eq!(found(name), None, "{name}");
    }
}

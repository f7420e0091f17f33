//! A user's own cases: the folder, and what becomes of them in a guest.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use detente_evidence::{Outcome, Run, Verdict};
use detente_host::scripted::ScriptedHost;
use detente_plan::protocol::{
    ChangeEnd, Content, FileState, Observation, Task, ToolEnd, ToolRun, Written,
};
use detente_samples::initramfs;

use super::fake::{FakeGuest, observed, sound_answer};
use super::scene::{Nobody, network_seen};
use super::whole::{Scene, obedient};
use crate::{OwnCase, OwnCaseError, Request, validate};

/// Writes an executable.
fn case(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What is wrong with a folder of which `make` makes something.
#[track_caller]
fn refused(make: impl FnOnce(&Path), part: &str) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let error = OwnCase::read_all(folder.path()).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn executables_are_cases_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    case(
        place,
        "second.sh",
        "#!/bin/sh\n# detente: title = two\nexit 0\n",
    );
    case(place, "first", "#!/bin/sh\nexit 0\n");
    case(place, ".hidden", "#!/bin/sh\nexit 0\n");
    fs::write(place.join("README.md"), "what they are").unwrap();
    fs::create_dir(place.join("library")).unwrap();
    let cases = OwnCase::read_all(place).unwrap();
    let seen: Vec<_> = cases
        .iter()
        .map(|own| (own.id.as_str(), own.title.as_str()))
        .collect();
    assert_eq!(seen, [("USER-first", "first"), ("USER-second.sh", "two")]);
}

#[test]
fn hostile_names_and_sizes_are_refused() {
    let name = |name: &'static str| move |place: &Path| case(place, name, "#!/bin/sh\n");
    refused(|_| {}, "holds no executable file");
    refused(name("two words"), "is no name for a case");
    refused(name("-rf"), "is no name for a case");
    refused(name("a\nb"), "is no name for a case");
    refused(name("été"), "is no name for a case");
    let long = "x".repeat(65);
    refused(
        |place| case(place, &long, "#!/bin/sh\n"),
        "is no name for a case",
    );
    refused(
        |place| symlink("/bin/true", place.join("true")).unwrap(),
        "is no ordinary file",
    );
    let large = format!("#!/bin/sh\n#{}", "x".repeat(32 * 1024));
    refused(
        |place| case(place, "large", &large),
        "has more than 32768 bytes",
    );
    let header = "#!/bin/sh\n# detente: limit_s = never\n";
    refused(|place| case(place, "header", header), "line 2: limit_s");
    let many = |place: &Path| (0..101).for_each(|n| case(place, &format!("c{n}"), "#!/bin/sh\n"));
    refused(many, "holds more than 100 cases");
    let error = OwnCase::read_all(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(matches!(error, OwnCaseError::Io { .. }));
}

fn written(path: &str, end: ChangeEnd) -> Observation {
    Observation::Written(Written {
        end,
        resolved: path.to_owned(),
        found: FileState::Absent,
        left: FileState::Absent,
        made_folders: Vec::new(),
        relabelled: None,
    })
}

/// What the guest says of a case: the exit code is the one that its text names.
fn ran(status: i32) -> Observation {
    Observation::ToolRun(ToolRun {
        end: ToolEnd::Exited { status },
        elapsed_ms: 5,
        output_tail: format!("looked\nsaw {status}\n"),
        output_bytes: 13,
        error_tail: "careful".to_owned(),
        error_bytes: 7,
    })
}

/// A run of the cases `exit-N` on a guest whose disk takes files, or does not.
fn run(test: &str, cases: &[&str], takes: ChangeEnd) -> Option<(Scene, Run)> {
    let scene = Scene::new(test, Some(&initramfs()))?;
    let folder = scene.place.path().join("cases");
    fs::create_dir(&folder).unwrap();
    for name in cases {
        case(&folder, name, "#!/bin/sh\n");
    }
    let host = ScriptedHost::new(move |spec| {
        let hello = obedient(spec).hello;
        let guest = FakeGuest::answering(move |id, task| {
            let seen = match task {
                Task::WriteFile(file) => {
                    assert_eq!(file.mode, Some(0o755));
                    assert!(matches!(file.content, Content::Message { .. }));
                    written(file.path.as_str(), takes)
                }
                Task::RunTool(tool) => {
                    let path = tool.argv[0]
                        .strip_prefix("/var/lib/detente/cases/exit-")
                        .unwrap();
                    let names: Vec<_> = tool.env.iter().map(|(name, _)| name.as_str()).collect();
                    assert!(names.contains(&"DETENTE_PROFILE"), "{names:?}");
                    ran(path.parse().unwrap())
                }
                other => return Some(sound_answer(id, other)),
            };
            Some(vec![observed(id, seen)])
        });
        FakeGuest { hello, ..guest }.script()
    })
    .with_network_seen(network_seen());
    let request = Request {
        own_cases: OwnCase::read_all(&folder).unwrap(),
        ..scene.request(&host)
    };
    let run = validate(request, &mut Nobody).unwrap();
    Some((scene, run))
}

#[test]
fn cases_of_the_users_own_are_run_last_and_count() {
    let test = "cases_of_the_users_own_are_run_last_and_count";
    let Some((scene, run)) = run(test, &["exit-0", "exit-1", "exit-77"], ChangeEnd::Done) else {
        return;
    };
    let cases = &run.profiles[0].cases;
    let own: Vec<_> = cases.iter().skip(cases.len() - 3).collect();
    let seen: Vec<_> = own
        .iter()
        .map(|own| (own.case_id.as_str(), own.outcome, own.message.as_str()))
        .collect();
    let expect = [
        ("USER-exit-0", Outcome::Passed, "saw 0"),
        ("USER-exit-1", Outcome::Failed, "saw 1 (exit code 1)"),
        ("USER-exit-77", Outcome::Skipped, "saw 77"),
    ];
    assert_eq!(seen, expect);
    assert_eq!(run.verdict, Verdict::Failed);
    assert_eq!(run.own_cases.len(), 3);
    assert_eq!(own[0].evidence, ["kvm/USER-exit-0.txt"]);
    let said = fs::read_to_string(scene.out().join("kvm/USER-exit-0.txt")).unwrap();
    assert_eq!(
        said,
        "--- standard output: 13 bytes\nlooked\nsaw 0\n--- standard error: 7 bytes\ncareful\n"
    );
}

#[test]
fn a_guest_that_takes_no_file_has_not_failed_the_case() {
    let test = "a_guest_that_takes_no_file_has_not_failed_the_case";
    let Some((_, run)) = run(test, &["exit-0"], ChangeEnd::Refused) else {
        return;
    };
    let own = run.profiles[0].cases.last().unwrap();
    assert_eq!(own.outcome, Outcome::Error, "{}", own.message);
    assert_eq!(run.verdict, Verdict::Incomplete);
}

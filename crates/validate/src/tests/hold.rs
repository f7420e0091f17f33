//! A machine that is left up after a failure.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use detente_evidence::{CaseResult, Outcome, Run, Verdict};
use detente_host::scripted::ScriptedHost;
use detente_plan::protocol::{Observation, Task, ToolEnd, ToolRun};
use detente_samples::initramfs;

use super::fake::{FakeGuest, cpus, observed, sound_answer};
use super::scene::network_seen;
use super::whole::{Scene, obedient};
use crate::{Observer, Progress, Request, validate};

/// How long the other side may take, whatever else this machine does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A person who gets in when it is said how, and then has enough.
struct Person {
    interrupt: Arc<AtomicBool>,
    visit: Option<JoinHandle<(String, String)>>,
    ways: Vec<String>,
}

/// The path in a line of how to get in.
fn path(way: &str) -> String {
    let (_, path) = way.split_once("UNIX-CONNECT:").unwrap();
    path.split(' ').next().unwrap().to_owned()
}

/// Says something to a socket, and listens until it says `until`.
fn talk(path: &str, say: &str, until: &str) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(say.as_bytes()).unwrap();
    let mut heard = String::new();
    let mut bytes = [0; 512];
    while !heard.contains(until) {
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(count) => heard.push_str(&String::from_utf8_lossy(&bytes[..count])),
        }
    }
    heard
}

impl Observer for Person {
    fn progress(&mut self, progress: &Progress<'_>) {
        let Progress::Held { ways, .. } = progress else {
            return;
        };
        self.ways = ways.to_vec();
        let (console, shell) = (path(&ways[0]), path(&ways[1]));
        let interrupt = self.interrupt.clone();
        self.visit = Some(std::thread::spawn(move || {
            let echo = talk(&console, "hello\n", "hello");
            let answer = talk(&shell, "id -u\n", "[exit code 0]");
            interrupt.store(true, Ordering::Relaxed);
            (echo, answer)
        }));
    }
}

#[track_caller]
fn case<'r>(run: &'r Run, id: &str) -> &'r CaseResult {
    let mut cases = run.profiles[0].cases.iter();
    cases.find(|case| case.case_id == id).unwrap()
}

/// A host whose guest has a processor too few, and runs what it is told.
fn host() -> ScriptedHost {
    ScriptedHost::new(|spec| {
        let hello = obedient(spec).hello;
        let guest = FakeGuest::answering(|id, task| {
            let seen = match task {
                Task::CountCpus => Observation::Cpus(cpus(1)),
                Task::RunTool(_) => Observation::ToolRun(ToolRun {
                    end: ToolEnd::Exited { status: 0 },
                    elapsed_ms: 1,
                    output_tail: "0\u{1b}[2J\n".to_owned(),
                    output_bytes: 2,
                    error_tail: String::new(),
                    error_bytes: 0,
                }),
                other => return Some(sound_answer(id, other)),
            };
            Some(vec![observed(id, seen)])
        });
        FakeGuest {
            hello,
            heartbeats: true,
            ..guest
        }
        .script()
    })
    .with_network_seen(network_seen())
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_person_gets_in_and_nothing_is_left_behind() {
    let test = "a_person_gets_in_and_nothing_is_left_behind";
    let Some(scene) = Scene::new(test, Some(&initramfs())) else {
        return;
    };
    let sockets = tempfile::tempdir().unwrap();
    let host = host();
    let request = Request {
        keep_on_failure: Some(sockets.path().to_path_buf()),
        ..scene.request(&host)
    };
    let mut person = Person {
        interrupt: request.interrupt.clone(),
        visit: None,
        ways: Vec::new(),
    };
    let run = validate(request, &mut person).unwrap();
    let (echo, answer) = person.visit.unwrap().join().unwrap();
    assert!(echo.contains("hello"), "{echo:?}");
    assert!(answer.ends_with("0[2J\n[exit code 0]\n# "), "{answer:?}");
    assert!(person.ways[0].starts_with("the guest's console: socat"));
    assert_eq!(case(&run, "CPU-01").outcome, Outcome::Failed);
    let power = case(&run, "PWR-01");
    assert_eq!(power.outcome, Outcome::NotRun);
    assert_eq!(power.reason_code.as_deref(), Some("held"));
    assert_eq!((run.verdict, run.complete), (Verdict::Failed, true));
    assert_eq!(host.recorded().stopped, 1);
    assert_eq!(entries(sockets.path()), 0);
}

#[test]
fn a_machine_with_which_nothing_is_wrong_is_not_left_up() {
    let test = "a_machine_with_which_nothing_is_wrong_is_not_left_up";
    let Some(scene) = Scene::new(test, Some(&initramfs())) else {
        return;
    };
    let host = ScriptedHost::new(|spec| obedient(spec).script()).with_network_seen(network_seen());
    let request = Request {
        keep_on_failure: Some(scene.place.path().to_path_buf()),
        ..scene.request(&host)
    };
    let mut person = Person {
        interrupt: request.interrupt.clone(),
        visit: None,
        ways: Vec::new(),
    };
    let run = validate(request, &mut person).unwrap();
    assert_eq!(run.verdict, Verdict::Passed);
    assert!(person.ways.is_empty());
}

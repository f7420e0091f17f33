//! However a run is ended, no machine goes on, nothing lies about, and the image is as it was.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use support::{
    await_some, cache, console_len, detente, image, names, partial_folder, processes_naming,
    run_document, sha256sum,
};

/// How long a machine may outlive its owner.
const AFTERLIFE: Duration = Duration::from_secs(5);

/// How long a machine may take to say something.
const BOOT: Duration = Duration::from_secs(240);

/// Starts a run whose every folder is below `place`, but for the cache with the lab's kernel.
fn start(profile: &str, place: &Path, image: &Path) -> Child {
    for folder in ["tmp", "home", "runs", "sockets"] {
        std::fs::create_dir_all(place.join(folder)).unwrap();
    }
    detente()
        .args(["validate", "--no-control", "--profile", profile, "--out"])
        .args([&place.join("runs/run"), image])
        .env("TMPDIR", place.join("tmp"))
        .env("HOME", place.join("home"))
        .env_remove("XDG_STATE_HOME")
        .env("XDG_CACHE_HOME", cache())
        .env("XDG_RUNTIME_DIR", place.join("sockets"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for the moment of death: 0 as soon as the run's folder is there, 1 as soon as a machine
/// is, later ones when the guest's console has said more and more.
fn await_moment(profile: &str, moment: u64, place: &Path, child: &Child) {
    let runs = place.join("runs");
    match moment {
        0 => drop(await_some("the run's folder", BOOT, || {
            partial_folder(&runs)
        })),
        1 => await_some("a machine", BOOT, || {
            (!processes_naming(place, child.id()).is_empty()).then_some(())
        }),
        _ => await_some("the console", BOOT, || {
            (console_len(&runs, profile) >= (moment - 1) * 4096).then_some(())
        }),
    }
}

#[test]
fn ten_kills_leave_no_machine_no_file_and_no_change() {
    let test = "ten_kills_leave_no_machine_no_file_and_no_change";
    let Some(image) = image(test, "debian12.qcow2") else {
        return;
    };
    let before = sha256sum(&image);
    for moment in 0..10 {
        let place = tempfile::tempdir().unwrap();
        let mut child = start("kvm", place.path(), &image);
        await_moment("kvm", moment, place.path(), &child);
        child.kill().unwrap();
        child.wait().unwrap();
        await_some("the machine's end", AFTERLIFE, || {
            processes_naming(place.path(), 0).is_empty().then_some(())
        });
        assert!(names(&place.path().join("tmp")).is_empty(), "kill {moment}");
        assert!(
            names(&place.path().join("home")).is_empty(),
            "kill {moment}"
        );
        let left = names(&place.path().join("runs"));
        assert!(
            left.iter().all(|name| name.ends_with(".partial")),
            "kill {moment}: {left:?}"
        );
    }
    assert_eq!(sha256sum(&image), before);
}

/// Whoever ends QEMU, out of memory or by hand, says nothing of the guest.
#[test]
fn a_machine_that_is_killed_is_an_error_and_its_evidence_is_whole() {
    let test = "a_machine_that_is_killed_is_an_error_and_its_evidence_is_whole";
    let Some(image) = image(test, "debian12.qcow2") else {
        return;
    };
    let before = sha256sum(&image);
    for moment in [2, 5, 9] {
        is_killed("kvm", moment, &image);
    }
    assert_eq!(sha256sum(&image), before);
}

/// The same of our own machine, which goes with its lab: at three moments between the guest's
/// kernel and its user space, or at ten (`DETENTE_LAB_KILLS=10`), which takes some minutes.
#[test]
fn a_synthetic_machine_that_is_killed_is_an_error_and_its_evidence_is_whole() {
    let test = "a_synthetic_machine_that_is_killed_is_an_error_and_its_evidence_is_whole";
    let Some(image) = image(test, "debian12.qcow2") else {
        return;
    };
    let before = sha256sum(&image);
    let kills = std::env::var("DETENTE_LAB_KILLS");
    let kills: u64 = kills.map_or(3, |text| text.parse().unwrap());
    for kill in 0..kills {
        is_killed("hyperv-vmbus", 2 + kill * 10 / kills, &image);
    }
    assert_eq!(sha256sum(&image), before);
}

/// Kills a run's machine at a moment, and looks at what is left.
#[track_caller]
fn is_killed(profile: &str, moment: u64, image: &Path) {
    let place = tempfile::tempdir().unwrap();
    let mut child = start(profile, place.path(), image);
    await_moment(profile, moment, place.path(), &child);
    for machine in processes_naming(place.path(), child.id()) {
        let machine = rustix::process::Pid::from_raw(machine.cast_signed()).unwrap();
        rustix::process::kill_process(machine, rustix::process::Signal::KILL).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(2), "kill {moment}");
    assert_eq!(processes_naming(place.path(), 0), Vec::<u32>::new());
    assert_eq!(names(&place.path().join("runs")), ["run"]);
    let out = place.path().join("runs/run");
    let run = run_document(&out);
    assert_eq!(run["verdict"], "incomplete", "kill {moment}");
    let cases = run["profiles"][0]["cases"].as_array().unwrap();
    let ended = |outcome: &str| {
        cases
            .iter()
            .filter(|case| case["outcome"] == outcome)
            .count()
    };
    assert_eq!(ended("failed"), 0, "kill {moment}: {cases:#?}");
    assert!(ended("error") > 0, "kill {moment}: {cases:#?}");
    expect_whole(&out);
}

/// Every file that the manifest names is there as the manifest says.
#[track_caller]
fn expect_whole(run: &Path) {
    let manifest = std::fs::read(run.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert!(files.len() > 2, "{files:?}");
    for file in files {
        let path = run.join(file["name"].as_str().unwrap());
        assert_eq!(file["size_bytes"], path.metadata().unwrap().len());
        assert_eq!(file["sha256"], sha256sum(&path));
    }
}

#[test]
fn ctrl_c_ends_the_run_with_130_and_an_honest_record() {
    let test = "ctrl_c_ends_the_run_with_130_and_an_honest_record";
    let Some(image) = image(test, "debian12.qcow2") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let mut child = start("kvm", place.path(), &image);
    await_moment("kvm", 3, place.path(), &child);
    // No program `kill`: a minimal machine has none.
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(processes_naming(place.path(), 0), Vec::<u32>::new());
    assert_eq!(names(&place.path().join("runs")), ["run"]);
    let run = run_document(&place.path().join("runs/run"));
    assert_eq!(run["verdict"], "interrupted");
    assert_eq!(run["complete"], false);
}

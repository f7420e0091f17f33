//! Whole runs: an image in, a folder out.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_evidence::{Follows, Manifest, Outcome, Run, ToolRecord, Verdict};
use detente_guest::Guest;
use detente_host::scripted::ScriptedHost;
use detente_host::{Host, HostError, HostFacts, Machine};
use detente_initramfs::{CpioWriter, Limits, walk};
use detente_machine::{LaunchSpec, Profile};
use detente_plan::protocol::{AgentMessage, Order};
use detente_samples::initramfs;
use sha2::{Digest as _, Sha256};

use super::fake::FakeGuest;
use super::image::{disk, needs_recovery, open};
use super::scene::{Nobody, network_seen, plan};
use crate::agent::hex;
use crate::{Column, Control, DiskInput, Observer, Progress, Request, ValidateError, validate};

/// The order, the agent and the names that lie in the machine's initramfs.
fn unpacked(spec: &LaunchSpec) -> (Order, Vec<u8>, Vec<String>) {
    let initramfs = fs::read(&spec.boot.initramfs).unwrap();
    let (mut order, mut agent) = (Vec::new(), Vec::new());
    let mut names = Vec::new();
    walk(
        initramfs.as_slice(),
        &Limits::default(),
        &mut |entry, data| {
            names.push(entry.name.clone());
            match entry.name.as_str() {
                ".detente/order.json" => data.read_to_end(&mut order).map(drop).unwrap(),
                ".detente/agent" => data.read_to_end(&mut agent).map(drop).unwrap(),
                _ => {}
            }
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    (serde_json::from_slice(&order).unwrap(), agent, names)
}

/// A guest that obeys the order which lies in the machine's initramfs.
pub(super) fn obedient(spec: &LaunchSpec) -> FakeGuest {
    let (order, agent, names) = unpacked(spec);
    // The guest's own comes first, ours behind it.
    assert_eq!(names[0], "init");
    assert_eq!(order.root, None);
    assert_eq!(order.original_init, "/init");
    assert!(spec.boot.cmdline.contains("rdinit=/.detente/agent"));
    FakeGuest {
        hello: AgentMessage::Hello {
            protocol: order.protocol,
            run_id: order.run_id,
            plan_digest: order.plan_digest,
            agent_sha256: hex(&Sha256::digest(&agent)),
            kernel_release: "6.1".to_owned(),
        },
        ..FakeGuest::sound()
    }
}

fn sound_host() -> ScriptedHost {
    ScriptedHost::new(|spec| obedient(spec).script()).with_network_seen(network_seen())
}

/// An image in a folder of its own.
pub(super) struct Scene {
    pub(super) place: tempfile::TempDir,
    pub(super) image: PathBuf,
    guest: Guest,
}

impl Scene {
    pub(super) fn new(test: &str, initramfs: Option<&[u8]>) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let image = disk(test, place.path(), initramfs)?;
        let readers = [open(&image).image.reader];
        let guest = detente_guest::inspect(&readers, detente_guest::Options::default()).unwrap();
        Some(Self {
            place,
            image,
            guest,
        })
    }

    pub(super) fn out(&self) -> PathBuf {
        self.place.path().join("run")
    }

    pub(super) fn request<'a>(&'a self, host: &'a dyn Host) -> Request<'a> {
        let disks: Vec<DiskInput> = vec![open(&self.image)];
        Request {
            disks,
            guest: &self.guest,
            plan: plan(),
            scope: crate::Scope::default(),
            own_cases: Vec::new(),
            profiles: columns(&[Profile::Kvm], host),
            control: None,
            out: self.out(),
            keep: false,
            keep_on_failure: None,
            faults: Vec::new(),
            boot_limit: None,
            shutdown_limit: None,
            case_limit: None,
            tool: ToolRecord {
                name: "detente".to_owned(),
                version: "0".to_owned(),
                sha256: "dd".to_owned(),
            },
            interrupt: Arc::default(),
        }
    }

    /// Nothing is there but the image.
    #[track_caller]
    fn expect_nothing_left(&self) {
        assert_eq!(
            files(self.place.path(), ""),
            BTreeSet::from(["disk.raw".to_owned()])
        );
    }
}

/// Every file and empty folder below a folder.
pub(super) fn files(folder: &Path, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            names.extend(files(&entry.path(), &format!("{name}/")));
            names.insert(format!("{name}/"));
        } else {
            names.insert(name);
        }
    }
    names
}

fn outcome(run: &Run, id: &str) -> (Outcome, String) {
    let cases = run.profiles.iter().flat_map(|part| &part.cases);
    let case = cases.into_iter().find(|case| case.case_id == id).unwrap();
    (case.outcome, case.message.clone())
}

#[test]
fn a_whole_run_leaves_a_folder_in_which_everything_is_named() {
    let Some(scene) = Scene::new("a_whole_run", Some(&initramfs())) else {
        return;
    };
    let host = sound_host();
    let run = validate(scene.request(&host), &mut Nobody).unwrap();
    assert_eq!(run.verdict, Verdict::Passed, "{run:#?}");
    assert!(run.complete);
    assert_eq!(host.recorded().stopped, 1);

    let out = scene.out();
    let evidence = [
        "kvm/console-tail.txt",
        "kvm/kernel-log.txt",
        "kvm/screen.png",
    ];
    let mut expect: BTreeSet<String> = ["junit.xml", "report.html", "report.tap", "run.json"]
        .iter()
        .chain(&evidence)
        .map(|name| (*name).to_owned())
        .collect();
    let manifest = Manifest::parse(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let named: BTreeSet<_> = manifest
        .files
        .iter()
        .map(|file| file.name.clone())
        .collect();
    assert_eq!(named, expect);
    for file in &manifest.files {
        let bytes = fs::read(out.join(&file.name)).unwrap();
        assert_eq!(file.size_bytes, bytes.len() as u64);
        assert_eq!(file.sha256, hex(&Sha256::digest(&bytes)));
    }
    let planned: Vec<_> = plan().cases.iter().map(|case| case.id.name()).collect();
    let cases = manifest.planned_cases.iter();
    assert_eq!(cases.map(|case| &case.case_id).collect::<Vec<_>>(), planned);

    expect.extend(["manifest.json".to_owned(), "kvm/".to_owned()]);
    assert_eq!(files(&out, ""), expect);
    assert_eq!(
        fs::read_dir(scene.place.path()).unwrap().count(),
        2,
        "the image and the run"
    );
    let written = Run::parse(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(written, run);
    let steps: Vec<_> = run.profiles[0]
        .steps
        .iter()
        .map(|s| s.text.as_str())
        .collect();
    assert_eq!(
        steps,
        [
            "the agent speaks from the initramfs",
            "the root is there",
            "it is asked to power off"
        ]
    );
    let opened = detente_report::open(&out).unwrap();
    let again = detente_report::html(&opened.run, &opened.folder, None).unwrap();
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(page, again, "made again, the report is the same");
    for case in run.profiles.iter().flat_map(|part| &part.cases) {
        assert!(case.evidence.iter().all(|name| named.contains(name)));
    }
}

#[test]
fn kept_overlays_are_no_evidence() {
    let Some(scene) = Scene::new("kept_overlays", Some(&initramfs())) else {
        return;
    };
    let host = sound_host();
    let request = Request {
        keep: true,
        ..scene.request(&host)
    };
    validate(request, &mut Nobody).unwrap();
    assert!(scene.out().join("kvm/disk0.overlay").is_file());
    let manifest = fs::read_to_string(scene.out().join("manifest.json")).unwrap();
    assert!(!manifest.contains("overlay"));
}

#[test]
fn a_root_that_was_left_in_use_fails_the_shutdown() {
    let Some(scene) = Scene::new("a_root_left_in_use", Some(&initramfs())) else {
        return;
    };
    needs_recovery(&scene.image);
    let host = sound_host();
    let run = validate(scene.request(&host), &mut Nobody).unwrap();
    let (is, message) = outcome(&run, "PWR-01");
    assert_eq!(is, Outcome::Failed);
    assert!(message.contains("not unmounted cleanly"), "{message}");
    assert_eq!(run.verdict, Verdict::Failed);
}

#[test]
fn an_agent_that_is_not_ours_fails_the_self_check() {
    let Some(scene) = Scene::new("an_agent_not_ours", Some(&initramfs())) else {
        return;
    };
    let host = ScriptedHost::new(|spec| {
        let mut guest = obedient(spec);
        if let AgentMessage::Hello { agent_sha256, .. } = &mut guest.hello {
            agent_sha256.replace_range(..1, "x");
        }
        guest.script()
    })
    .with_network_seen(network_seen());
    let run = validate(scene.request(&host), &mut Nobody).unwrap();
    let (is, message) = outcome(&run, "SUP-05");
    assert_eq!(is, Outcome::Failed, "{message}");
}

#[test]
fn an_interrupted_run_starts_no_further_machine() {
    /// Ends the run as the first profile is over.
    struct Impatient(Arc<AtomicBool>);
    impl Observer for Impatient {
        fn progress(&mut self, progress: &Progress<'_>) {
            if let Progress::Case { result } = progress
                && result.case_id == "SUP-05"
            {
                self.0.store(true, Ordering::Relaxed);
            }
        }
    }
    let Some(scene) = Scene::new("an_interrupted_run", Some(&initramfs())) else {
        return;
    };
    let host = sound_host();
    let mut request = scene.request(&host);
    request.profiles = columns(&Profile::QEMU, &host);
    let mut observer = Impatient(request.interrupt.clone());
    let run = validate(request, &mut observer).unwrap();
    assert_eq!(host.recorded().started.len(), 1);
    assert_eq!((run.verdict, run.complete), (Verdict::Interrupted, false));
    assert_eq!(run.profiles[0].verdict, Verdict::Passed);
    assert_eq!(run.profiles[1].boots, 0);
    assert_eq!(run.profiles[1].verdict, Verdict::Interrupted);
    // It is a whole document all the same.
    assert!(scene.out().join("manifest.json").is_file());
}

#[test]
fn a_busy_folder_is_left_alone() {
    let Some(scene) = Scene::new("a_busy_folder", Some(&initramfs())) else {
        return;
    };
    fs::create_dir(scene.out()).unwrap();
    let host = sound_host();
    let error = validate(scene.request(&host), &mut Nobody).unwrap_err();
    assert!(matches!(error, ValidateError::FolderBusy { .. }), "{error}");
    assert_eq!(fs::read_dir(scene.out()).unwrap().count(), 0);
    assert_eq!(host.recorded().started, []);
}

#[test]
fn a_folder_that_cannot_be_made_says_so() {
    let Some(scene) = Scene::new("a_folder_that_cannot_be_made", Some(&initramfs())) else {
        return;
    };
    let host = sound_host();
    let request = Request {
        out: scene.image.join("run"),
        ..scene.request(&host)
    };
    let error = validate(request, &mut Nobody).unwrap_err();
    assert!(matches!(error, ValidateError::Write { .. }), "{error}");
    assert!(error.hint().is_some());
    scene.expect_nothing_left();
}

/// A host that starts nothing.
struct Refusing(HostFacts);

impl Host for Refusing {
    fn facts(&self) -> &HostFacts {
        &self.0
    }

    fn start(&self, _: &LaunchSpec, work: &Path) -> Result<Box<dyn Machine>, HostError> {
        fs::write(work.join("console.log"), b"half").unwrap();
        Err(HostError::Failed {
            action: "starting",
            detail: "a test".to_owned(),
        })
    }
}

#[test]
fn a_machine_that_does_not_start_leaves_nothing_behind() {
    let Some(scene) = Scene::new("a_machine_that_does_not_start", Some(&initramfs())) else {
        return;
    };
    let host = Refusing(sound_host().facts().clone());
    let request = Request {
        out: scene.place.path().join("above/further/run"),
        ..scene.request(&host)
    };
    let error = validate(request, &mut Nobody).unwrap_err();
    assert!(matches!(error, ValidateError::Host(_)), "{error}");
    scene.expect_nothing_left();
}

/// A guest that boots without an init in an initramfs: the agent's archive is all that there is to
/// start, or follows the microcode, and the order says what the kernel would have mounted.
#[track_caller]
fn ours_alone(test: &str, initramfs: Option<&[u8]>, first: &str) {
    let Some(scene) = Scene::new(test, initramfs) else {
        return;
    };
    let host = ScriptedHost::new({
        let first = first.to_owned();
        move |spec| {
            let (order, _, names) = unpacked(spec);
            assert_eq!(names[0], first);
            let root = order.root.unwrap();
            assert_eq!(root.device, "UUID=11111111-2222-3333-4444-555555555555");
            assert!(root.read_only);
            FakeGuest::sound().script()
        }
    });
    validate(scene.request(&host), &mut Nobody).unwrap();
    assert_eq!(host.recorded().started.len(), 1);
}

#[test]
fn a_guest_without_an_initramfs_gets_ours_alone() {
    let test = "a_guest_without_an_initramfs_gets_ours_alone";
    ours_alone(test, None, ".detente");
}

#[test]
fn a_guest_with_nothing_but_microcode_gets_ours_behind_it() {
    let mut archive = CpioWriter::new();
    archive.directory("kernel", 0o755);
    archive.file("kernel/x86/microcode/GenuineIntel.bin", 0o644, &[1; 64]);
    let microcode = archive.finish();
    let test = "a_guest_with_nothing_but_microcode_gets_ours_behind_it";
    ours_alone(test, Some(&microcode), "kernel");
}

/// Columns of one host.
fn columns<'a>(profiles: &[Profile], host: &'a dyn Host) -> Vec<Column<'a>> {
    let column = |&profile: &Profile| Column { profile, host };
    profiles.iter().map(column).collect()
}

#[test]
fn a_second_machine_that_does_not_start_loses_nothing_of_the_first() {
    let test = "a_second_machine_that_does_not_start_loses_nothing_of_the_first";
    let Some(scene) = Scene::new(test, Some(&initramfs())) else {
        return;
    };
    let sound = sound_host();
    let none = Refusing(sound.facts().clone());
    let mut request = scene.request(&sound);
    request.profiles.push(Column {
        profile: Profile::KvmLegacy,
        host: &none,
    });
    let run = validate(request, &mut Nobody).unwrap();
    assert_eq!(run.profiles[0].verdict, Verdict::Passed);
    assert_eq!(run.profiles[1].verdict, Verdict::Incomplete);
    let first = &run.profiles[1].cases[0];
    assert_eq!(
        (first.case_id.as_str(), first.outcome),
        ("BOOT-01", Outcome::Error)
    );
    assert_eq!(run.verdict, Verdict::Incomplete);
}

/// A host whose guest echoes nothing.
fn mute_host() -> ScriptedHost {
    let mute = |spec: &LaunchSpec| FakeGuest {
        echoes: false,
        heartbeats: true,
        ..obedient(spec)
    };
    ScriptedHost::new(move |spec| mute(spec).script()).with_network_seen(network_seen())
}

/// What CON-01's control says when one side alone was asked for and `other` shows the other one.
#[track_caller]
fn follows(test: &str, host: &ScriptedHost, other: &ScriptedHost) -> Option<(Follows, usize)> {
    let scene = Scene::new(test, Some(&initramfs()))?;
    let control = || {
        Some(Control::On(Column {
            profile: Profile::HypervVmbus,
            host: other,
        }))
    };
    let mut request = scene.request(host);
    request.control = Some(&control);
    let run = validate(request, &mut Nobody).unwrap();
    let cases = &run.profiles[0].cases;
    let case = cases.iter().find(|case| case.case_id == "CON-01").unwrap();
    let follows = case.control.as_ref().map(|control| control.follows);
    Some((follows?, run.controls.len()))
}

#[test]
fn a_failure_that_the_other_side_does_not_have_follows_the_platform() {
    let test = "a_failure_that_the_other_side_does_not_have_follows_the_platform";
    let seen = follows(test, &mute_host(), &sound_host());
    assert!(
        matches!(seen, None | Some((Follows::Platform, 1))),
        "{seen:?}"
    );
}

#[test]
fn a_control_that_cannot_be_had_is_said_with_its_reason() {
    let test = "a_control_that_cannot_be_had_is_said_with_its_reason";
    let Some(scene) = Scene::new(test, Some(&initramfs())) else {
        return;
    };
    let reason = "qemu-system-x86_64 is missing";
    let control = || {
        Some(Control::NotToBeHad {
            profile: Profile::HypervVmbus,
            reason: reason.to_owned(),
        })
    };
    let host = mute_host();
    let mut request = scene.request(&host);
    request.control = Some(&control);
    let run = validate(request, &mut Nobody).unwrap();
    assert!(run.controls.is_empty());
    let part = &run.profiles[0];
    let case = part.cases.iter().find(|case| case.case_id == "CON-01");
    let control = case.unwrap().control.as_ref().unwrap();
    assert_eq!(control.profile, "hyperv-vmbus");
    assert_eq!(control.outcome, Outcome::NotRun);
    assert_eq!(control.follows, Follows::Undetermined);
    let line = format!("control run on hyperv-vmbus: {reason} (not_run)");
    assert!(part.not_proved.contains(&line), "{:?}", part.not_proved);
    assert!(part.statement.contains(&line), "{}", part.statement);
}

#[test]
fn a_failure_on_both_sides_follows_the_guest() {
    let test = "a_failure_on_both_sides_follows_the_guest";
    let seen = follows(test, &mute_host(), &mute_host());
    assert!(matches!(seen, None | Some((Follows::Guest, 1))), "{seen:?}");
}

#[test]
fn what_passes_is_not_reproduced() {
    let other = sound_host();
    let seen = follows("what_passes_is_not_reproduced", &sound_host(), &other);
    assert_eq!(seen, None);
    assert!(other.recorded().started.is_empty());
}

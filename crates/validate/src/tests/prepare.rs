//! Plans carried out in guests that are a script; what they write is put into their overlays by an
//! independent tool.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_guest::check::Profile as Hardware;
use detente_guest::prepare::{
    Change, Content, FileState as State, JOURNAL_FILE, Journal, PLAN_SCHEMA, Plan, Step, Tool,
};
use detente_guest::{Guest, Options, inspect};
use detente_host::scripted::{Script, ScriptedHost};
use detente_host::{Host, HostError, HostFacts, Machine, MachineEvent};
use detente_machine::{LaunchSpec, Profile};
use detente_plan::protocol::{
    ChangeEnd, FileState, Observation, Removed, Space, Spaces, Synced, Task, ToolEnd, ToolRun,
    Written,
};
use detente_samples::{Label, Partition, Tree, can_make_disks, initramfs};

use super::fake::{FakeGuest, observed, powers_off, sound_answer};
use super::image::{open, run};
use super::whole::{files, obedient};
use crate::prepare::{
    Action, Destination, HostFinder, OnBootFailure, PrepareError, PrepareEvent, PrepareObserver,
    PrepareRequest, Surroundings, UndoRequest, carry_out, read_journal, undo,
};

const NEW: &str = "/etc/new.conf";
const TEXT: &str = "made by the plan\n";

/// What the agent is told when a task comes up, and what it answers.
type Answer = fn(&Task) -> Option<Observation>;

/// Hosts of one kind, for every profile.
struct Hosts(Vec<Box<dyn Host>>);

impl HostFinder for Hosts {
    fn find(&self, profile: Profile) -> Result<&dyn Host, String> {
        let at = Profile::ALL.iter().position(|own| *own == profile);
        let host = self.0.get(at.unwrap()).or(self.0.last());
        host.map(|host| &**host)
            .ok_or_else(|| "none here".to_owned())
    }
}

/// Remembers, and may end it at a word.
#[derive(Default)]
struct Looker {
    said: Vec<String>,
    ends_at: Option<&'static str>,
    interrupt: Arc<AtomicBool>,
}

impl PrepareObserver for Looker {
    fn event(&mut self, event: &PrepareEvent<'_>) {
        let said = format!("{event:?}");
        if self.ends_at.is_some_and(|word| said.contains(word)) {
            self.interrupt.store(true, Ordering::Relaxed);
        }
        self.said.push(said);
    }
}

/// An image, what it becomes, and where everything is.
struct Scene {
    place: tempfile::TempDir,
    image: PathBuf,
    changed: PathBuf,
    guest: Guest,
}

impl Scene {
    fn new(test: &str) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("images");
        fs::create_dir(&folder).unwrap();
        if !can_make_disks(test) {
            return None;
        }
        let image = folder.join("disk.raw");
        fs::write(&image, disk(tree())).unwrap();
        let changed = place.path().join("changed.raw");
        let with_new = tree().file(NEW.trim_start_matches('/'), TEXT.as_bytes());
        fs::write(&changed, disk(with_new)).unwrap();
        Some(Self {
            guest: look(&image),
            place,
            image,
            changed,
        })
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("images")
    }

    fn out(&self) -> PathBuf {
        self.folder().join("both.raw")
    }

    /// A host whose guest makes of its disk what `into` holds.
    fn host(&self, into: &Path, answer: Answer) -> ScriptedHost {
        let into = into.to_owned();
        ScriptedHost::new(move |spec| {
            difference(spec, &into);
            script(spec, answer)
        })
    }

    fn request<'a>(&'a self, hosts: &'a Hosts, destination: Destination) -> PrepareRequest<'a> {
        PrepareRequest {
            disks: vec![open(&self.image)],
            guest: &self.guest,
            plan: plan(),
            packages: Vec::new(),
            with: with(hosts, destination),
        }
    }

    fn new_file(&self) -> Destination {
        Destination::New {
            path: self.out(),
            target: None,
        }
    }

    /// Carries out the plan, which must fail, and leave nothing.
    #[track_caller]
    fn fails(&self, hosts: Vec<Box<dyn Host>>, looker: Looker) -> PrepareError {
        let hosts = Hosts(hosts);
        let mut request = self.request(&hosts, self.new_file());
        request.with.interrupt = looker.interrupt.clone();
        let before = fs::read(&self.image).unwrap();
        let mut looker = looker;
        let error = carry_out(request, &mut looker).unwrap_err();
        assert_eq!(fs::read(&self.image).unwrap(), before);
        let left = files(&self.folder(), "");
        assert_eq!(left, BTreeSet::from(["disk.raw".to_owned()]), "{error}");
        error
    }
}

/// A guest whose kernel drives every disk.
fn tree() -> Tree {
    let drivers = [
        "block/virtio_blk",
        "virtio/virtio_pci",
        "ata/ahci",
        "scsi/sd_mod",
        "hv/hv_vmbus",
        "scsi/hv_storvsc",
    ];
    let lines = drivers.map(|driver| format!("kernel/drivers/{driver}.ko\n"));
    Tree::debian()
        .file("boot/initrd.img-6.1", &initramfs())
        .file("lib/modules/6.1/modules.builtin", lines.concat().as_bytes())
}

/// A disk whose only partition holds the tree.
fn disk(tree: Tree) -> Vec<u8> {
    let root = Partition {
        kind: "83",
        content: tree.ext4(8),
        mib: 8,
    };
    detente_samples::disk(Label::Dos, &[root])
}

fn look(image: &Path) -> Guest {
    let options = Options {
        initramfs_contents: true,
        ..Options::default()
    };
    inspect(&[open(image).image.reader], options).unwrap()
}

fn with(hosts: &Hosts, destination: Destination) -> Surroundings<'_> {
    Surroundings {
        hosts,
        destination,
        on_boot_failure: OnBootFailure::TryNext,
        tool: "0".to_owned(),
        interrupt: Arc::default(),
    }
}

/// A file and a program.
fn plan() -> Plan {
    let step = |id: &str, change| Step {
        id: id.to_owned(),
        rules: vec!["linux.test".to_owned()],
        why: "A test.".to_owned(),
        change,
    };
    Plan {
        schema: PLAN_SCHEMA.to_owned(),
        profiles: vec![Hardware::Kvm],
        steps: vec![
            step(
                "write it",
                Change::Write {
                    path: NEW.to_owned(),
                    content: Content::new(TEXT.as_bytes().to_vec()),
                    mode: None,
                    before: State::Absent,
                },
            ),
            step(
                "run it",
                Change::Run {
                    tool: Tool::UpdateInitramfs {
                        kernel: "6.1".to_owned(),
                    },
                    touches: Vec::new(),
                },
            ),
        ],
        left: Vec::new(),
    }
}

/// Makes the first disk's overlay hold what differs from `into`.
fn difference(spec: &LaunchSpec, into: &Path) {
    let overlay = &spec.disks[0].overlay;
    let base = spec.disks[0].below.files().next().unwrap();
    let mut convert = Command::new("qemu-img");
    convert.args(["convert", "-f", "raw", "-O", "qcow2", "-F", "raw", "-B"]);
    run(convert
        .arg(fs::canonicalize(base).unwrap())
        .args([into, overlay]));
}

fn script(spec: &LaunchSpec, answer: Answer) -> Script {
    let hello = obedient(spec).hello;
    let mut ordered = false;
    let guest = FakeGuest::answering(move |id, task| {
        let is_power_off =
            matches!(task, Task::RunTool(run) if run.argv.contains(&"poweroff.target".to_owned()));
        let own = answer(task).map(|seen| vec![observed(id, seen)]);
        let mut events = own.unwrap_or_else(|| usual(id, task));
        if is_power_off && !std::mem::replace(&mut ordered, true) {
            events.extend(powers_off());
        }
        Some(events)
    });
    FakeGuest { hello, ..guest }.script()
}

/// What a guest answers in which everything works.
fn usual(id: u32, task: &Task) -> Vec<MachineEvent> {
    let seen = match task {
        Task::WriteFile(file) => Observation::Written(Written {
            end: ChangeEnd::Done,
            resolved: file.path.as_str().to_owned(),
            found: FileState::Absent,
            left: FileState::Absent,
            made_folders: Vec::new(),
            relabelled: None,
        }),
        Task::RemoveFile(file) => Observation::Removed(Removed {
            end: ChangeEnd::Done,
            resolved: file.path.as_str().to_owned(),
            found: FileState::Absent,
            removed_folders: Vec::new(),
        }),
        Task::DescribeFiles { .. } => Observation::Files { files: Vec::new() },
        Task::RunTool(_) => Observation::ToolRun(tool(ToolEnd::Exited { status: 0 })),
        Task::SyncAll => Observation::Synced(Synced { mounts: Vec::new() }),
        Task::MeasureSpace { paths } => Observation::Spaces(Spaces {
            spaces: paths
                .iter()
                .map(|path| Space {
                    path: path.as_str().to_owned(),
                    free_bytes: 1 << 30,
                    total_bytes: 1 << 30,
                    free_files: None,
                    read_only: false,
                })
                .collect(),
        }),
        other => return sound_answer(id, other),
    };
    vec![observed(id, seen)]
}

fn tool(end: ToolEnd) -> ToolRun {
    ToolRun {
        end,
        elapsed_ms: 1,
        output_tail: "working\n".to_owned(),
        output_bytes: 8,
        error_tail: "no space left\n".to_owned(),
        error_bytes: 14,
    }
}

fn as_usual(_: &Task) -> Option<Observation> {
    None
}

/// The disk as a file of bytes.
fn content(image: &Path) -> Vec<u8> {
    let reader = open(image).image.reader;
    let mut bytes = vec![0; usize::try_from(reader.len_bytes()).unwrap()];
    reader.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_plan_is_carried_out_and_taken_back() {
    let Some(scene) = Scene::new("a_plan_is_carried_out_and_taken_back") else {
        return;
    };
    let hosts = Hosts(vec![Box::new(scene.host(&scene.changed, as_usual))]);
    let before = content(&scene.image);
    let mut looker = Looker::default();
    let outcome = carry_out(scene.request(&hosts, scene.new_file()), &mut looker).unwrap();
    assert_eq!(outcome.action, Action::Prepared);
    assert_eq!(outcome.steps.len(), 2);
    assert_eq!(content(&scene.image), before);
    assert_eq!(content(&scene.out()), content(&scene.changed));
    let names = files(&scene.folder(), "");
    let expect = [
        "both.raw",
        "both.raw.journal/",
        "both.raw.journal/blobs/",
        "both.raw.journal/journal.json",
        "both.raw.journal/tree.txt",
        "disk.raw",
    ];
    assert_eq!(names, expect.map(str::to_owned).into());

    let folder = scene.folder().join("both.raw.journal");
    let journal = read_journal(&folder).unwrap();
    assert!(journal.is_complete());
    let file = journal.file(NEW).unwrap();
    assert_eq!(
        (&file.before, file.steps.as_slice()),
        (&State::Absent, ["write it".to_owned()].as_slice())
    );
    assert!(matches!(&file.after, State::File(facts) if facts.len_bytes == TEXT.len() as u64));
    taken_back(&scene, journal, folder, &before);
}

#[track_caller]
fn taken_back(scene: &Scene, journal: Journal, folder: PathBuf, before: &[u8]) {
    let hosts = Hosts(vec![Box::new(scene.host(&scene.image, as_usual))]);
    let guest = look(&scene.out());
    let restored = scene.folder().join("restored.raw");
    let request = |journal, folder| UndoRequest {
        disks: vec![open(&scene.out())],
        guest: &guest,
        journal,
        folder,
        with: with(
            &hosts,
            Destination::New {
                path: restored.clone(),
                target: None,
            },
        ),
    };
    let done = undo(
        request(journal.clone(), folder.clone()),
        &mut Looker::default(),
    )
    .unwrap();
    assert_eq!(done.action, Action::Undone);
    assert_eq!(done.differences.unwrap().count, 0);
    assert_eq!(content(&restored), before);
    fs::remove_file(&restored).unwrap();

    // A guest that did not put it back.
    let forgetful = Hosts(vec![Box::new(scene.host(&scene.changed, as_usual))]);
    let mut lazy = request(journal.clone(), folder.clone());
    lazy.with.hosts = &forgetful;
    let error = undo(lazy, &mut Looker::default()).unwrap_err();
    assert!(
        matches!(&error, PrepareError::NotPutBack { path } if path == NEW),
        "{error}"
    );

    // A disk that was written to since.
    let file = fs::OpenOptions::new()
        .write(true)
        .open(scene.out())
        .unwrap();
    file.write_all_at(&[1], 100).unwrap();
    let error = undo(request(journal, folder), &mut Looker::default()).unwrap_err();
    assert!(matches!(error, PrepareError::Changed { .. }), "{error}");
    assert!(!restored.exists());
}

#[test]
fn in_place_the_old_image_keeps_its_bytes() {
    let Some(scene) = Scene::new("in_place_the_old_image_keeps_its_bytes") else {
        return;
    };
    let hosts = Hosts(vec![Box::new(scene.host(&scene.changed, as_usual))]);
    let before = content(&scene.image);
    let request = scene.request(&hosts, Destination::InPlace);
    let outcome = carry_out(request, &mut Looker::default()).unwrap();
    let kept = scene.folder().join("disk.raw.before");
    assert_eq!(outcome.disks[0].before.as_deref(), kept.to_str());
    assert_eq!(content(&kept), before);
    assert_eq!(content(&scene.image), content(&scene.changed));
    let again = carry_out(
        scene.request(&hosts, Destination::InPlace),
        &mut Looker::default(),
    );
    assert!(
        matches!(again, Err(PrepareError::Exists { .. })),
        "{again:?}"
    );
}

#[test]
fn nothing_to_do_is_a_copy_without_a_boot() {
    let Some(scene) = Scene::new("nothing_to_do_is_a_copy_without_a_boot") else {
        return;
    };
    let hosts = Hosts(Vec::new());
    let mut request = scene.request(&hosts, scene.new_file());
    request.plan.steps.clear();
    let outcome = carry_out(request, &mut Looker::default()).unwrap();
    assert_eq!(outcome.action, Action::NothingToDo);
    assert_eq!(content(&scene.out()), content(&scene.image));
    assert_eq!(files(&scene.folder(), "").len(), 2, "no journal");
}

#[test]
fn a_step_that_is_not_done_is_named_and_leaves_nothing() {
    let Some(scene) = Scene::new("a_step_that_is_not_done_is_named") else {
        return;
    };
    let refused: Answer = |task| match task {
        Task::WriteFile(file) => Some(Observation::Written(Written {
            end: ChangeEnd::Refused,
            resolved: file.path.as_str().to_owned(),
            found: FileState::Other {
                kind: "folder".to_owned(),
            },
            left: FileState::Absent,
            made_folders: Vec::new(),
            relabelled: None,
        })),
        _ => None,
    };
    let host = scene.host(&scene.changed, refused);
    let error = scene.fails(vec![Box::new(host)], Looker::default());
    assert!(
        matches!(&error, PrepareError::Step { step, .. } if step == "write it"),
        "{error}"
    );
    assert!(error.to_string().contains("a folder is there"), "{error}");

    let broken: Answer = |task| match task {
        Task::RunTool(_) => Some(Observation::ToolRun(tool(ToolEnd::Exited { status: 1 }))),
        _ => None,
    };
    let host = scene.host(&scene.changed, broken);
    let error = scene.fails(vec![Box::new(host)], Looker::default());
    let PrepareError::Step { step, output, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (step.as_str(), output.as_slice()),
        (
            "run it",
            ["working".to_owned(), "no space left".to_owned()].as_slice()
        )
    );
}

#[test]
fn a_full_file_system_is_said_before_anything_is_done() {
    let Some(scene) = Scene::new("a_full_file_system_is_said") else {
        return;
    };
    let full: Answer = |task| match task {
        Task::MeasureSpace { paths } => Some(Observation::Spaces(Spaces {
            spaces: paths
                .iter()
                .map(|path| Space {
                    path: path.as_str().to_owned(),
                    free_bytes: 0,
                    total_bytes: 1 << 30,
                    free_files: None,
                    read_only: true,
                })
                .collect(),
        })),
        _ => None,
    };
    let error = scene.fails(
        vec![Box::new(scene.host(&scene.changed, full))],
        Looker::default(),
    );
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[test]
fn a_file_system_that_was_left_in_use_is_refused() {
    let Some(scene) = Scene::new("a_file_system_that_was_left_in_use") else {
        return;
    };
    let at = format!("{}?offset=1048576", scene.changed.display());
    run(Command::new("debugfs").args(["-w", "-R", "ssv state 0", at.as_str()]));
    let host = scene.host(&scene.changed, as_usual);
    let error = scene.fails(vec![Box::new(host)], Looker::default());
    assert!(matches!(error, PrepareError::NotClean { .. }), "{error}");
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let Some(scene) = Scene::new("an_interrupted_run_leaves_nothing") else {
        return;
    };
    for word in [
        "Starting",
        "the root is there",
        "Begun",
        "looking at",
        "Writing",
    ] {
        let looker = Looker {
            ends_at: Some(word),
            ..Looker::default()
        };
        let host = scene.host(&scene.changed, as_usual);
        let error = scene.fails(vec![Box::new(host)], looker);
        assert!(
            matches!(error, PrepareError::Interrupted),
            "{word}: {error}"
        );
    }
}

/// A host that starts nothing.
struct Refusing(HostFacts);

impl Host for Refusing {
    fn facts(&self) -> &HostFacts {
        &self.0
    }

    fn start(&self, _: &LaunchSpec, _: &Path) -> Result<Box<dyn Machine>, HostError> {
        Err(HostError::Failed {
            action: "starting",
            detail: "a test".to_owned(),
        })
    }
}

#[test]
fn a_guest_that_gives_up_is_tried_on_other_hardware() {
    let Some(scene) = Scene::new("a_guest_that_gives_up_is_tried_on_other_hardware") else {
        return;
    };
    let silent = || {
        ScriptedHost::new(|spec| {
            FakeGuest {
                ports: Vec::new(),
                ..obedient(spec)
            }
            .script()
        })
    };
    let hosts = Hosts(vec![
        Box::new(silent()),
        Box::new(scene.host(&scene.changed, as_usual)),
    ]);
    let mut looker = Looker::default();
    let outcome = carry_out(scene.request(&hosts, scene.new_file()), &mut looker).unwrap();
    assert_eq!(outcome.machine.unwrap().profile, "kvm-legacy");
    assert!(looker.said.iter().any(|said| said.contains("GaveUp")));
    fs::remove_file(scene.out()).unwrap();
    fs::remove_dir_all(scene.folder().join("both.raw.journal")).unwrap();

    let error = scene.fails(vec![Box::new(silent())], Looker::default());
    assert!(matches!(error, PrepareError::NotReady { .. }), "{error}");
    let facts = silent().facts().clone();
    let error = scene.fails(vec![Box::new(Refusing(facts))], Looker::default());
    assert!(matches!(error, PrepareError::Host(_)), "{error}");
    let error = scene.fails(Vec::new(), Looker::default());
    assert!(matches!(error, PrepareError::NoMachine { .. }), "{error}");
}

#[test]
fn a_name_that_is_taken_is_refused_before_anything_is_started() {
    let Some(scene) = Scene::new("a_name_that_is_taken_is_refused") else {
        return;
    };
    for name in ["both.raw", "both.raw.journal"] {
        let hosts = Hosts(Vec::new());
        let taken = scene.folder().join(name);
        fs::write(&taken, "mine").unwrap();
        let refused = carry_out(
            scene.request(&hosts, scene.new_file()),
            &mut Looker::default(),
        );
        assert!(
            matches!(refused, Err(PrepareError::Exists { .. })),
            "{refused:?}"
        );
        assert_eq!(fs::read(&taken).unwrap(), b"mine");
        fs::remove_file(taken).unwrap();
    }
}

#[test]
fn what_is_no_journal_is_refused() {
    let place = tempfile::tempdir().unwrap();
    assert!(matches!(
        read_journal(place.path()),
        Err(PrepareError::Read { .. })
    ));
    fs::write(place.path().join(JOURNAL_FILE), "{}").unwrap();
    assert!(matches!(
        read_journal(place.path()),
        Err(PrepareError::Journal { .. })
    ));
}

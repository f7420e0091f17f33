//! `detente prepare --batch`: what becomes of each machine, and of a run that is killed. No guest is
//! booted here: these want nothing.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use detente_samples::{Tree, can_make_ext4};
use serde_json::{Value, json};
use support::schema::{check, validator};
use support::{detente, expect_code, names, sha256sum, stderr, stdout};

const MACHINES: usize = 3;

/// A folder with machines that boot on nothing but KVM, and want no more.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// With a list of so many; none where they cannot be made.
    fn new(test: &str, machines: usize) -> Option<Self> {
        if !can_make_ext4(test) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let disk = content().ext4(16);
        let mut list = LIST.to_owned();
        for index in 0..machines {
            fs::write(folder.path().join(format!("m{index}.raw")), &disk).unwrap();
            list.push_str(&format!("[[machine]]\nsource = \"m{index}.raw\"\n"));
        }
        fs::write(folder.path().join("list.toml"), list).unwrap();
        Some(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another machine in the list.
    fn add(&self, entry: &str) {
        let list = fs::read_to_string(self.path("list.toml")).unwrap();
        fs::write(
            self.path("list.toml"),
            format!("{list}[[machine]]\n{entry}\n"),
        )
        .unwrap();
    }

    fn prepare(&self, arguments: &[&str]) -> Output {
        let mut command = detente();
        command.arg("prepare").args(arguments);
        command.current_dir(self.folder.path()).output().unwrap()
    }

    #[track_caller]
    fn json(&self, code: i32) -> Value {
        let output = self.prepare(&["--batch", "list.toml", "--format", "json"]);
        expect_code(&output, code);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

const LIST: &str = "out = \"prepared\"\nprofiles = [\"kvm\"]\nformat = \"qcow2\"\n";

/// A kernel with everything in itself, and consoles of both sides.
fn content() -> Tree {
    let builtin = BUILTIN.map(|name| format!("kernel/drivers/{name}.ko\n"));
    let tree = Tree::debian();
    let grub = tree.text("boot/grub/grub.cfg");
    let grub = grub.replace("quiet", "console=ttyS0,115200 console=tty0");
    tree.file("boot/grub/grub.cfg", grub.as_bytes()).file(
        "lib/modules/6.1/modules.builtin",
        builtin.concat().as_bytes(),
    )
}

const BUILTIN: [&str; 8] = [
    "virtio",
    "virtio_ring",
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "virtio_net",
    "sd_mod",
    "ext4",
];

fn counts(document: &Value) -> Vec<u64> {
    let names = ["made", "already", "refused", "failed", "not_run"];
    let count = |name: &&str| document["counts"][name].as_u64().unwrap();
    names.iter().map(count).collect()
}

/// The guest's bytes are the same, as another command of ours says.
#[track_caller]
fn same(one: &Path, other: &Path) {
    let mut command = detente();
    let output = command
        .args(["image", "compare"])
        .arg(one)
        .arg(other)
        .output();
    expect_code(&output.unwrap(), 0);
}

#[test]
fn a_batch_says_what_became_of_each_machine() {
    let Some(place) = Place::new("a_batch_says_what_became_of_each_machine", 2) else {
        return;
    };
    fs::write(place.path("zeros.raw"), vec![0; 1 << 20]).unwrap();
    place.add("source = \"zeros.raw\"");
    place.add("source = \"gone.raw\"");
    let document = place.json(2);
    assert_eq!(counts(&document), [2, 0, 0, 2, 0], "{document:#}");
    check(
        "batch-1.json",
        &document,
        &[
            ("/command", json!("inspect")),
            ("/machines/0/code", json!(-1)),
            (
                "/machines/0/document/schema",
                json!("detente/prepare-result/2"),
            ),
        ],
    );
    let machines = document["machines"].as_array().unwrap();
    let code = |machine: &Value| machine["code"].as_u64().unwrap();
    assert_eq!(machines.iter().map(code).collect::<Vec<_>>(), [0, 0, 2, 2]);
    for machine in &machines[2..] {
        assert!(machine["error"].is_string() && machine["hint"].is_string());
    }
    // What failed left nothing; what was made is named for where it is.
    assert_eq!(names(&place.path("prepared")), ["m0", "m1"]);
    let folder = place.path("prepared/m0");
    assert_eq!(names(&folder), ["m0.qcow2", "prepare.json"]);
    same(&place.path("m0.raw"), &folder.join("m0.qcow2"));
    let said = fs::read(folder.join("prepare.json")).unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    assert!(
        validator("prepare-result-1.json").is_valid(&said),
        "{said:#}"
    );
    assert_eq!(&said, &machines[0]["document"]);
    let path = said["disks"][0]["path"].as_str().unwrap();
    assert_eq!(
        Path::new(path),
        folder.canonicalize().unwrap().join("m0.qcow2")
    );
    // Again: what is there is passed over, and what is asked otherwise is not replaced.
    assert_eq!(counts(&place.json(2)), [0, 2, 0, 2, 0]);
    let list = fs::read_to_string(place.path("list.toml")).unwrap();
    let other = list.replacen(
        "source = \"m1.raw\"",
        "source = \"m1.raw\"\nformat = \"raw\"",
        1,
    );
    fs::write(place.path("list.toml"), other).unwrap();
    assert_eq!(counts(&place.json(2)), [0, 1, 0, 3, 0]);
    let said = stdout(&place.prepare(&["--batch", "list.toml"]));
    for line in [
        "prepared/m0: already there",
        "prepared/m1: failed: prepared/m1 is there already",
        "4 machines: 0 prepared, 1 already there, 3 failed",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn wrong_lists_have_a_way_out() {
    let place = tempfile::tempdir().unwrap();
    let refused = |list: &str, more: &[&str], code: i32, says: &str| {
        fs::write(place.path().join("list.toml"), list).unwrap();
        let mut command = detente();
        command.args(["prepare", "--batch", "list.toml"]).args(more);
        let output = command.current_dir(&place).output().unwrap();
        expect_code(&output, code);
        let said = stderr(&output);
        assert!(said.contains(says), "{list}: {said}");
    };
    let one = "[[machine]]\nsource = \"a.raw\"\n";
    let out = "out = \"prepared\"\n";
    refused(out, &[], 64, "0 machines");
    refused(one, &[], 64, "`out` says");
    refused(&format!("{out}{one}{one}"), &[], 64, "two machines");
    refused(
        &format!("{out}to = \"kit\"\n{one}"),
        &[],
        2,
        "unknown field",
    );
    refused(
        &format!("{out}{one}out = \"../a\"\n"),
        &[],
        64,
        "no plain name",
    );
    refused(&format!("{out}format = \"vmdk\"\n{one}"), &[], 2, "vmdk");
    refused(&format!("{out}{one}"), &["--dry-run"], 64, "--dry-run");
    refused(&format!("{out}{one}"), &["--jobs", "0"], 64, "--jobs");
    refused("out = [", &[], 2, "docs/guide/prepare.md");
    let output = detente().args(["prepare", "--batch", "gone.toml"]).output();
    expect_code(&output.unwrap(), 2);
    assert_eq!(names(place.path()), ["list.toml"]);
}

/// Killed at any moment, twenty times: the images are as they were, what has a name is whole, and the
/// next start completes it.
#[test]
fn a_batch_of_preparations_that_is_killed_is_completed() {
    let test = "a_batch_of_preparations_that_is_killed_is_completed";
    let Some(place) = Place::new(test, MACHINES) else {
        return;
    };
    let digest = sha256sum(&place.path("m0.raw"));
    let begun = Instant::now();
    assert_eq!(counts(&place.json(0)), [3, 0, 0, 0, 0]);
    let whole = begun.elapsed();
    for round in 0..20_u32 {
        fs::remove_dir_all(place.path("prepared")).unwrap();
        let mut command = detente();
        command.args(["prepare", "--batch", "list.toml", "--jobs", "2"]);
        command
            .current_dir(&place.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Spread over the run, by a sequence that is the same each time.
        let until = Instant::now() + whole * (round * 7 % 20) / 20;
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        look(&place, &digest);
        let counts = counts(&place.json(0));
        assert_eq!(counts[0] + counts[1], 3, "round {round}: {counts:?}");
        look(&place, &digest);
        let left = fs::read_dir(place.path("prepared")).unwrap();
        assert_eq!(left.count(), MACHINES, "round {round}");
    }
}

/// What has a name is whole; what was read is as it was.
#[track_caller]
fn look(place: &Place, digest: &str) {
    for index in 0..MACHINES {
        let image = place.path(&format!("m{index}.raw"));
        assert_eq!(sha256sum(&image), digest);
        let folder = place.path(&format!("prepared/m{index}"));
        if folder.exists() {
            assert_eq!(names(&folder).len(), 2, "{:?}", names(&folder));
            same(&image, &folder.join(format!("m{index}.qcow2")));
        }
    }
}

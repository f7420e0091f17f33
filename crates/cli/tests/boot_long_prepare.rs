//! What takes minutes more: the guest of the other side, and servers as they stand in the field
//! (`cargo xtask images prepare`), prepared and booted on both sides.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says aloud what it skips"
)]

mod support;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use support::circle::{is_ready, there_and_back};
use support::prepare::{
    b2sum, debugfs, document, has_address, journal_of, prepare, prepare_with, raw, recipe, rules,
    set, validate,
};
use support::update::install_next_kernel;
use support::{detente, expect_code, image, repository, stdout};

const BOTH: [&str; 2] = ["kvm", "hyperv-vmbus"];

#[test]
fn a_server_for_kvm_alone_runs_on_both_and_is_taken_back() {
    let test = "a_server_for_kvm_alone_runs_on_both_and_is_taken_back";
    let Some(image) = image(test, "debian12-kvm-only.qcow2") else {
        return;
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lacks = ("hyperv-vmbus", "linux.initramfs.storvsc-missing");
    there_and_back(&image, place.path(), lacks, &BOTH);
}

#[test]
fn a_server_for_the_synthetic_hardware_alone_runs_on_both_and_is_taken_back() {
    let test = "a_server_for_the_synthetic_hardware_alone_runs_on_both_and_is_taken_back";
    let Some(image) = image(test, "debian12-hyperv-only.qcow2") else {
        return;
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lacks = ("kvm", "linux.initramfs.virtio-blk-missing");
    there_and_back(&image, place.path(), lacks, &BOTH);
}

/// Prepares one of the guests with a recipe of their own; it must have been as the recipe says, and
/// run on both sides afterwards with its address.
#[track_caller]
fn field(test: &str, name: &str, place: &Path, options: &[&OsStr]) -> Option<PathBuf> {
    let image = image(test, &format!("{name}.qcow2"))?;
    let recipe = recipe(name);
    for profile in BOTH {
        let expected = set(&recipe[format!("rules_{profile}")]);
        assert_eq!(rules(&image, profile), expected, "{profile}");
    }
    let source = b2sum(&image);
    let out = place.join("both.qcow2");
    let output = prepare_with(&image, &out, options);
    expect_code(&output, 0);
    assert_eq!(b2sum(&image), source, "the image was written to");
    let done = document(&output);
    eprintln!("{name}: {} {}", done["machine"], done["took"]);
    is_ready(&out);
    let run = validate(&out, &BOTH, &place.join("run"));
    for profile in BOTH {
        has_address(&run, profile, recipe["address"].as_str().unwrap());
    }
    Some(out)
}

/// dracut for one host only, XFS in LVM with a devices file, entries of the Boot Loader
/// Specification, NetworkManager; then its next kernel.
#[test]
fn lvm_with_xfs_and_bls() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let name = "debian12-lvm-xfs";
    if let Some(out) = field("lvm_with_xfs_and_bls", name, place.path(), &[]) {
        next_kernel(&out, place.path(), Some(name));
    }
}

/// initramfs-tools with `MODULES=dep`, netplan; then its third kernel.
#[test]
fn btrfs_with_two_kernels() {
    let name = "debian12-btrfs";
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(out) = field("btrfs_with_two_kernels", name, place.path(), &[]) else {
        return;
    };
    for kernel in set(&recipe(name)["kernels"]) {
        let modules = initramfs_modules(&out, &kernel);
        for module in ["hv_vmbus", "hv_storvsc", "virtio_blk", "btrfs"] {
            let file = format!("/{module}.ko");
            assert!(modules.contains(&file), "{kernel}: {module}");
        }
    }
    next_kernel(&out, place.path(), Some(name));
}

/// The files of a kernel's initramfs, as initramfs-tools or dracut of this machine lists them.
#[track_caller]
fn initramfs_modules(image: &Path, kernel: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let initramfs = place.path().join("initrd.img");
    let mut command = detente();
    let output = command
        .arg("cat")
        .arg(format!("{}:/boot/initrd.img-{kernel}", image.display()));
    std::fs::write(&initramfs, output.output().unwrap().stdout).unwrap();
    for tool in ["lsinitramfs", "lsinitrd"] {
        let mut command = std::process::Command::new(tool);
        if let Ok(output) = command.arg(&initramfs).output() {
            // A module's name has one character where its file's has another.
            return stdout(&output).replace('-', "_");
        }
    }
    panic!("neither lsinitramfs nor lsinitrd is there");
}

/// SELinux enforcing; what was written has the labels of the policy, and nothing is denied that was
/// not denied before.
#[test]
fn selinux_enforcing() {
    let name = "debian12-selinux-kvm-only";
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(image) = image("selinux_enforcing", &format!("{name}.qcow2")) else {
        return;
    };
    let before = place.path().join("before");
    validate(&image, &["kvm"], &before);
    let Some(out) = field("selinux_enforcing", name, place.path(), &[]) else {
        return;
    };
    let run = place.path().join("run");
    for profile in BOTH {
        let denied = denials(&run, profile);
        let known = denials(&before, "kvm");
        assert!(denied.is_subset(&known), "{profile}: {denied:?}, {known:?}");
    }
    has_labels(&image, &out, place.path());
}

/// What was denied: who was refused what, without numbers.
fn denials(run: &Path, profile: &str) -> std::collections::BTreeSet<String> {
    let console = std::fs::read(run.join(profile).join("console.log")).unwrap();
    let console = String::from_utf8_lossy(&console).into_owned();
    let lines = console.lines().filter(|line| line.contains("avc:  denied"));
    let kept = ["{", "scontext=", "tcontext=", "tclass="];
    let of_line = |line: &str| {
        let words = line.split_whitespace();
        let words = words.skip_while(|word| *word != "{");
        let is_kept =
            |word: &&str| kept.iter().any(|start| word.starts_with(start)) || !word.contains('=');
        words.filter(is_kept).collect::<Vec<_>>().join(" ")
    };
    lines.map(of_line).collect()
}

/// Every changed file has the label that it had; a new one that of the type of its folder's files.
#[track_caller]
fn has_labels(image: &Path, out: &Path, place: &Path) {
    let journal = std::fs::read(journal_of(out).join("journal.json")).unwrap();
    let journal: serde_json::Value = serde_json::from_slice(&journal).unwrap();
    let old = raw(image, place.join("old.raw"));
    let new = raw(out, place.join("new.raw"));
    let label = |disk: &Path, path: &str| debugfs(disk, &format!("ea_get {path} security.selinux"));
    for file in journal["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let (was, is) = (label(&old, path), label(&new, path));
        if was.contains("object_r") {
            assert_eq!(is, was, "{path}");
        } else {
            assert!(
                is.contains("object_r") && !is.contains("unlabeled_t"),
                "{path}: {is}"
            );
        }
    }
}

/// Nothing that we have starts it: drivers from its own disk are lent to it. Its agent comes from a
/// folder of packages.
#[test]
fn a_server_that_starts_nowhere() {
    let (test, name) = ("a_server_that_starts_nowhere", "debian12-nothing");
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let packages = place.path().join("packages");
    let agent = "qemu-guest-agent_";
    copy_package(agent, &packages);
    let options = [OsStr::new("--packages"), packages.as_os_str()];
    let Some(out) = field(test, name, place.path(), &options) else {
        return;
    };
    let mut command = detente();
    let output = command.args(["inspect", "--packages", "--format", "json"]);
    let facts = document(&output.arg(&out).output().unwrap());
    let installed = facts["packages"].to_string();
    assert!(installed.contains("\"qemu-guest-agent\""), "{installed}");
}

/// A package that the guests were made of, into a new folder.
#[track_caller]
fn copy_package(start: &str, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let fetched = std::fs::read_dir(repository().join("target/images/apt")).unwrap();
    let mut names = fetched.map(|entry| entry.unwrap().path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(start)
    };
    let package = names.find(is_it).expect("cargo xtask images fetches it");
    std::fs::copy(&package, folder.join(package.file_name().unwrap())).unwrap();
}

/// The other one-sided guest, whose dracut was told to leave drivers out; then its next kernel.
#[test]
fn a_kernel_that_comes_later() {
    let Some(image) = image("a_kernel_that_comes_later", "debian12-kvm-only.qcow2") else {
        return;
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let out = place.path().join("both.qcow2");
    expect_code(&prepare(&image, &out), 0);
    next_kernel(&out, place.path(), None);
}

/// The next kernel is installed in the prepared guest, by its own package; it still fits both sides
/// and runs there.
#[track_caller]
fn next_kernel(out: &Path, place: &Path, recipe_of: Option<&str>) {
    install_next_kernel(out, place);
    is_ready(out);
    let run = validate(out, &BOTH, &place.join("updated"));
    let release = run["guest"]["kernel_release"].as_str().unwrap_or_default();
    assert!(release.starts_with("6.12."), "{release}");
    if let Some(name) = recipe_of {
        for profile in BOTH {
            has_address(&run, profile, recipe(name)["address"].as_str().unwrap());
        }
    }
}

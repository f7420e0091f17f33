//! `detente convert`: machines there and back, what is refused, and batches that are killed.
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use detente_samples::{Label, Partition, can_make_disks, disk};
use serde_json::{Value, json};
use support::schema::check;
use support::{detente, expect_code, stderr, stdout};

/// A folder with disks of machines in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A disk that UEFI starts, with something on it.
    fn uefi(&self, name: &str) {
        let esp = Partition {
            kind: "uefi",
            content: vec![0x5a; 70_000],
            mib: 1,
        };
        fs::write(self.path(name), disk(Label::Gpt, &[esp])).unwrap();
    }

    /// A disk that a BIOS starts.
    fn bios(&self, name: &str, content: &[u8]) {
        let root = Partition {
            kind: "linux",
            content: content.to_vec(),
            mib: 1,
        };
        fs::write(self.path(name), disk(Label::Dos, &[root])).unwrap();
    }

    fn convert(&self, arguments: &[&str]) -> Output {
        let mut command = detente();
        command.arg("convert").args(arguments);
        command.current_dir(self.folder.path()).output().unwrap()
    }

    #[track_caller]
    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let output = self.convert(&[arguments, &["--format", "json"]].concat());
        expect_code(&output, code);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str], says: &str) {
        let output = self.convert(arguments);
        expect_code(&output, code);
        let said = stdout(&output) + &stderr(&output);
        assert!(said.contains(says), "{arguments:?}: {said}");
    }

    /// The names in the folder, those that begin with a dot too.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The guest's bytes of two images are the same, as another command of ours says.
    #[track_caller]
    fn same(&self, one: &str, other: &str) {
        let mut command = detente();
        command.args(["image", "compare", one, other]);
        let output = command.current_dir(self.folder.path()).output().unwrap();
        expect_code(&output, 0);
    }
}

const DOMAIN: &str = "<domain type='kvm'><name>shop</name>\
    <uuid>564d1a0c-9bd2-4b7e-8f11-0123456789ab</uuid>\
    <memory unit='MiB'>3072</memory><vcpu>3</vcpu>\
    <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>\
    <devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>\
    <source file='shop.raw'/><target dev='vda' bus='virtio'/><serial>SHOP1</serial></disk>\
    <interface type='bridge'><mac address='52:54:00:12:34:56'/><source bridge='br0'/>\
    <model type='virtio'/></interface></devices></domain>";

#[test]
fn a_domain_becomes_a_kit_and_comes_back() {
    if !can_make_disks("a_domain_becomes_a_kit_and_comes_back") {
        return;
    }
    let place = Place::new();
    place.uefi("shop.raw");
    fs::write(place.path("shop.xml"), DOMAIN).unwrap();
    let arguments = [
        "shop.xml",
        "kit",
        "--to",
        "kit",
        "--map-network",
        "br0=External",
    ];
    let document = place.json(0, &arguments);
    check(
        "convert-1.json",
        &document,
        &[
            ("/schema", json!("detente/convert/2")),
            ("/to", json!("vmware")),
            ("/result", json!("done")),
            ("/gates", json!(["everything"])),
            ("/disks/0/sha256", json!(7)),
            ("/losses/0/fate", json!("forgotten")),
            ("/processors", json!(0)),
        ],
    );
    let kit: Value =
        serde_json::from_slice(&fs::read(place.path("kit/kit.json")).unwrap()).unwrap();
    check(
        "hyperv-kit-1.json",
        &kit,
        &[
            ("/schema", json!("detente/hyperv-kit/2")),
            ("/machine/generation", json!(3)),
            ("/machine/hard_disk_drives/0/controller_type", json!("NVMe")),
            ("/machine/firmware/secure_boot", json!(true)),
            ("/files/0/sha256", json!("0")),
        ],
    );
    let machine = &kit["machine"];
    assert_eq!(
        (&machine["name"], &machine["generation"]),
        (&json!("shop"), &json!(2))
    );
    assert_eq!(machine["network_adapters"][0]["switch"], json!("External"));
    let digest = support::sha256sum(&place.path("kit/disk0.vhdx"));
    assert!(digest.starts_with(kit["files"][0]["sha256"].as_str().unwrap()));
    place.same("shop.raw", "kit/disk0.vhdx");
    let losses = fs::read(place.path("kit/losses.json")).unwrap();
    let losses: Value = serde_json::from_slice(&losses).unwrap();
    check("losses-1.json", &losses, &[("/losses/0/field", json!(1))]);
    // Back: what Hyper-V has no word for is there again.
    place.json(0, &["kit", "back", "--to", "libvirt"]);
    let xml = fs::read_to_string(place.path("back/domain.xml")).unwrap();
    for part in [
        "SHOP1",
        "52:54:00:12:34:56",
        "br0",
        "564d1a0c-9bd2-4b7e-8f11-0123456789ab",
    ] {
        assert!(xml.contains(part), "{part}: {xml}");
    }
    place.same("shop.raw", "back/disk0.qcow2");
    assert_eq!(place.names(), ["back", "kit", "shop.raw", "shop.xml"]);
}

#[test]
fn a_disk_alone_has_the_firmware_that_it_wants() {
    if !can_make_disks("a_disk_alone_has_the_firmware_that_it_wants") {
        return;
    }
    let place = Place::new();
    place.uefi("new.raw");
    place.bios("old.raw", &[1; 4096]);
    for (name, generation) in [("new", 2), ("old", 1)] {
        let source = format!("{name}.raw");
        place.json(
            0,
            &[
                &source,
                name,
                "--to",
                "kit",
                "--memory",
                "1024",
                "--processors",
                "1",
            ],
        );
        let kit = fs::read(place.path(name).join("kit.json")).unwrap();
        let kit: Value = serde_json::from_slice(&kit).unwrap();
        assert_eq!(kit["machine"]["generation"], json!(generation), "{name}");
        assert_eq!(
            kit["machine"]["memory"]["startup_bytes"],
            json!(1_u64 << 30)
        );
    }
    for (to, file) in [
        ("qemu", "start.sh"),
        ("kubevirt", "virtualmachine.yaml"),
        ("libvirt", "domain.xml"),
    ] {
        place.json(0, &["new.raw", to, "--to", to, "--disk-format", "raw"]);
        assert!(place.path(to).join(file).is_file(), "{to}");
        place.same("new.raw", &format!("{to}/disk0.raw"));
    }
}

#[test]
fn an_export_of_hyper_v_becomes_a_domain() {
    if !can_make_disks("an_export_of_hyper_v_becomes_a_domain") {
        return;
    }
    let place = Place::new();
    place.bios("disk.raw", &[7; 4096]);
    fs::create_dir_all(place.path("export/Virtual Hard Disks")).unwrap();
    let mut command = detente();
    command.args([
        "image",
        "convert",
        "disk.raw",
        "export/Virtual Hard Disks/Disk.VHDX",
        "-O",
        "vhdx",
    ]);
    expect_code(
        &command.current_dir(place.folder.path()).output().unwrap(),
        0,
    );
    let inventory = json!({
        "schema": "detente/hyperv-inventory/1",
        "machines": {
            "name": "till", "generation": 1, "processor": {"count": 2},
            "memory": {"startup_bytes": 1_u64 << 30},
            "hard_disk_drives": {"controller_type": 0, "controller_number": 0,
                "controller_location": 0, "path": "D:\\VMs\\till\\disk.vhdx"},
        },
    });
    // Without an inventory there is no machine.
    fs::create_dir_all(place.path("export/Virtual Machines")).unwrap();
    let own = place.path("export/Virtual Machines/0F4DC2B1.vmcx");
    fs::write(&own, b"\x14\x20\x28\x01").unwrap();
    place.refused(
        2,
        &["export", "out", "--to", "libvirt"],
        "--inventory-script",
    );
    fs::write(place.path("export/inventory.json"), inventory.to_string()).unwrap();
    place.json(0, &["export", "out", "--to", "libvirt"]);
    let xml = fs::read_to_string(place.path("out/domain.xml")).unwrap();
    assert!(xml.contains("<name>till</name>"), "{xml}");
    place.same("disk.raw", "out/disk0.qcow2");
    let script = place.convert(&["--inventory-script"]);
    expect_code(&script, 0);
    assert_eq!(stdout(&script), detente_machine::hyperv_inventory::SCRIPT);
}

#[test]
fn a_package_made_by_another_tool_is_taken() {
    let place = Place::new();
    let sample = support::repository().join("crates/machine/tests/samples/shop.ova");
    fs::copy(&sample, place.path("shop.ova")).unwrap();
    let document = place.json(
        0,
        &["shop.ova", "out", "--to", "libvirt", "--disk-format", "raw"],
    );
    assert_eq!(
        (&document["machine"], &document["processors"]),
        (&json!("shop"), &json!(2))
    );
    // Of the disk that cot packed, by sha256sum: see the recipe.
    let recipe = support::repository().join("crates/machine/tests/samples/README.md");
    let digest = support::sha256sum(&place.path("out/disk0.raw"));
    let digest = digest.split_whitespace().next().unwrap();
    assert!(
        fs::read_to_string(recipe).unwrap().contains(digest),
        "{digest}"
    );
    let xml = fs::read_to_string(place.path("out/domain.xml")).unwrap();
    for part in ["00:11:22:33:44:55", "00:11:22:33:44:66"] {
        assert!(xml.contains(part), "{xml}");
    }
    // A byte of the disk in the archive.
    let mut bytes = fs::read(&sample).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(place.path("spoiled.ova"), &bytes).unwrap();
    place.refused(
        2,
        &["spoiled.ova", "spoiled", "--to", "libvirt"],
        "was changed since",
    );
    bytes.truncate(middle);
    fs::write(place.path("short.ova"), &bytes).unwrap();
    place.refused(
        2,
        &["short.ova", "short", "--to", "libvirt"],
        "goes past the end",
    );
    assert_eq!(
        place.names(),
        ["out", "shop.ova", "short.ova", "spoiled.ova"]
    );
}

/// A LUKS2 header with these tokens.
fn luks(tokens: &Value) -> Vec<u8> {
    let mut header = detente_samples::luks();
    let text = json!({"keyslots": {}, "tokens": tokens});
    header.extend(text.to_string().bytes());
    header
}

/// One whose key a TPM gives out.
fn sealed() -> Vec<u8> {
    luks(&json!({"0": {"type": "systemd-tpm2", "keyslots": ["0"]}}))
}

#[test]
fn what_would_be_lost_is_refused() {
    if !can_make_disks("what_would_be_lost_is_refused") {
        return;
    }
    let place = Place::new();
    place.bios("sealed.raw", &sealed());
    let sealed = ["sealed.raw", "out", "--to", "kit"];
    let document = place.json(1, &sealed);
    assert_eq!(document["gates"], json!(["tpm-state"]));
    assert_eq!(document["result"], json!("refused-by-gate"));
    // A header that cannot be read may say anything.
    place.bios("plain.raw", &detente_samples::luks());
    place.refused(
        1,
        &["plain.raw", "out", "--to", "libvirt"],
        "--accept tpm-state",
    );
    place.bios("plain.raw", &luks(&json!({})));
    place.refused(1, &sealed, "--accept tpm-state");
    place.refused(
        1,
        &["plain.raw", "out", "--to", "kit", "--strict"],
        "--strict",
    );
    assert_eq!(place.names(), ["plain.raw", "sealed.raw"]);
    place.json(
        0,
        &["sealed.raw", "out", "--to", "kit", "--accept", "tpm-state"],
    );
    // What was only asked for is not made.
    let said = place.json(0, &["plain.raw", "other", "--to", "kit", "--dry-run"]);
    assert_eq!(said["result"], json!("would-be-made"));
    assert_eq!(place.names(), ["out", "plain.raw", "sealed.raw"]);
}

/// The exit code, the arguments, and what is said.
const WRONG: &[(i32, &str, &str)] = &[
    (64, "", "required"),
    (64, "a.raw out", "--to"),
    (64, "a.raw --to kit", "a source and a new folder"),
    (64, "a.raw there --to kit", "is there already"),
    (64, "a.raw out --to vmware", "invalid value"),
    (64, "a.raw out --to kit --accept all", "unknown gate"),
    (64, "a.raw out --to kit --map-network br0", "FROM=TO"),
    (2, "a.raw no/such/out --to kit", "the folder above"),
    (2, "gone.raw out --to kit", "No such file"),
    (2, "old.ovf out --to kit", "not an OVF envelope"),
    (2, "notes.xml out --to kit", "no definition of a machine"),
    (2, "half.json out --to kit", "half.json: not an inventory"),
    (2, "bad.xml out --to kit", "bad.xml"),
    (64, "far.xml out --to kit", "--allow-path"),
    (2, "gone.xml out --to kit", "is not there"),
    (2, "own.vmcx out --to kit", "--inventory-script"),
    (64, "empty out --to kit", "no definition of a machine"),
    (64, "a.raw a.raw out --to kit", "the same file"),
    (2, "--batch gone.toml", "gone.toml"),
];

#[test]
fn wrong_input_has_a_way_out() {
    let place = Place::new();
    fs::write(place.path("a.raw"), vec![0; 1 << 20]).unwrap();
    fs::write(place.path("bad.xml"), "<domain type='kvm'><name>x</name>").unwrap();
    fs::write(
        place.path("far.xml"),
        DOMAIN.replace("shop.raw", "/etc/hostname"),
    )
    .unwrap();
    fs::write(place.path("gone.xml"), DOMAIN).unwrap();
    fs::write(place.path("own.vmcx"), b"\x14\x20\x28\x01").unwrap();
    fs::write(place.path("old.ovf"), "<Envelope xmlns='urn:old'/>").unwrap();
    fs::write(place.path("notes.xml"), "<notes/>").unwrap();
    fs::write(
        place.path("half.json"),
        r#"{"schema":"detente/hyperv-inventory/1""#,
    )
    .unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    fs::create_dir(place.path("there")).unwrap();
    for (code, arguments, says) in WRONG {
        let arguments: Vec<_> = arguments.split_ascii_whitespace().collect();
        place.refused(*code, &arguments, says);
    }
    let left: Vec<_> = place
        .names()
        .into_iter()
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

const MACHINES: usize = 6;

/// A list of small machines, one of which is refused and one of which is not there.
fn batch(place: &Place) -> PathBuf {
    let mut list = "to = \"kit\"\nout = \"kits\"\n".to_owned();
    for index in 0..MACHINES {
        let name = format!("m{index}");
        let content = vec![u8::try_from(index + 1).unwrap(); 300_000];
        place.bios(&format!("{name}.raw"), &content);
        list.push_str(&format!(
            "[[machine]]\nsource = \"{name}.raw\"\nmemory_mib = 512\n"
        ));
    }
    fs::write(place.path("list.toml"), &list).unwrap();
    place.path("list.toml")
}

fn counts(document: &Value) -> Vec<u64> {
    let names = ["made", "already", "refused", "failed", "not_run"];
    names
        .iter()
        .map(|name| document["counts"][name].as_u64().unwrap())
        .collect()
}

#[test]
fn a_batch_says_what_became_of_each() {
    if !can_make_disks("a_batch_says_what_became_of_each") {
        return;
    }
    let place = Place::new();
    let list = batch(&place);
    place.bios("sealed.raw", &sealed());
    let mut text = fs::read_to_string(&list).unwrap();
    text.push_str("[[machine]]\nsource = \"sealed.raw\"\n[[machine]]\nsource = \"gone.raw\"\n");
    fs::write(&list, &text).unwrap();
    let document = place.json(1, &["--batch", "list.toml", "--jobs", "3"]);
    assert_eq!(counts(&document), [6, 0, 1, 1, 0]);
    check(
        "batch-1.json",
        &document,
        &[
            ("/schema", json!("detente/batch/2")),
            ("/counts/made", json!(-1)),
            ("/machines/0/result", json!("fine")),
            ("/machines/0/folder", json!(null)),
        ],
    );
    // Again: what is there is passed over, and what changed since is not replaced.
    let again = place.json(1, &["--batch", "list.toml"]);
    assert_eq!(counts(&again), [0, 6, 1, 1, 0]);
    fs::write(
        &list,
        text.replacen("memory_mib = 512", "memory_mib = 1024", 1),
    )
    .unwrap();
    let changed = place.json(1, &["--batch", "list.toml"]);
    assert_eq!(counts(&changed), [0, 5, 1, 2, 0]);
    let said = stdout(&place.convert(&["--batch", "list.toml"]));
    assert!(
        said.contains("8 machines: 0 converted, 5 already there, 1 refused, 2 failed"),
        "{said}"
    );
    for (from, to, says) in [
        ("to = \"kit\"", "", "`to` says"),
        ("out = \"kits\"", "", "`out` says"),
        ("memory_mib", "memory", "unknown field"),
        (
            "source = \"m0.raw\"",
            "source = \"m0.raw\"\nout = \"../m0\"",
            "no plain name",
        ),
        (
            "source = \"m0.raw\"",
            "source = \"m0.raw\"\nout = \"m1\"",
            "two machines",
        ),
    ] {
        fs::write(&list, text.replacen(from, to, 1)).unwrap();
        let output = place.convert(&["--batch", "list.toml"]);
        assert!(matches!(output.status.code(), Some(2 | 64)), "{from}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}

/// Killed at any moment, twenty times: sources are as they were, what has a name is whole, and the
/// next start completes it.
#[test]
fn a_batch_that_is_killed_is_completed() {
    if !can_make_disks("a_batch_that_is_killed_is_completed") {
        return;
    }
    let place = Place::new();
    batch(&place);
    let sources: Vec<_> = (0..MACHINES)
        .map(|index| fs::read(place.path(&format!("m{index}.raw"))).unwrap())
        .collect();
    // How long it takes when nobody disturbs it.
    let begun = Instant::now();
    assert_eq!(
        counts(&place.json(0, &["--batch", "list.toml"])),
        [6, 0, 0, 0, 0]
    );
    let whole = begun.elapsed();
    for round in 0..20_u32 {
        fs::remove_dir_all(place.path("kits")).unwrap();
        let mut command = detente();
        command.args(["convert", "--batch", "list.toml", "--jobs", "2"]);
        command
            .current_dir(place.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Spread over the run, by a sequence that is the same each time.
        let moment = whole * (round * 7 % 20) / 20;
        let until = Instant::now() + moment;
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        look(&place, &sources);
        let done = place.json(0, &["--batch", "list.toml"]);
        let counts = counts(&done);
        assert_eq!(counts[0] + counts[1], 6, "round {round}: {counts:?}");
        look(&place, &sources);
        let folder = fs::read_dir(place.path("kits")).unwrap();
        let names: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), MACHINES, "round {round}: {names:?}");
    }
}

/// What has a name is whole; what was read is as it was.
#[track_caller]
fn look(place: &Place, sources: &[Vec<u8>]) {
    for (index, source) in sources.iter().enumerate() {
        let name = format!("m{index}");
        assert_eq!(
            &fs::read(place.path(&format!("{name}.raw"))).unwrap(),
            source,
            "{name}"
        );
        let folder = place.path("kits").join(&name);
        if !folder.exists() {
            continue;
        }
        let kit: Value =
            serde_json::from_slice(&fs::read(folder.join("kit.json")).unwrap()).unwrap();
        let digest = support::sha256sum(&folder.join("disk0.vhdx"));
        let expected = kit["files"][0]["sha256"].as_str().unwrap();
        assert!(digest.starts_with(expected), "{name}");
        for file in [
            "machine.json",
            "convert.json",
            "New-DetenteVM.ps1",
            "losses.txt",
            "README.txt",
        ] {
            assert!(Path::new(&folder.join(file)).is_file(), "{name}: {file}");
        }
    }
}

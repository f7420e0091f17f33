//! Clients of others: QEMU's tools and libnbd's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of tests are short"
)]
#![expect(clippy::print_stderr, reason = "says which test could not run")]

#[expect(dead_code, reason = "these clients speak for themselves")]
mod support;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use detente_block::MemoryDisk;
use detente_nbd::{Export, MAX_CONNECTIONS, Server};
use serde_json::Value;
use tempfile::TempDir;

use support::{striped, striped_bytes};

/// A folder with the disk's bytes in a file, and the same disk served.
struct Served {
    folder: TempDir,
    server: Server,
}

impl Served {
    fn new(export: Export) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("disk.raw"), striped_bytes()).unwrap();
        let server = Server::bind(&folder.path().join("s"), export).unwrap();
        Self { folder, server }
    }

    fn uri(&self) -> String {
        format!("nbd+unix:///?socket={}", self.server.address().display())
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// Runs a program to its end; nothing where it is not installed.
#[track_caller]
fn run(test: &str, program: &str, arguments: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(_) => {
            eprintln!("skipped: {test}: {program} is not installed");
            return None;
        }
    };
    let (out, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {out}{error}"
    );
    Some(out.into_owned())
}

#[test]
fn qemu_img_reads_the_disk_and_its_holes() {
    let test = "qemu_img_reads_the_disk_and_its_holes";
    let served = Served::new(Export::read_only(striped()));
    let (uri, raw) = (served.uri(), served.file("disk.raw"));
    let Some(info) = run(test, "qemu-img", &["info", "--output=json", &uri]) else {
        return;
    };
    let info: Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["virtual-size"], striped_bytes().len());
    let says = run(
        test,
        "qemu-img",
        &["compare", "-f", "raw", "-F", "raw", &uri, &raw],
    );
    assert!(says.unwrap().contains("Images are identical."));
    let copy = served.file("copy.qcow2");
    run(test, "qemu-img", &["convert", "-O", "qcow2", &uri, &copy]);
    let says = run(test, "qemu-img", &["compare", &copy, &raw]);
    assert!(says.unwrap().contains("Images are identical."));
    let map = run(test, "qemu-img", &["map", "--output=json", &uri]).unwrap();
    let map: Value = serde_json::from_str(&map).unwrap();
    let zero: Vec<_> = map
        .as_array()
        .unwrap()
        .iter()
        .map(|extent| extent["zero"].clone())
        .collect();
    // Sixteen stripes by turns; the 512 bytes at the end begin the seventeenth.
    let expected: Vec<_> = (0..17).map(|stripe| Value::Bool(stripe % 2 == 1)).collect();
    assert_eq!(zero, expected, "{map:#}");
}

#[test]
fn qemu_io_writes_what_is_read_again() {
    let test = "qemu_io_writes_what_is_read_again";
    let disk = Arc::new(MemoryDisk::new(striped_bytes()));
    let served = Served::new(Export::writable(disk));
    let mut commands = Vec::new();
    for command in [
        "write -P 0x5a 1000 70000",
        "write -f -P 0x11 0 512",
        "write -z 100k 50k",
        "write -z -u 300k 4k",
        "discard 400k 64k",
        "flush",
        "read -P 0x5a 1000 70000",
        "read -P 0 100k 50k",
        "read -P 0 300k 4k",
    ] {
        commands.extend(["-c", command]);
    }
    let (uri, raw) = (served.uri(), served.file("disk.raw"));
    let there = [&["-f", "raw"][..], &commands, &[&uri]].concat();
    let Some(says) = run(test, "qemu-io", &there) else {
        return;
    };
    assert!(!says.contains("failed"), "{says}");
    // QEMU does the same to a file of its own.
    let here = [&["-f", "raw"][..], &commands, &[&raw]].concat();
    run(test, "qemu-io", &here);
    // What was trimmed may be anything, by the protocol.
    run(
        test,
        "qemu-io",
        &["-f", "raw", "-c", "write -z 400k 64k", &uri],
    );
    run(
        test,
        "qemu-io",
        &["-f", "raw", "-c", "write -z 400k 64k", &raw],
    );
    let says = run(
        test,
        "qemu-img",
        &["compare", "-f", "raw", "-F", "raw", &uri, &raw],
    );
    assert!(says.unwrap().contains("Images are identical."));
}

#[test]
fn writes_to_an_overlay_never_reach_the_disk() {
    let test = "writes_to_an_overlay_never_reach_the_disk";
    let folder = tempfile::tempdir().unwrap();
    let served = Served::new(Export::overlay(striped(), folder.path()).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let uri = served.uri();
    let Some(_) = run(
        test,
        "qemu-io",
        &["-f", "raw", "-c", "write -P 9 0 100k", &uri],
    ) else {
        return;
    };
    let says = run(
        test,
        "qemu-io",
        &["-f", "raw", "-c", "read -P 9 0 100k", &uri],
    );
    assert!(!says.unwrap().contains("failed"));
    let mut bytes = vec![0; 512];
    detente_block::BlockRead::read_exact_at(&*striped(), 0, &mut bytes).unwrap();
    assert!(bytes == striped_bytes()[..512]);
}

#[test]
fn qemu_is_refused_writes_to_a_disk_that_is_only_read() {
    let served = Served::new(Export::read_only(striped()));
    let uri = served.uri();
    let output = Command::new("qemu-io")
        .args(["-f", "raw", "-c", "write 0 512", &uri])
        .output();
    let Ok(output) = output else {
        eprintln!(
            "skipped: qemu_is_refused_writes_to_a_disk_that_is_only_read: qemu-io is not installed"
        );
        return;
    };
    assert!(!output.status.success());
}

#[test]
fn libnbd_finds_every_feature() {
    let test = "libnbd_finds_every_feature";
    let place = tempfile::tempdir().unwrap();
    let served = Served::new(Export::overlay(striped(), place.path()).unwrap());
    let Some(says) = run(test, "nbdinfo", &["--json", &served.uri()]) else {
        return;
    };
    let says: Value = serde_json::from_str(&says).unwrap();
    assert_eq!(says["protocol"], "newstyle-fixed");
    assert_eq!(says["structured"], true);
    let export = &says["exports"][0];
    assert_eq!(export["export-size"], striped_bytes().len());
    assert_eq!(export["contexts"], serde_json::json!(["base:allocation"]));
    assert_eq!(export["block_size_maximum"], 32 * 1024 * 1024);
    for (feature, there) in [
        ("is_read_only", false),
        ("can_flush", true),
        ("can_fua", true),
        ("can_multi_conn", true),
        ("can_df", true),
        ("can_trim", true),
        ("can_zero", true),
        ("can_cache", false),
        ("can_fast_zero", false),
    ] {
        assert_eq!(export[feature], there, "{feature}");
    }
    let says = run(test, "nbdinfo", &["--map", "--totals", &served.uri()]).unwrap();
    assert!(says.contains("hole,zero"), "{says}");
}

#[test]
fn libnbd_copies_there_and_back_by_many_connections() {
    let test = "libnbd_copies_there_and_back_by_many_connections";
    let disk = Arc::new(MemoryDisk::new(vec![9; striped_bytes().len()]));
    let served = Served::new(Export::writable(disk));
    let (uri, raw) = (served.uri(), served.file("disk.raw"));
    let Some(_) = run(test, "nbdcopy", &["--connections=4", "--flush", &raw, &uri]) else {
        return;
    };
    let copy = served.file("copy.raw");
    run(test, "nbdcopy", &["--connections=4", &uri, &copy]);
    assert!(fs::read(copy).unwrap() == striped_bytes());
}

#[test]
fn the_socket_is_ours_alone_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let server = Server::bind(&socket, Export::read_only(striped())).unwrap();
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Server::bind(&socket, Export::read_only(striped()));
    assert_eq!(again.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    assert!(socket.exists(), "somebody else's socket was removed");
    // A client that says nothing holds nobody up.
    let mut silent = UnixStream::connect(&socket).unwrap();
    drop(server);
    assert!(!socket.exists());
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest);
    assert!(rest.len() <= 18);
}

#[test]
fn a_path_that_is_too_long_for_a_socket_has_a_short_way() {
    let folder = tempfile::tempdir().unwrap();
    let long: PathBuf = folder.path().join("x".repeat(200));
    fs::create_dir(&long).unwrap();
    let server = Server::bind(&long.join("s"), Export::read_only(striped())).unwrap();
    assert!(long.join("s").exists());
    let mut greeting = [0; 18];
    let mut client = UnixStream::connect(server.address()).unwrap();
    client.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting[..8], b"NBDMAGIC");
    let test = "a_path_that_is_too_long_for_a_socket_has_a_short_way";
    // Also for another process.
    let uri = format!("nbd+unix:///?socket={}", server.address().display());
    run(test, "qemu-img", &["info", &uri]);
    drop((client, server));
    assert!(!long.join("s").exists());
}

#[test]
fn more_clients_than_are_served_are_hung_up_on() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let server = Server::bind(&socket, Export::read_only(striped())).unwrap();
    let mut clients = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut client = UnixStream::connect(&socket).unwrap();
        client.read_exact(&mut [0; 18]).unwrap();
        clients.push(client);
    }
    let mut late = UnixStream::connect(&socket).unwrap();
    assert_eq!(late.read(&mut [0; 18]).unwrap_or(0), 0);
    drop((clients, server));
}

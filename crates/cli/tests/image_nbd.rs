//! `detente image nbd`, with QEMU's tools as its clients.

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use rustix::process::Signal;
use support::images::Place;
use support::{detente, expect_code, send, sha256sum, stderr};

/// A server that serves; ends with the test.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    #[track_caller]
    fn new(place: &Place, arguments: &[&str]) -> Self {
        let mut child = detente()
            .args(["image", "nbd", "--socket", "disk.sock"])
            .args(arguments)
            .current_dir(place.folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut address = String::new();
        let said = child.stdout.take().expect("it is piped");
        let read = BufReader::new(said).read_line(&mut address);
        read.expect("it says where it serves");
        let address = address.trim_end().to_owned();
        Self { child, address }
    }

    /// As Ctrl-C does.
    fn end(mut self) -> Option<i32> {
        send(&self.child, Signal::INT);
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended, or is to end now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn qemu_reads_a_disk_that_is_served() {
    let Some(place) = Place::with_qemu("qemu_reads_a_disk_that_is_served") else {
        return;
    };
    place.mixed("raw", "disk.raw", "");
    place.qemu_img(&["convert", "-c", "-O", "qcow2", "disk.raw", "disk.qcow2"]);
    let before = sha256sum(&place.path("disk.qcow2"));
    let server = Serving::new(&place, &["disk.qcow2"]);
    assert!(server.address.starts_with("nbd+unix:///?socket="));
    place.qemu_img(&[
        "compare",
        "-f",
        "raw",
        "-F",
        "raw",
        "disk.raw",
        &server.address,
    ]);
    assert_eq!(server.end(), Some(0));
    assert!(!place.path("disk.sock").exists());

    let server = Serving::new(&place, &["--overlay", "disk.qcow2"]);
    place.qemu_io(
        "raw",
        &server.address,
        &["write -P 1 7M 64k", "read -P 1 7M 64k"],
    );
    assert_eq!(server.end(), Some(0));
    assert_eq!(sha256sum(&place.path("disk.qcow2")), before);
}

#[test]
fn a_socket_that_cannot_be_had_is_said() {
    let place = Place::empty();
    std::fs::write(place.path("disk.raw"), [0; 512]).expect("a file");
    for (socket, says) in [
        ("disk.raw", "give another one"),
        ("no/x.sock", "must exist"),
    ] {
        let output = place.image(&["nbd", "--socket", socket, "disk.raw"]);
        expect_code(&output, 2);
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}

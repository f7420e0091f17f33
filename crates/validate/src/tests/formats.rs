//! Images of formats that QEMU is not trusted with: the machine gets our reading of them.

use std::path::Path;
use std::process::Command;

use detente_evidence::Verdict;
use detente_host::scripted::ScriptedHost;
use detente_machine::{DiskBelow, LaunchSpec};

use super::image::run;
use super::scene::{Nobody, network_seen};
use super::whole::{Scene, files, obedient};
use crate::validate;

/// The socket of the machine's only disk, which rests on so many files.
#[track_caller]
fn socket(spec: &LaunchSpec, count: usize) -> &Path {
    match &spec.disks[0].below {
        DiskBelow::Nbd { socket, files } => {
            assert_eq!(files.len(), count, "{files:?}");
            socket
        }
        DiskBelow::Files(files) => panic!("QEMU is to read {files:?}"),
    }
}

/// What QEMU reads of a converted disk at the socket is what it read of the disk before.
#[track_caller]
fn check(test: &str, format: &'static str, options: &str, count: usize) {
    let Some(mut scene) = Scene::new(test, Some(&detente_samples::initramfs())) else {
        return;
    };
    let raw = scene.image.clone();
    scene.image = scene.place.path().join("converted");
    let mut convert = Command::new("qemu-img");
    convert.args(["convert", "-f", "raw", "-O", format, "-o", options]);
    run(convert
        .args([&raw, &scene.image])
        .current_dir(scene.place.path()));
    let host = ScriptedHost::new(move |spec| {
        let uri = format!("nbd+unix:///?socket={}", socket(spec, count).display());
        let mut compare = Command::new("qemu-img");
        compare.args(["compare", "-f", "raw", "-F", "raw"]);
        run(compare.arg(&raw).arg(uri));
        obedient(spec).script()
    });
    let host = host.with_network_seen(network_seen());
    let done = validate(scene.request(&host), &mut Nobody).unwrap();
    assert_eq!(
        done.verdict,
        Verdict::Passed,
        "{:#?}",
        done.profiles[0].cases
    );
    assert_eq!(done.images[0].format, format);
    let left = files(&scene.out(), "");
    assert!(!left.iter().any(|name| name.contains(".nbd")), "{left:?}");
}

#[test]
fn a_vhdx_reaches_the_machine_as_we_read_it() {
    let test = "a_vhdx_reaches_the_machine_as_we_read_it";
    check(test, "vhdx", "subformat=dynamic", 1);
    check(test, "vhdx", "subformat=fixed", 1);
}

#[test]
fn a_vhd_reaches_the_machine_as_we_read_it() {
    let test = "a_vhd_reaches_the_machine_as_we_read_it";
    check(test, "vpc", "subformat=dynamic,force_size=on", 1);
    check(test, "vpc", "subformat=fixed,force_size=on", 1);
}

/// QEMU would open it by the name in the image.
#[test]
fn a_data_file_reaches_the_machine_as_we_read_it() {
    let test = "a_data_file_reaches_the_machine_as_we_read_it";
    check(test, "qcow2", "data_file=converted.data", 2);
}

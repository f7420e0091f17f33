//! Archives made on the spot by dracut and initramfs-tools, against what their own tools list.
#![expect(
    clippy::print_stderr,
    reason = "a test that cannot run says so where the runner looks"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend};

use super::{image, names, reader};
use crate::facts::{Generator, InitramfsImage, Place, Scope, VolumeId};

/// The release of an installed kernel, and whether these programs are there.
fn ready(test: &str, programs: &[&str]) -> Option<String> {
    let is_there = |name: &&str| Path::new(name).exists();
    let kernels = std::fs::read_dir("/lib/modules").ok();
    let names = kernels.into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name().into_string().unwrap());
    let kernel = names.find(|name| Path::new(&format!("/lib/modules/{name}/modules.dep")).exists());
    if kernel.is_none() || !programs.iter().all(is_there) {
        eprintln!("skipped: {test}: needs {programs:?} and the modules of a kernel");
        return None;
    }
    kernel
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What is in a file, twice: several archives are read at once.
fn contents(path: &Path) -> InitramfsImage {
    let bytes = std::fs::read(path).unwrap();
    let place = |number| Place {
        volume: VolumeId::new(0, number),
        path: "/boot/initrd.img".to_owned(),
    };
    let mut images: Vec<InitramfsImage> = (1..=3)
        .map(|number| image(place(number), names::role("/boot/initrd.img")))
        .collect();
    let disk: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(bytes));
    reader::fill(
        &mut images,
        vec![Arc::clone(&disk), Arc::clone(&disk), disk],
    );
    let first = images.remove(0);
    assert!(images.iter().all(|other| other.contents == first.contents));
    assert_eq!(first.damage, None);
    first
}

/// The modules that lsinitramfs lists, by name, as the kernel spells them.
fn listed(path: &Path) -> Vec<String> {
    let list = run(Command::new("lsinitramfs").arg(path));
    let name = |line: &str| {
        let file = line.rsplit('/').next()?;
        let (name, _) = file.split_once(".ko")?;
        Some(name.replace('-', "_"))
    };
    let mut all: Vec<String> = list.lines().filter_map(name).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn what_initramfs_tools_packs_is_found() {
    let test = "what_initramfs_tools_packs_is_found";
    let programs = ["/usr/sbin/mkinitramfs", "/usr/bin/lsinitramfs"];
    let Some(kernel) = ready(test, &programs) else {
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let conf = work.path().join("conf");
    for folder in ["conf.d", "hooks", "scripts"] {
        std::fs::create_dir_all(conf.join(folder)).unwrap();
    }
    std::fs::write(conf.join("initramfs.conf"), "MODULES=dep\nCOMPRESS=gzip\n").unwrap();
    std::fs::write(conf.join("conf.d/policy"), "MODULES=list\n").unwrap();
    std::fs::write(conf.join("modules"), "hv_storvsc\nvirtio_blk\n").unwrap();
    let out = work.path().join("initrd.img");
    run(Command::new("/usr/sbin/mkinitramfs")
        .arg("-d")
        .arg(&conf)
        .arg("-o")
        .arg(&out)
        .arg(&kernel));
    let found = contents(&out).contents.unwrap();
    assert_eq!(found.generator, Generator::InitramfsTools);
    assert_eq!(found.scope, Scope::Unknown);
    assert_eq!(
        found.scope_evidence.as_deref(),
        Some("conf/conf.d/policy: MODULES=list")
    );
    assert_eq!(found.modules, listed(&out));
    assert!(found.holds("hv_storvsc") && found.holds("hv_vmbus") && found.holds("virtio_blk"));
    assert!(
        found.loads.contains(&"hv_storvsc".to_owned()),
        "{:?}",
        found.loads
    );
    assert_eq!(found.releases, [kernel]);
}

#[test]
fn what_dracut_packs_is_found() {
    let test = "what_dracut_packs_is_found";
    let programs = ["/usr/bin/dracut", "/usr/bin/lsinitramfs"];
    let Some(kernel) = ready(test, &programs) else {
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("initramfs.img");
    run(Command::new("/usr/bin/dracut")
        .args(["--force", "--quiet", "--zstd", "--no-hostonly"])
        .args(["--modules", "base kernel-modules"])
        .args(["--drivers", "hv_storvsc virtio_blk"])
        .arg("--tmpdir")
        .arg(work.path())
        .arg(&out)
        .arg(&kernel));
    let found = contents(&out).contents.unwrap();
    assert_eq!(
        (found.generator, found.scope),
        (Generator::Dracut, Scope::Generic)
    );
    assert!(found.generator_version.is_some());
    assert_eq!(found.modules, listed(&out));
    assert!(found.holds("hv_storvsc") && found.holds("virtio_blk"));
    assert!(
        found.parts.contains(&"base".to_owned()),
        "{:?}",
        found.parts
    );
    assert_eq!(found.releases, [kernel]);
}

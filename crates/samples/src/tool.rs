//! The tools that make file systems and partition tables.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where distributions put what only root needs, and `PATH` may lack.
const SYSTEM: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Whether ext4 file systems can be made here; if not, `test` is said to be skipped.
#[must_use]
pub fn can_make_ext4(test: &str) -> bool {
    can_use(test, &["mke2fs"])
}

/// Whether whole disks can be made here; if not, `test` is said to be skipped.
#[must_use]
pub fn can_make_disks(test: &str) -> bool {
    can_use(test, &["mke2fs", "sfdisk"])
}

/// Whether whole disks with an EFI system partition can be made here; if not, `test` is said to
/// be skipped.
#[must_use]
pub fn can_make_uefi_disks(test: &str) -> bool {
    can_use(test, &["mke2fs", "sfdisk", "mformat", "mmd", "mcopy"])
}

/// Whether all of these tools are here; if not, `test` is said to be skipped.
#[must_use]
pub fn can_use(test: &str, tools: &[&str]) -> bool {
    let missing = tools.iter().find(|tool| find(tool).is_none());
    if let Some(tool) = missing {
        eprintln!("skipped: {test}: {tool} is not there");
    }
    missing.is_none()
}

/// A call of a tool, which must be there.
#[must_use]
pub fn tool(name: &str) -> Command {
    Command::new(find(name).unwrap())
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM.map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|program: &PathBuf| Path::is_file(program))
}

/// Runs a tool, which must succeed.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

//! What the name of an initramfs file says.

use crate::facts::{InitramfsRole, Kernel};

/// What comes before a release, the longest first.
const PREFIXES: [&str; 6] = [
    "initramfs.img-",
    "initrd.img-",
    "initramfs-",
    "kdump-initrd-",
    "initrd-",
    "booster-",
];
/// What may come behind it.
const SUFFIXES: [&str; 12] = [
    ".img",
    ".gz",
    ".xz",
    ".zst",
    ".cpio",
    "-kdump",
    "kdump",
    "-fallback",
    ".bak",
    ".old",
    ".orig",
    ".dpkg-bak",
];

/// The text behind the last `/`.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file of this name in `/boot` is an initramfs.
pub(super) fn is_initramfs(name: &str) -> bool {
    let starts = ["initrd", "initramfs", "booster-", "kdump-initrd"]
        .iter()
        .any(|start| name.starts_with(start));
    starts || is_microcode(name)
}

fn is_microcode(name: &str) -> bool {
    (name.contains("ucode") || name.contains("microcode")) && !name.ends_with(".conf")
}

pub(super) fn role(path: &str) -> InitramfsRole {
    let name = last(path);
    let backup = [".bak", ".old", ".orig", "~", ".pre-v2v"];
    if is_microcode(name) {
        InitramfsRole::Microcode
    } else if backup.iter().any(|end| name.ends_with(end)) || name.contains(".dpkg-") {
        InitramfsRole::Backup
    } else if path.contains("kdump") {
        InitramfsRole::Kdump
    } else if name.contains("0-rescue-") || name.contains("-fallback") {
        InitramfsRole::Rescue
    } else {
        InitramfsRole::Boot
    }
}

/// The kernel whose release, or whose image's name, is in the name of an initramfs.
pub(super) fn kernel_of(path: &str, kernels: &[Kernel]) -> Option<String> {
    let name = last(path);
    let mut rest = PREFIXES.iter().find_map(|start| name.strip_prefix(start))?;
    loop {
        if let Some(kernel) = kernels.iter().find(|kernel| is_named(kernel, rest)) {
            return Some(kernel.release.clone());
        }
        let shorter = SUFFIXES.iter().find_map(|end| rest.strip_suffix(end));
        rest = shorter.filter(|shorter| !shorter.is_empty())?;
    }
}

/// `6.1.0-28-amd64`; or `linux` for Arch's `vmlinuz-linux`, `lts` for Alpine's `vmlinuz-lts`.
fn is_named(kernel: &Kernel, text: &str) -> bool {
    let image = kernel.image.as_ref().map(|place| last(&place.path));
    let flavour = image
        .and_then(|image| image.split_once('-'))
        .map(|(_, rest)| rest);
    kernel.release == text || flavour == Some(text)
}

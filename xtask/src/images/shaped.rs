//! Guests with the shape of other distributions: trees to be looked into, made of Debian's kernel
//! and modules under other names, with what an inspection must find in them.
//!
//! The recipe writes what it put in (or what an independent tool says of it) into a folder: a file
//! `NAME` holds a value, `NAME.list` one value a line, a folder groups. [`publish_expected`] makes
//! `GUEST.expected.json` of that, beside the image, and `GUEST.sha256`, the digest of each file.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};

use super::guest::{Device, Guest, Kind};
use super::{Workshop, disk, publish};
use crate::tool::{self, Tool};

/// Why this guest cannot be built here, if so.
pub(crate) fn missing(guest: &Guest) -> Option<String> {
    let needs = match guest.kind {
        Kind::Shaped { needs } | Kind::Prepare { needs } => needs,
        Kind::Server { .. } | Kind::Hostile => return None,
    };
    if let Some(name) = needs.tools.iter().find(|name| !tool::exists(name)) {
        return Some(format!("{name} is not there (scripts/bootstrap images)"));
    }
    let device = needs.device?;
    if !disk::is_root() {
        return Some("needs root, for a loop device".to_owned());
    }
    if Tool::new("losetup").arg("--find").capture().is_err() {
        return Some("needs a loop device".to_owned());
    }
    let mounted = match device {
        Device::Lvm => return None,
        Device::Btrfs => "btrfs",
        Device::Xfs => "xfs",
    };
    let systems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let has_it = systems.split_whitespace().any(|name| name == mounted);
    (!has_it).then(|| format!("needs a kernel with {mounted}, which fills its disk"))
}

/// Partitions a shaped guest's disk and fills it.
pub(crate) fn fill(rootfs: &Path, work: &Path, raw: &Path, guest: &Guest) -> anyhow::Result<()> {
    let expected = work.join("expected");
    fs::create_dir(&expected).context("cannot create a folder")?;
    let shaped = Workshop::recipes().join("shaped");
    disk::namespaced(&["--mount", "--pid", "--fork", "--net"])
        .args(["--propagation", "unchanged", "sh"])
        .arg(shaped.join(format!("{}.sh", guest.name)))
        .env("SHAPED", &shaped)
        .env("ROOTFS", rootfs)
        .env("WORK", work)
        .env("DISK", raw)
        .env("EXPECTED", &expected)
        .env("NAME", guest.name)
        .env("ID", guest.id)
        .run_quietly("")
}

/// Puts what an inspection must find beside the image.
pub(crate) fn publish_expected(
    workshop: &Workshop,
    work: &Path,
    guest: &Guest,
) -> anyhow::Result<()> {
    publish_values(workshop, work, guest)?;
    let partial = workshop.path("expected.partial");
    // It may be the namespace's root that wrote it: copied, it is ours.
    fs::copy(work.join("expected.sha256"), &partial).context("cannot copy the digests")?;
    publish(&partial, &workshop.path(&format!("{}.sha256", guest.name)))
}

/// The values alone, without the files' digests.
pub(crate) fn publish_values(
    workshop: &Workshop,
    work: &Path,
    guest: &Guest,
) -> anyhow::Result<()> {
    let expected = group(&work.join("expected"))?;
    let partial = workshop.path("expected.partial");
    fs::write(&partial, serde_json::to_string_pretty(&expected)? + "\n")
        .context("cannot write the expected values")?;
    let name = format!("{}.expected.json", guest.name);
    publish(&partial, &workshop.path(&name))
}

/// A folder of values as an object.
fn group(folder: &Path) -> anyhow::Result<Value> {
    let mut values = Map::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (name, value) = if path.is_dir() {
            (name.as_ref(), group(&path)?)
        } else {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            match name.strip_suffix(".list") {
                Some(name) => (name, text.lines().map(Value::from).collect()),
                None => (name.as_ref(), Value::from(text.trim_end_matches('\n'))),
            }
        };
        values.insert(name.to_owned(), value);
    }
    Ok(Value::Object(values))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::guest::GUESTS;
    use super::*;

    #[test]
    fn a_folder_of_values_is_an_object() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("initramfs")).unwrap();
        fs::write(folder.path().join("os_id"), "rhel\n").unwrap();
        fs::write(folder.path().join("initramfs/a.img.list"), "ahci\nxfs\n").unwrap();
        let expected = serde_json::json!({
            "os_id": "rhel",
            "initramfs": { "a.img": ["ahci", "xfs"] },
        });
        assert_eq!(group(folder.path()).unwrap(), expected);
    }

    #[test]
    fn every_shaped_guest_has_a_recipe() {
        let shaped = GUESTS
            .iter()
            .filter(|guest| matches!(guest.kind, Kind::Shaped { .. }));
        for guest in shaped {
            let recipe = format!("shaped/{}.sh", guest.name);
            assert!(Workshop::recipes().join(recipe).is_file(), "{}", guest.name);
        }
    }
}

//! Real servers for `detente prepare` to be tried on, each grown up on one side's hardware: made when
//! asked for only (`cargo xtask images prepare`, or by name).
//!
//! Each has a recipe of its own (`recipes/prepare/NAME.sh`) which says what is wrong with the guest;
//! what an inspection must find is put beside the image, as a shaped guest's is.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::guest::{Device, Guest, Kind, Needs};
use super::manifest::Manifest;
use super::{Workshop, disk, key, publish};
use crate::say::say;

/// What stands for all of them on the command line.
pub(crate) const ALL: &str = "prepare";

/// The one that starts on no hardware of ours.
pub(crate) const NOTHING: &str = "debian12-nothing";

/// The packages that they need beyond the shared root tree, and what the fetching is recorded as.
const PACKAGES: &str = "prepare-packages";
/// The file in that folder which says that it is whole.
const WITNESS: &str = "whole";

/// Every one of them, in the order in which they are built.
pub(crate) const GUESTS: &[Guest] = &[
    Guest {
        name: "debian12-lvm-xfs",
        about: "Debian 12, XFS in LVM, BLS, host-only dracut, NetworkManager; KVM's drivers",
        kind: Kind::Prepare {
            needs: Needs {
                tools: &["lvm", "losetup", "mkfs.xfs", "mkswap"],
                device: Some(Device::Xfs),
            },
        },
        id: "31",
    },
    Guest {
        name: "debian12-btrfs",
        about: "Debian 12, btrfs, two kernels, initramfs-tools MODULES=dep, netplan; KVM's drivers",
        kind: Kind::Prepare {
            needs: Needs {
                tools: &["mkfs.btrfs", "btrfs", "losetup"],
                device: Some(Device::Btrfs),
            },
        },
        id: "32",
    },
    Guest {
        name: "debian12-selinux-kvm-only",
        about: "Debian 12, SELinux enforcing, initramfs-tools MODULES=list, ifupdown; KVM's drivers",
        kind: Kind::Prepare { needs: NO_MORE },
        id: "33",
    },
    Guest {
        name: NOTHING,
        about: "Debian 12, no driver of any disk in the initramfs, systemd-networkd; starts nowhere",
        kind: Kind::Prepare { needs: NO_MORE },
        id: "34",
    },
];

const NO_MORE: Needs = Needs {
    tools: &[],
    device: None,
};

/// The folder of packages, fetched if one of the lists changed.
pub(crate) fn fetch(
    workshop: &Workshop,
    manifest: &mut Manifest,
    rootfs: &Path,
) -> anyhow::Result<PathBuf> {
    let key = key::prepare_packages()?;
    let folder = workshop.path(PACKAGES);
    let witness = folder.join(WITNESS);
    if manifest.is_current(PACKAGES, &key, &witness) {
        return Ok(folder);
    }
    say("fetching the packages of the guests for prepare");
    let work = workshop.empty_folder("work")?;
    let out = work.join("packages");
    fs::create_dir(&out).context("cannot create a folder")?;
    disk::namespaced(&["--mount"])
        .arg("sh")
        .arg(recipes().join("fetch.sh"))
        .env("PREPARE", recipes())
        .env("ROOTFS", rootfs)
        .env("WORK", &work)
        .env("DEBS", &out)
        .run_quietly("")?;
    fs::write(out.join(WITNESS), "").context("cannot write a file")?;
    if folder.exists() {
        disk::remove_tree(&folder)?;
    }
    publish(&out, &folder)?;
    disk::remove_tree(&work)?;
    manifest.record(PACKAGES, &key, &witness)?;
    Ok(folder)
}

/// Partitions a guest's disk and fills it.
pub(crate) fn fill(
    rootfs: &Path,
    packages: &Path,
    work: &Path,
    raw: &Path,
    guest: &Guest,
) -> anyhow::Result<()> {
    let expected = work.join("expected");
    fs::create_dir(&expected).context("cannot create a folder")?;
    disk::namespaced(&["--mount", "--pid", "--fork", "--net"])
        .args(["--propagation", "unchanged", "sh"])
        .arg(recipes().join(format!("{}.sh", guest.name)))
        .env("PREPARE", recipes())
        .env("RECIPES", Workshop::recipes())
        .env("ROOTFS", rootfs)
        .env("DEBS", packages)
        .env("WORK", work)
        .env("DISK", raw)
        .env("EXPECTED", &expected)
        .env("NAME", guest.name)
        .env("ID", guest.id)
        .run_quietly("")
}

fn recipes() -> PathBuf {
    Workshop::recipes().join("prepare")
}

#[cfg(test)]
mod tests {
    use super::{GUESTS, recipes};

    #[test]
    fn every_guest_has_a_recipe_and_a_list_of_packages() {
        for guest in GUESTS {
            assert!(recipes().join(format!("{}.sh", guest.name)).is_file());
            assert!(recipes().join(guest.name).join("packages").is_file());
        }
    }
}

//! A guest's disk: its partitions, its contents, its final format.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

use super::Workshop;
use super::guest::{Guest, Kind, Variant};
use crate::tool::Tool;

const MIB: u64 = 1 << 20;
/// Where the first partition starts, as every partitioning tool has it.
const FIRST_MIB: u64 = 1;
/// The size of an EFI system partition.
pub(crate) const ESP_MIB: u64 = 128;
/// The sizes of a server's and a hostile guest's disk.
pub(crate) const SIZES: [u64; 2] = [4096, 48];

/// What is where on a guest's disk, in MiB.
struct Layout {
    disk: u64,
    esp: Option<u64>,
    root_start: u64,
    root: u64,
}

fn layout(guest: &Guest) -> Layout {
    let [server, hostile] = SIZES;
    let (disk, esp) = match guest.kind {
        Kind::Server { .. } => (server, Some(FIRST_MIB)),
        // A recipe of its own makes its own partitions.
        Kind::Hostile | Kind::Shaped { .. } | Kind::Prepare { .. } => (hostile, None),
    };
    let root_start = esp.map_or(FIRST_MIB, |start| start + ESP_MIB);
    // The last MiB is the second copy of the partition table.
    Layout {
        disk,
        esp,
        root_start,
        root: disk - root_start - 1,
    }
}

/// Makes an empty disk with a partition table.
pub(crate) fn partition(raw: &Path, guest: &Guest) -> anyhow::Result<()> {
    let layout = layout(guest);
    let file = File::create(raw).with_context(|| format!("cannot create {}", raw.display()))?;
    file.set_len(layout.disk * MIB)
        .with_context(|| format!("cannot size {}", raw.display()))?;
    drop(file);
    Tool::new("sfdisk")
        .args(["--quiet", "--no-reread", "--no-tell-kernel"])
        .arg(raw)
        .run_quietly(&table(guest, &layout))
}

/// The partition table in the words of sfdisk. The types are those of the
/// Discoverable Partitions Specification: ESP, and root for x86-64.
fn table(guest: &Guest, layout: &Layout) -> String {
    let mut lines = vec![
        "label: gpt".to_owned(),
        format!("label-id: {}", guest.disk_uuid()),
    ];
    if let Some(start) = layout.esp {
        lines.push(format!(
            "start={start}MiB, size={ESP_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid={}, name=\"ESP\"",
            guest.esp_partuuid()
        ));
    }
    lines.push(format!(
        "start={}MiB, size={}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid={}, name=\"root\"",
        layout.root_start,
        layout.root,
        guest.root_partuuid()
    ));
    lines.join("\n") + "\n"
}

/// Fills a server's disk from the shared root tree.
pub(crate) fn fill_server(
    rootfs: &Path,
    work: &Path,
    raw: &Path,
    guest: &Guest,
    variant: Variant,
) -> anyhow::Result<()> {
    let layout = layout(guest);
    script("guest.sh", rootfs, work, raw, guest)
        .env("VARIANT", variant.name())
        .env("DETENTE_ROOT_PARTUUID", guest.root_partuuid())
        .env("ESP_UUID", guest.esp_uuid())
        .env("ESP_START_MIB", FIRST_MIB.to_string())
        .env("ESP_MIB", ESP_MIB.to_string())
        .env("ROOT_START_MIB", layout.root_start.to_string())
        .env("ROOT_MIB", layout.root.to_string())
        .run_quietly("")
}

/// A script of the recipes, with what every one of them is told.
pub(crate) fn script(name: &str, rootfs: &Path, work: &Path, raw: &Path, guest: &Guest) -> Tool {
    let layout = layout(guest);
    namespaced(&["--mount", "--pid", "--fork", "--net"])
        // In a chroot "/" is no mount point and cannot be made private;
        // the script does so where it can.
        .args(["--propagation", "unchanged"])
        .arg(Workshop::recipes().join(name))
        .env("ROOTFS", rootfs)
        .env("RECIPES", Workshop::recipes())
        .env("WORK", work)
        .env("DISK", raw)
        .env("DETENTE_ROOT_UUID", guest.root_uuid())
        .env("ROOT_START_MIB", layout.root_start.to_string())
        .env("ROOT_MIB", layout.root.to_string())
}

/// A program that is root of its own tree only: as root in its own namespaces,
/// else in a user namespace besides.
pub(crate) fn namespaced(namespaces: &[&str]) -> Tool {
    let tool = Tool::new("unshare").args(namespaces);
    if is_root() {
        tool
    } else {
        tool.args(["--map-auto", "--map-root-user"])
    }
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Removes a folder of ours, files of other owners of a user namespace included.
pub(crate) fn remove_tree(folder: &Path) -> anyhow::Result<()> {
    namespaced(&[])
        .args(["rm", "-rf", "--one-file-system", "--"])
        .arg(folder)
        .run_quietly("")
}

/// Makes the final, sparse image: of what is kept beside many others, a compressed one.
pub(crate) fn convert(raw: &Path, image: &Path, kind: Kind) -> anyhow::Result<()> {
    let options: &[&str] = match kind {
        Kind::Prepare { .. } => &["-c", "-o", "compression_type=zstd"],
        Kind::Server { .. } | Kind::Hostile | Kind::Shaped { .. } => &[],
    };
    Tool::new("qemu-img")
        .args(["convert", "-f", "raw", "-O", "qcow2"])
        .args(options)
        .arg(raw)
        .arg(image)
        .run_quietly("")
}

#[cfg(test)]
mod tests {
    use super::super::guest::GUESTS;

    #[test]
    fn partitions_do_not_overlap_and_leave_room_for_the_second_table() {
        for guest in GUESTS {
            let layout = super::layout(guest);
            assert!(
                layout.root_start + layout.root < layout.disk,
                "{}",
                guest.name
            );
            assert!(
                layout
                    .esp
                    .is_none_or(|start| start + super::ESP_MIB <= layout.root_start),
                "{}",
                guest.name
            );
        }
    }
}

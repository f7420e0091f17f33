//! Does to bytes whatever can be done to a disk, within limits. For the hostile tests and fuzzing.

use std::sync::Arc;

use detente_block::{BlockRead, Window};

use crate::{
    Btrfs, Content, FileKind, FileSystem, Volume, assemble, ext4_state, iso_state, lvm2, open,
    open_xfs, survey,
};

/// How many directories are listed, and files read.
const MAX_STEPS: u32 = 400;
/// How much of a file is read.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// How many volumes are opened.
const MAX_VOLUMES: usize = 16;
/// What marks bytes that are LVM's text alone: a comment.
const METADATA: &[u8] = b"# LVM2 metadata";
/// How much of such a text is read.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// Scans a disk, opens each volume, walks and reads everything. Errors are fine; a panic, a hang or
/// a bomb is not.
pub fn exercise(disk: &Arc<dyn BlockRead>) {
    let Ok(survey) = survey(disk) else { return };
    for volume in survey.volumes.iter().take(MAX_VOLUMES) {
        exercise_volume(volume);
    }
    exercise_assembly(&survey.volumes);
    exercise_metadata(disk);
}

fn exercise_assembly(volumes: &[Volume]) {
    let Ok(assembly) = assemble(volumes) else {
        return;
    };
    for device in assembly.devices.iter().take(MAX_VOLUMES) {
        let Ok(survey) = &device.content else {
            continue;
        };
        for volume in survey.volumes.iter().take(MAX_VOLUMES) {
            exercise_volume(volume);
        }
    }
}

fn exercise_metadata(disk: &Arc<dyn BlockRead>) {
    let mut mark = [0; METADATA.len()];
    if disk.read_exact_at(0, &mut mark).is_err() || mark != METADATA {
        return;
    }
    let len = usize::try_from(disk.len_bytes().min(MAX_TEXT_BYTES)).unwrap_or(0);
    let mut text = vec![0; len];
    if disk.read_exact_at(0, &mut text).is_err() {
        return;
    }
    let Ok(window) = Window::new(disk.clone(), 0, disk.len_bytes()) else {
        return;
    };
    for volume in lvm2::exercise(&String::from_utf8_lossy(&text), &window) {
        if let Ok(device) = volume.device {
            let last = device.len_bytes().saturating_sub(1);
            let _ = device.read_exact_at(last, &mut [0; 1]);
            let _ = device.next_extent(0);
            let _ = survey(&device);
        }
    }
}

fn exercise_volume(volume: &Volume) {
    let _ = ext4_state(&volume.window);
    let _ = iso_state(&volume.window);
    match volume.content {
        Content::Btrfs { .. } => exercise_btrfs(&volume.window),
        // Any other volume may yet open as one.
        Content::Xfs { .. } | Content::Unknown => {
            if let Ok((fs, _)) = open_xfs(&volume.window) {
                walk(fs.as_ref());
            }
        }
        Content::Ext4 { .. }
        | Content::Fat { .. }
        | Content::Iso { .. }
        | Content::Luks { .. }
        | Content::Other { .. } => {
            if let Ok(fs) = open(volume) {
                walk(fs.as_ref());
            }
        }
    }
}

/// The subvolumes that it names, and those that it may not.
fn exercise_btrfs(window: &Window) {
    let Ok(found) = Btrfs::open(std::slice::from_ref(window)) else {
        return;
    };
    let listed = found.subvolumes().unwrap_or_default();
    let listed = listed.iter().map(|subvolume| subvolume.id).take(4);
    for id in listed.chain([found.default_subvolume(), 5]) {
        if let Ok(fs) = found.open_subvolume(id) {
            walk(fs.as_ref());
        }
    }
}

fn walk(fs: &dyn FileSystem) {
    let mut ahead = vec!["/".to_owned()];
    let mut steps = 0_u32;
    while let Some(path) = ahead.pop() {
        let Ok(entries) = fs.read_dir(&path) else {
            continue;
        };
        for entry in entries {
            steps = steps.saturating_add(1);
            if steps > MAX_STEPS {
                return;
            }
            let child = format!("{}/{}", path.trim_end_matches('/'), entry.name);
            let _ = fs.metadata(&child);
            match entry.kind {
                FileKind::Directory if child.len() < 512 => ahead.push(child),
                FileKind::Symlink => drop(fs.read_link(&child)),
                FileKind::File => read_file(fs, &child),
                FileKind::Directory | FileKind::Special => {}
            }
        }
    }
}

/// The start, the end, and what the file says of its extents.
fn read_file(fs: &dyn FileSystem, path: &str) {
    let _ = fs.read(path, MAX_FILE_BYTES);
    let Ok(file) = fs.open(path) else { return };
    let last = file.len_bytes().saturating_sub(1);
    let _ = file.read_exact_at(last, &mut [0; 1]);
    let mut offset = 0;
    for _ in 0..64 {
        let Ok(extent) = file.next_extent(offset) else {
            return;
        };
        assert!(
            extent.len > 0 && extent.offset == offset,
            "an extent that does not go on"
        );
        offset = offset.saturating_add(extent.len);
    }
}

//! How a root was left, read through a real overlay.

use std::path::{Path, PathBuf};
use std::process::Command;

use detente_disk::{Format, OverlaySpec, empty_overlay};
use detente_samples::initramfs;

use super::image::{FEATURES, disk, needs_recovery, run};
use crate::root_state::root_is_clean;

/// A clean root below an empty overlay.
struct Made {
    place: tempfile::TempDir,
    base: PathBuf,
    overlay: PathBuf,
}

fn made(test: &str) -> Option<Made> {
    let place = tempfile::tempdir().unwrap();
    let base = disk(test, place.path(), Some(&initramfs()))?;
    let overlay = place.path().join("disk0.overlay");
    let bytes = empty_overlay(&OverlaySpec {
        virtual_size: std::fs::metadata(&base).unwrap().len(),
        backing_path: base.to_string_lossy().into_owned(),
        backing_format: Format::Raw,
    });
    std::fs::write(&overlay, bytes.unwrap()).unwrap();
    Some(Made {
        place,
        base,
        overlay,
    })
}

#[test]
fn a_root_that_nobody_used_is_clean() {
    let Some(made) = made("a_root_that_nobody_used_is_clean") else {
        return;
    };
    let chain = [made.base.clone()];
    assert_eq!(root_is_clean(&made.overlay, &chain, 1), Some(true));
    needs_recovery(&made.base);
    assert_eq!(root_is_clean(&made.overlay, &chain, 1), Some(false));
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
fn what_the_guest_wrote_into_the_overlay_counts() {
    let test = "what_the_guest_wrote_into_the_overlay_counts";
    if Command::new("qemu-io").arg("--version").output().is_err() {
        eprintln!("skipped: {test}: qemu-io is not there");
        return;
    }
    let Some(made) = made(test) else {
        return;
    };
    // 0xc6 is what mke2fs sets (file types, extents, 64 bits, flexible groups: 0x2c2) and the mark.
    let write = format!("write -P 0xc6 {FEATURES} 1");
    run(Command::new("qemu-io")
        .args(["-f", "qcow2", "-c", &write])
        .arg(&made.overlay));
    let chain = [made.base.clone()];
    assert_eq!(root_is_clean(&made.overlay, &chain, 1), Some(false));
}

#[test]
fn what_cannot_be_read_is_not_called_clean() {
    let Some(made) = made("what_cannot_be_read_is_not_called_clean") else {
        return;
    };
    let chain = [made.base.clone()];
    let state =
        |overlay: &Path, chain: &[PathBuf], partition| root_is_clean(overlay, chain, partition);
    assert_eq!(state(&made.overlay, &chain, 2), None, "no such partition");
    assert_eq!(state(&made.overlay, &[], 1), None, "a file of no chain");
    let absent = made.place.path().join("absent");
    assert_eq!(state(&absent, &chain, 1), None);
}

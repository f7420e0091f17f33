//! A preparation that is killed leaves the source as it was and nothing that looks finished. The
//! random moments of a whole one are the long tests' business.

mod support;

use std::time::Duration;

use support::image;
use support::killed::Place;

/// Between the folder, the machine's start and its user space.
const MOMENTS_MS: [u64; 3] = [0, 4_000, 15_000];

#[test]
fn three_kills_leave_no_machine_no_disk_and_no_change() {
    let test = "three_kills_leave_no_machine_no_disk_and_no_change";
    let Some(image) = image(test, "debian12-spoiled.qcow2") else {
        return;
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let place = Place::new(folder.path(), &image);
    for moment in MOMENTS_MS {
        place.kill_after(Duration::from_millis(moment));
    }
}

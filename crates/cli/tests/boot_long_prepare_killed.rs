//! A preparation that is killed at random moments, from its beginning to its end.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says when it killed"
)]

mod support;

use std::time::Instant;

use support::image;
use support::killed::Place;

/// How many kills, and what the moments are drawn from: set either to see it again.
const KILLS: u32 = 20;
const SEED: u64 = 0x5eed_0006;

#[test]
fn twenty_kills_and_the_next_run_comes_to_its_end() {
    let test = "twenty_kills_and_the_next_run_comes_to_its_end";
    let Some(image) = image(test, "debian12-spoiled.qcow2") else {
        return;
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let place = Place::new(folder.path(), &image);
    let started = Instant::now();
    place.comes_to_its_end();
    let whole = started.elapsed();
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    std::fs::create_dir(folder.path().join("out")).unwrap();
    let mut state = SEED;
    for kill in 0..KILLS {
        let moment = whole.mul_f64(unit(&mut state));
        eprintln!("kill {kill} after {moment:.1?} of {whole:.1?}");
        place.kill_after(moment);
    }
    place.comes_to_its_end();
}

/// The next number between 0 and 1 (splitmix64).
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap();
    f64::from(top) / f64::from(u32::MAX)
}

//! The machine's process is killed inside the lab, at ten random moments.

use std::io::Read as _;
use std::time::Duration;

use detente_host::MachineEvent;
use detente_host::hyperv::Shown;

use crate::guest::{self, End, Variant};
use crate::place::Place;

const KILLS: u32 = 10;

/// Until then a guest has booted, used its disks, and waits.
const LATEST_MS: u16 = 12_000;

#[test]
fn ten_kills_of_the_machine_are_told_and_the_lab_goes_on() {
    let test = "ten_kills_of_the_machine_are_told_and_the_lab_goes_on";
    let Some(place) = Place::find(test) else {
        return;
    };
    if !place.has(test, "tiny-6.1") {
        return;
    }
    let _lab = place.lab_up();
    let variant = Variant {
        kernel: "tiny-6.1",
        processors: 1,
        shown: Shown::default(),
        // It stays until it is told to go, which nobody does.
        full: true,
        end: End::PowerOff,
    };
    for kill in 0..KILLS {
        // The first as soon as it is there: that, too, is a moment.
        let after = if kill == 0 {
            Duration::ZERO
        } else {
            random_moment()
        };
        eprintln!("kill {kill}: after {after:.1?}");
        let work = tempfile::tempdir().unwrap();
        let told = guest::boot_and_kill(&place, &variant, work.path(), after);
        match (&told.failed_to_start, told.events.last()) {
            // So early that nobody had heard of it: an error, too.
            (Some(error), None) => eprintln!("{error}"),
            (None, Some(MachineEvent::Exited { status, .. })) => {
                assert_eq!(status, "killed by signal 9", "{}", told.console);
            }
            (_, last) => panic!("{last:?}"),
        }
        told.disks.check_images();
    }
    // The lab that saw all that still runs a machine as it should.
    let work = tempfile::tempdir().unwrap();
    let told = guest::boot(&place, &variant, work.path());
    crate::check(&variant, &told);
}

fn random_moment() -> Duration {
    let mut bytes = [0; 2];
    let mut source = std::fs::File::open("/dev/urandom").unwrap();
    source.read_exact(&mut bytes).unwrap();
    Duration::from_millis(u64::from(u16::from_ne_bytes(bytes) % LATEST_MS))
}

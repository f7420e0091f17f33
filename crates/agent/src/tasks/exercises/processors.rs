//! Taking processors offline and bringing them back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::{ProcessorCycle, ProcessorsCycled};

use crate::sysfs;
use crate::tasks::Limits;
use crate::tasks::grown::runs_on;

/// Kept back to bring a processor back and to report.
const RESERVE: Duration = Duration::from_secs(5);
/// How long a processor that was brought back may take to be used.
const TO_RUN: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);
const MAX_PROCESSORS: usize = 256;
const MAX_DEVICES: usize = 256;
const MAX_CHANNELS: usize = 1024;

/// Cycles each processor below `root` that the kernel lets go.
pub(super) fn run(root: &Path, limits: &Limits) -> ProcessorsCycled {
    let devices = root.join("sys/devices/system/cpu");
    let online = || sysfs::list(&sysfs::text(devices.join("online")));
    let before = online();
    let present = sysfs::list(&sysfs::text(devices.join("present")));
    let mut cycles = Vec::new();
    for number in present.into_iter().take(MAX_PROCESSORS) {
        let file = devices.join(format!("cpu{number}/online"));
        // The first one mostly has no such file: it cannot go.
        if file.exists() && !limits.left(RESERVE).is_zero() {
            cycles.push(cycle(root, &file, number));
        }
    }
    ProcessorsCycled {
        before,
        cycles,
        after: online(),
    }
}

/// Takes one offline and brings it back.
fn cycle(root: &Path, file: &Path, number: u32) -> ProcessorCycle {
    let is_online = || sysfs::text(file) == "1";
    let mut seen = ProcessorCycle {
        number,
        was_online: is_online(),
        ..ProcessorCycle::default()
    };
    if !seen.was_online {
        return seen;
    }
    let moved = move_channels(root, number);
    seen.channels = u32::try_from(moved.len()).unwrap_or(u32::MAX);
    let went = fs::write(file, "0");
    seen.went = went.is_ok() && !is_online();
    let back = if is_online() {
        Ok(())
    } else {
        fs::write(file, "1")
    };
    seen.came_back = is_online();
    for channel in moved {
        // Where the channel stays is the kernel's business; nothing is lost by it.
        let _ = fs::write(channel, number.to_string());
    }
    seen.ran = seen.came_back && can_be_run_on(number);
    seen.refused = went.err().or(back.err()).as_ref().map(words);
    seen
}

fn words(error: &io::Error) -> String {
    error.to_string()
}

/// Whether the agent itself gets to run on it.
fn can_be_run_on(number: u32) -> bool {
    let begun = Instant::now();
    // A thread: what it is bound to is gone with it.
    let bound = std::thread::spawn(move || {
        loop {
            if runs_on(number) {
                return true;
            }
            if begun.elapsed() > TO_RUN {
                return false;
            }
            sleep(LOOK);
        }
    });
    bound.join().unwrap_or(false)
}

/// Moves the channels of the synthetic bus that are served on a processor to the first one, since
/// the bus lets no processor go that serves one (Linux, Documentation/ABI/stable/sysfs-bus-vmbus).
fn move_channels(root: &Path, number: u32) -> Vec<PathBuf> {
    let devices = root.join("sys/bus/vmbus/devices");
    let mut moved = Vec::new();
    for device in sysfs::names(&devices, MAX_DEVICES) {
        let channels = devices.join(device).join("channels");
        for channel in sysfs::names(&channels, MAX_CHANNELS) {
            let file = channels.join(channel).join("cpu");
            if sysfs::text(&file) == number.to_string() && fs::write(&file, "0").is_ok() {
                moved.push(file);
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_goes_and_comes_and_takes_its_channels_with_it() {
        let place = tempfile::tempdir().unwrap();
        let devices = place.path().join("sys/devices/system/cpu");
        fs::create_dir_all(devices.join("cpu0")).unwrap();
        fs::create_dir_all(devices.join("cpu1")).unwrap();
        fs::write(devices.join("present"), "0-1\n").unwrap();
        fs::write(devices.join("online"), "0-1\n").unwrap();
        fs::write(devices.join("cpu1/online"), "1\n").unwrap();
        let channel = place.path().join("sys/bus/vmbus/devices/a-b/channels/7");
        fs::create_dir_all(&channel).unwrap();
        fs::write(channel.join("cpu"), "1\n").unwrap();
        let limits = Limits {
            end: Instant::now() + Duration::from_secs(60),
            output_bytes: 0,
        };
        let seen = run(place.path(), &limits);
        assert_eq!((seen.before, seen.after), (vec![0, 1], vec![0, 1]));
        let [only] = seen.cycles.as_slice() else {
            panic!("{:?}", seen.cycles);
        };
        assert!(only.was_online && only.went && only.came_back);
        assert_eq!((only.channels, only.refused.as_deref()), (1, None));
        assert_eq!(sysfs::text(channel.join("cpu")), "1");
    }

    #[test]
    fn one_that_is_offline_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("online");
        fs::write(&file, "0\n").unwrap();
        let seen = cycle(place.path(), &file, 3);
        assert_eq!((seen.number, seen.was_online, seen.went), (3, false, false));
        assert_eq!(fs::read_to_string(&file).unwrap(), "0\n");
    }
}

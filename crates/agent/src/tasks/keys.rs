//! Keys, as the kernel's input devices give them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::Keys;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::Limits;
use crate::shelter;
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

/// Linux, include/uapi/linux/input.h on a 64-bit machine: two words of time, type and code of 16
/// bits, a value of 32.
const EVENT_BYTES: usize = 24;

/// Linux, include/uapi/linux/input-event-codes.h.
const EV_KEY: u16 = 1;
const PRESSED: i32 = 1;

/// Devices have major number 13, from 64 on: Documentation/admin-guide/devices.txt.
const MAJOR: u32 = 13;

const MAX_DEVICES: usize = 64;
const MAX_KEYS: usize = 256;
const MAX_PARENTS: usize = 16;
const RESERVE: Duration = Duration::from_secs(1);

/// Listens until enough keys came, or the time is over.
pub(super) fn run(for_ms: u64, enough: u16, limits: &Limits) -> Result<Keys, TaskError> {
    let class = Path::new("/sys/class/input");
    let names = sysfs::names(class, 4 * MAX_DEVICES);
    let mut open = Vec::new();
    let mut seen = Keys {
        keyboards: Vec::new(),
        drivers: Vec::new(),
        pressed: Vec::new(),
    };
    let mut drivers = BTreeSet::new();
    let events = names.iter().filter(|name| name.starts_with("event"));
    for name in events.take(MAX_DEVICES) {
        let place = class.join(name);
        if !has_letters(&place) {
            continue;
        }
        seen.keyboards.push(sysfs::text(place.join("device/name")));
        drivers.extend(drivers_above(&place));
        open.push(listen(name, &place)?);
    }
    seen.drivers = drivers.into_iter().collect();
    let end = Instant::now() + Duration::from_millis(for_ms).min(limits.left(RESERVE));
    while Instant::now() < end && seen.pressed.len() < usize::from(enough) {
        for device in &open {
            read(device, &mut seen.pressed)?;
        }
        sleep(Duration::from_millis(20));
    }
    seen.pressed.truncate(MAX_KEYS);
    Ok(seen)
}

/// Whether a device has the key A: a keyboard, and not a power button. The capability is a bitmap in
/// words of 64 bits, the last one first; A is 30.
fn has_letters(place: &Path) -> bool {
    let bits = sysfs::text(place.join("device/capabilities/key"));
    let last = bits.split_ascii_whitespace().next_back().unwrap_or("0");
    u64::from_str_radix(last, 16).is_ok_and(|word| word & (1 << 30) != 0)
}

fn listen(name: &str, place: &Path) -> Result<OwnedFd, TaskError> {
    let numbers = sysfs::text(place.join("dev"));
    let minor = numbers
        .split_once(':')
        .and_then(|(_, minor)| minor.parse().ok())
        .unwrap_or_default();
    shelter::device(name, MAJOR, minor).doing("make an input device")?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, format!("/dev/{name}"), flags, Mode::empty())
        .doing("open an input device")
}

/// The drivers from the device up.
fn drivers_above(place: &Path) -> Vec<String> {
    let mut drivers = Vec::new();
    let mut folder: PathBuf = std::fs::canonicalize(place).unwrap_or_default();
    for _ in 0..MAX_PARENTS {
        if let Some(driver) = sysfs::link_name(folder.join("driver")) {
            drivers.push(driver.replace('-', "_"));
        }
        if !folder.pop() {
            break;
        }
    }
    drivers
}

fn read(device: &OwnedFd, pressed: &mut Vec<u16>) -> Result<(), TaskError> {
    let mut bytes = [0; EVENT_BYTES * 64];
    loop {
        match rustix::io::read(device, &mut bytes) {
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Ok(count) => pressed.extend(
                bytes
                    .get(..count)
                    .unwrap_or_default()
                    .chunks_exact(EVENT_BYTES)
                    .filter_map(key),
            ),
            Err(Errno::INTR) => {}
            // A keyboard that was taken away says nothing more.
            Err(Errno::NODEV) => return Ok(()),
            Err(error) => return Err(error).doing("read an input device"),
        }
        if pressed.len() > MAX_KEYS {
            return Ok(());
        }
    }
}

/// The code of a key that went down.
fn key(event: &[u8]) -> Option<u16> {
    let [kind_low, kind_high, code_low, code_high, value @ ..] = event.get(16..EVENT_BYTES)? else {
        return None;
    };
    let value = i32::from_le_bytes(value.try_into().ok()?);
    let is_key = u16::from_le_bytes([*kind_low, *kind_high]) == EV_KEY && value == PRESSED;
    is_key.then(|| u16::from_le_bytes([*code_low, *code_high]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut bytes = vec![0; 16];
        bytes.extend(kind.to_le_bytes());
        bytes.extend(code.to_le_bytes());
        bytes.extend(value.to_le_bytes());
        bytes
    }

    #[test]
    fn only_keys_that_go_down_count() {
        assert_eq!(key(&event(EV_KEY, 32, PRESSED)), Some(32));
        assert_eq!(key(&event(EV_KEY, 32, 0)), None);
        assert_eq!(key(&event(EV_KEY, 32, 2)), None);
        assert_eq!(key(&event(4, 4, 1)), None);
        assert_eq!(key(b"torn"), None);
    }

    #[test]
    fn a_power_button_is_no_keyboard() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("device/capabilities");
        std::fs::create_dir_all(&folder).unwrap();
        // As Linux shows them for an ACPI power button and an AT keyboard.
        for (bits, expected) in [
            ("10000000000000 0", false),
            (
                "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe",
                true,
            ),
        ] {
            std::fs::write(folder.join("key"), bits).unwrap();
            assert_eq!(has_letters(place.path()), expected, "{bits}");
        }
    }
}

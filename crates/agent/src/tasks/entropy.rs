//! The hardware random number device.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::Entropy;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::Limits;
use crate::shelter;
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

const MAX_BYTES: u32 = 1 << 20;
const RESERVE: Duration = Duration::from_secs(1);

/// Reads up to `wanted` bytes, as many as come in time.
pub(super) fn run(wanted: u32, limits: &Limits) -> Result<Entropy, TaskError> {
    let class = "/sys/class/misc/hw_random";
    let current = sysfs::text(format!("{class}/rng_current"));
    let available = sysfs::text(format!("{class}/rng_available"));
    let start = Instant::now();
    let got = if matches!(&*current, "" | "none") {
        Vec::new()
    } else {
        read(wanted, limits)?
    };
    let values: BTreeSet<u8> = got.iter().copied().collect();
    Ok(Entropy {
        current: if current.is_empty() {
            "none".to_owned()
        } else {
            current
        },
        available: available.split_whitespace().map(str::to_owned).collect(),
        bytes: u32::try_from(got.len()).unwrap_or(u32::MAX),
        distinct: u32::try_from(values.len()).unwrap_or(u32::MAX),
        elapsed_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn read(wanted: u32, limits: &Limits) -> Result<Vec<u8>, TaskError> {
    // 10, 183: Documentation/admin-guide/devices.txt.
    shelter::device("hwrng", 10, 183).doing("make /dev/hwrng")?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let device =
        rustix::fs::openat(CWD, "/dev/hwrng", flags, Mode::empty()).doing("open /dev/hwrng")?;
    let mut got = vec![0; usize::try_from(wanted.min(MAX_BYTES)).unwrap_or(0)];
    let mut filled = 0_usize;
    while filled < got.len() && !limits.left(RESERVE).is_zero() {
        match rustix::io::read(&device, got.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(bytes) => filled = filled.saturating_add(bytes),
            Err(Errno::AGAIN | Errno::INTR) => sleep(Duration::from_millis(10)),
            Err(error) => return Err(error).doing("read /dev/hwrng"),
        }
    }
    got.truncate(filled);
    Ok(got)
}

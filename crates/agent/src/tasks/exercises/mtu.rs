//! Another MTU, and packets as long as it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use detente_plan::protocol::{MtuChanged, MtuPings};

use crate::sysfs;
use crate::task_error::TaskError;
use crate::tasks::ping::{Sent, unfragmented};
use crate::tasks::{Limits, network};

/// Kept back to give the old MTU back and to report.
const RESERVE: Duration = Duration::from_secs(4);
/// How long a card may take to carry again after its MTU was changed: some reset themselves, and
/// the guest asks for its address again.
const TO_CARRY: Duration = Duration::from_secs(60);
/// Headers of IPv4 without options and of ICMP (RFC 791, RFC 792).
const HEADERS: u32 = 20 + 8;

/// Changes it, pings, and changes it back.
pub(super) fn run(
    mac: &str,
    mtu: u32,
    to: [u8; 4],
    limits: &Limits,
) -> Result<MtuChanged, TaskError> {
    let class = Path::new("/sys/class/net");
    let Some(interface) = network::find(class, mac) else {
        return Ok(MtuChanged::default());
    };
    let file = class.join(&interface).join("mtu");
    let before = read(&file);
    let mut seen = MtuChanged {
        interface,
        before,
        pings_before: pings(to, before, limits)?,
        ..MtuChanged::default()
    };
    let refused = fs::write(&file, mtu.to_string()).err();
    seen.refused = refused.map(|error| error.to_string());
    seen.changed = read(&file);
    // Whatever comes of the pings, the old one is given back first.
    let pinged = if seen.changed == mtu {
        pings(to, mtu, limits)
    } else {
        Ok(MtuPings::default())
    };
    if seen.changed != before {
        // What the kernel says in the end is what we report.
        let _ = fs::write(&file, before.to_string());
    }
    seen.after = read(&file);
    seen.pings_changed = pinged?;
    if seen.changed != before {
        // The card shall carry again before others use it.
        let _ = fits(to, before, limits);
    }
    Ok(seen)
}

fn read(file: &Path) -> u32 {
    sysfs::text(file).parse().unwrap_or(0)
}

fn pings(to: [u8; 4], mtu: u32, limits: &Limits) -> Result<MtuPings, TaskError> {
    let fits = fits(to, mtu, limits)?;
    let longer = unfragmented(to, payload(mtu).saturating_add(1))?;
    Ok(MtuPings {
        fits,
        longer_refused: longer == Sent::TooLong,
    })
}

/// Whether a packet as long as the MTU is answered, sooner or later.
fn fits(to: [u8; 4], mtu: u32, limits: &Limits) -> Result<bool, TaskError> {
    let end = Instant::now() + TO_CARRY.min(limits.left(RESERVE) / 2);
    loop {
        if unfragmented(to, payload(mtu))? == Sent::Answered {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
    }
}

/// What a packet carries that is as long as the MTU.
fn payload(mtu: u32) -> usize {
    usize::try_from(mtu.saturating_sub(HEADERS)).unwrap_or(0)
}

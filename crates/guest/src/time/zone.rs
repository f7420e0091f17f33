//! The time zone, and what the hardware clock keeps.

use detente_volume::FsError;

use crate::facts::{Evidence, HardwareClock, Setting};
use crate::files::Files;
use crate::settings::{is_no, is_yes, lines, shell};

pub(super) fn zones(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let mut zones = Vec::new();
    let path = "/etc/localtime";
    if let Some(target) = files.link(path)?
        && let Some((_, zone)) = target.split_once("zoneinfo/")
    {
        zones.push(Setting::new("localtime", zone, Evidence::path(path)));
    }
    let path = "/etc/timezone";
    let text = files.text(path)?.unwrap_or_default();
    if let Some((number, zone)) = lines(&text, &['#']).next() {
        zones.push(Setting::new("timezone", zone, Evidence::line(path, number)));
    }
    let path = "/etc/sysconfig/clock";
    let settings = shell::parse(path, &files.text(path)?.unwrap_or_default());
    for name in ["ZONE", "TIMEZONE"] {
        let own = shell::last(&settings, name).filter(|own| !own.value.is_empty());
        zones.extend(own.cloned());
    }
    Ok(zones)
}

/// [adjtime(5)] before what the start scripts of older systems are told.
pub(super) fn hardware_clock(files: Files<'_>) -> Result<Option<HardwareClock>, FsError> {
    let path = "/etc/adjtime";
    let text = files.text(path)?.unwrap_or_default();
    if let Some(clock) = adjtime(path, &text) {
        return Ok(Some(clock));
    }
    for path in [
        "/etc/sysconfig/clock",
        "/etc/default/rcS",
        "/etc/conf.d/hwclock",
    ] {
        let settings = shell::parse(path, &files.text(path)?.unwrap_or_default());
        let found = settings.iter().rev().find_map(|own| {
            let local = keeps_local(own)?;
            let at = own.at.clone();
            Some(HardwareClock { local, at })
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The third line says `UTC` or `LOCAL`.
fn adjtime(path: &str, text: &str) -> Option<HardwareClock> {
    let third = text.lines().nth(2)?.trim();
    let local = match third {
        "LOCAL" => true,
        "UTC" => false,
        _ => return None,
    };
    let at = Evidence::line(path, 3);
    Some(HardwareClock { local, at })
}

fn keeps_local(own: &Setting) -> Option<bool> {
    let value = own.value.as_str();
    match own.name.as_str() {
        // RHEL 5 and 6, Debian until 7.
        "UTC" if is_yes(value) => Some(false),
        "UTC" if is_no(value) => Some(true),
        // SUSE.
        "HWCLOCK" if value.contains("-u") => Some(false),
        "HWCLOCK" if value.contains("localtime") => Some(true),
        // OpenRC.
        "clock" => Some(value.eq_ignore_ascii_case("local")),
        _ => None,
    }
}

pub(super) fn exercise(text: &str) {
    adjtime("/x", text);
}

//! How a guest boots: one module per boot loader, one model for all.

mod bls;
mod code;
pub(crate) mod esp;
mod flatcar;
mod grub;
mod grub_legacy;
pub(crate) mod model;
mod other;
mod syslinux;
mod systemd_boot;
mod uki;
mod version_order;

use crate::error::{BootProblem, InspectError};
use crate::facts::{Loader, Place};
use crate::volumes::Volumes;
pub(crate) use code::of_sector as code_of_sector;
pub(crate) use flatcar::{USR as FLATCAR_USR, priorities};
use model::Found;
pub(crate) use other::seen;
pub(crate) use uki::initrd as initrd_of_uki;
pub(crate) use version_order::compare as compare_versions;

/// The larger of systemd-boot's and shim's programs has about a megabyte.
const MAX_PROGRAM_BYTES: u64 = 4 * 1024 * 1024;

/// Finds the boot loader that starts this machine.
pub(crate) fn find(volumes: &Volumes) -> Result<Found, InspectError> {
    let fallback = fallback(volumes)?;
    let readers: &[Reader] = match fallback {
        Fallback::SystemdBoot => &[systemd_boot::find, grub::find, uki::find],
        Fallback::Uki => &[uki::find, systemd_boot::find, grub::find],
        Fallback::Other => &[grub::find, systemd_boot::find, uki::find],
        Fallback::Absent => &[systemd_boot::find, grub::find, uki::find],
    };
    let mut without_entries = None;
    let others: [Reader; 3] = [flatcar::find, grub_legacy::find, syslinux::find];
    for reader in readers.iter().chain(&others) {
        match reader(volumes)? {
            Some(found) if !found.entries.is_empty() => return Ok(found),
            Some(found) => without_entries = without_entries.or(Some(found)),
            None => {}
        }
    }
    if without_entries.is_none()
        && let Some((name, evidence)) = other::find(volumes)?
    {
        let problem = BootProblem::UnknownBootLoader {
            name: name.to_owned(),
            evidence,
        };
        return Ok(Found::nothing(Loader::Unknown, problem));
    }
    let nothing = || Found::nothing(Loader::Unknown, BootProblem::NoBootLoader);
    Ok(without_entries.unwrap_or_else(nothing))
}

/// Looks for one boot loader.
type Reader = fn(&Volumes) -> Result<Option<Found>, InspectError>;

/// What the firmware starts on a disk that it does not know.
enum Fallback {
    SystemdBoot,
    Uki,
    Other,
    Absent,
}

fn fallback(volumes: &Volumes) -> Result<Fallback, InspectError> {
    for esp in volumes.readable().filter(|held| held.is_esp()) {
        let place = Place {
            volume: esp.id,
            path: uki::FALLBACK.to_owned(),
        };
        if uki::read(volumes, &place)?.is_some() {
            return Ok(Fallback::Uki);
        }
        if !volumes.is_file(&place)? {
            continue;
        }
        // systemd-boot carries this mark for boot loader managers to find.
        let program = volumes.read(place.volume, &place.path, MAX_PROGRAM_BYTES)?;
        let mark = b"#### LoaderInfo: systemd-boot";
        let marked = |bytes: Vec<u8>| bytes.windows(mark.len()).any(|window| window == mark);
        let is_systemd = program.is_some_and(marked);
        return Ok(if is_systemd {
            Fallback::SystemdBoot
        } else {
            Fallback::Other
        });
    }
    Ok(Fallback::Absent)
}

/// Runs every parser of this module over `bytes`.
pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    grub::exercise(&text);
    systemd_boot::exercise(&text);
    uki::exercise(bytes);
    esp::exercise(bytes);
    grub_legacy::exercise(&text);
    syslinux::exercise(&text);
    flatcar::exercise(bytes);
    code::of_sector(bytes);
}

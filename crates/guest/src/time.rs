//! Time zone, hardware clock, and what keeps the time right.

mod chrony;
mod ntp;
mod ptp;
mod zone;

use detente_volume::FsError;

use crate::facts::{Evidence, Time, TimeProgram, TimeSync};
use crate::files::Files;
use crate::services::units::Units;

/// A program and how the distributions start it.
struct Known {
    program: TimeProgram,
    units: &'static [&'static str],
    /// Any of these shows that it is installed.
    files: &'static [&'static str],
}

const KNOWN: [Known; 4] = [
    Known {
        program: TimeProgram::Chrony,
        units: &["chronyd", "chrony"],
        files: &["/usr/sbin/chronyd"],
    },
    Known {
        program: TimeProgram::Ntpd,
        units: &["ntp", "ntpsec"],
        files: &["/etc/ntp.conf", "/etc/ntpsec/ntp.conf"],
    },
    Known {
        program: TimeProgram::Timesyncd,
        units: &["systemd-timesyncd"],
        files: &[],
    },
    Known {
        program: TimeProgram::Openntpd,
        units: &["openntpd"],
        files: &["/etc/openntpd/ntpd.conf"],
    },
];

/// The time.
pub(crate) fn gather(files: Files<'_>, units: &Units) -> Result<Time, FsError> {
    let mut synchronisation = Vec::new();
    for known in &KNOWN {
        synchronisation.extend(program(files, units, known)?);
    }
    // Everybody's is called ntpd: whose it is, its configuration says.
    let ntpd = units.find(files, &["ntpd"])?;
    match synchronisation
        .iter_mut()
        .find(|own| matches!(own.program, TimeProgram::Ntpd | TimeProgram::Openntpd))
    {
        Some(own) if ntpd.is_some() => {
            own.installed.extend(ntpd.installed);
            own.state = ntpd.state;
            own.state_at = ntpd.state_at;
        }
        None if ntpd.is_some() && files.is_file("/etc/conf.d/ntpd")? => {
            let mut own = TimeSync {
                installed: ntpd.installed,
                state: ntpd.state,
                state_at: ntpd.state_at,
                ..empty(TimeProgram::BusyboxNtpd)
            };
            ntp::busybox(files, &mut own)?;
            synchronisation.push(own);
        }
        Some(_) | None => (),
    }
    Ok(Time {
        zones: zone::zones(files)?,
        hardware_clock: zone::hardware_clock(files)?,
        synchronisation,
        ptp: ptp::gather(files)?,
    })
}

fn empty(program: TimeProgram) -> TimeSync {
    TimeSync {
        program,
        installed: Vec::new(),
        state: crate::facts::ServiceState::Unknown,
        state_at: None,
        servers: Vec::new(),
        reference_clocks: Vec::new(),
        steps: Vec::new(),
    }
}

fn program(files: Files<'_>, units: &Units, known: &Known) -> Result<Option<TimeSync>, FsError> {
    let found = units.find(files, known.units)?;
    let mut own = TimeSync {
        installed: found.installed,
        state: found.state,
        state_at: found.state_at,
        ..empty(known.program)
    };
    for path in known.files {
        if files.is_file(path)? {
            own.installed.push(Evidence::path(*path));
        }
    }
    if own.installed.is_empty() {
        return Ok(None);
    }
    match known.program {
        TimeProgram::Chrony => chrony::gather(files, &mut own)?,
        TimeProgram::Ntpd => ntp::ntpd(files, &mut own)?,
        TimeProgram::Timesyncd => ntp::timesyncd(files, &mut own)?,
        TimeProgram::Openntpd => ntp::openntpd(files, &mut own)?,
        TimeProgram::BusyboxNtpd => ntp::busybox(files, &mut own)?,
    }
    Ok(Some(own))
}

pub(crate) fn exercise(text: &str) {
    chrony::exercise(text);
    ntp::exercise(text);
    ptp::exercise(text);
    zone::exercise(text);
}

#[cfg(test)]
mod tests;

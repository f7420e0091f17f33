//! Time zone, hardware clock, and what keeps the time right.

use serde::{Deserialize, Serialize};

use super::{Evidence, ServiceState, Setting};

/// The guest's time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// The time zone: `Europe/Berlin`. What `/etc/localtime` links to comes first; the files that
    /// distributions keep beside it follow, so that a difference can be seen.
    pub zones: Vec<Setting>,
    /// What the hardware clock is said to keep; absent where nothing is said (then UTC).
    #[serde(default)]
    pub hardware_clock: Option<HardwareClock>,
    /// The programs that keep the time right, where installed.
    pub synchronisation: Vec<TimeSync>,
    /// udev rules and module lists that name PTP clocks.
    pub ptp: Vec<Setting>,
}

/// What the hardware clock keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwareClock {
    /// Whether it keeps local time, and not UTC.
    pub local: bool,
    /// Where it is written.
    pub at: Evidence,
}

/// An installed program that keeps the time right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSync {
    /// Which one.
    pub program: TimeProgram,
    /// What shows that it is installed.
    pub installed: Vec<Evidence>,
    /// Whether it is started.
    pub state: ServiceState,
    /// What says so.
    #[serde(default)]
    pub state_at: Option<Evidence>,
    /// Servers and pools: the directive and what follows it.
    pub servers: Vec<Setting>,
    /// Reference clocks: `refclock PHC /dev/ptp0 …`.
    pub reference_clocks: Vec<Setting>,
    /// When the clock may be stepped: `makestep`, `tinker panic`.
    pub steps: Vec<Setting>,
}

/// A program that keeps the time right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeProgram {
    /// chrony.
    Chrony,
    /// ntpd, NTPsec.
    Ntpd,
    /// systemd-timesyncd.
    Timesyncd,
    /// OpenNTPD.
    Openntpd,
    /// ntpd of BusyBox, as Alpine starts it.
    BusyboxNtpd,
}

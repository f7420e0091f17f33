//! Services that matter to a move, agents, and consoles on which somebody can log in.

use serde::{Deserialize, Serialize};

use super::{Evidence, Setting};

/// What the guest starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// What starts services.
    pub init: Init,
    /// Of the documented list: those that are installed.
    pub services: Vec<Service>,
    /// Terminals on which the guest offers a login.
    pub logins: Vec<Login>,
    /// `/etc/securetty`: where root may log in, if the file is there.
    pub securetty: Vec<Setting>,
    /// cloud-init, if it is installed.
    #[serde(default)]
    pub cloud_init: Option<CloudInit>,
    /// The profile of tuned.
    #[serde(default)]
    pub tuned_profile: Option<Setting>,
}

/// What starts services.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// None that we know.
    #[default]
    Unknown,
    /// systemd.
    Systemd,
    /// Upstart (RHEL 6, Ubuntu 14.04).
    Upstart,
    /// System V init.
    SysV,
    /// OpenRC.
    OpenRc,
}

/// An installed service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// One name for all distributions: `qemu-guest-agent`, `hyperv-kvp`, `multipathd`.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// The unit or script that starts it; absent where only its program is there.
    #[serde(default)]
    pub unit: Option<String>,
    /// What shows that it is installed.
    pub installed: Vec<Evidence>,
    /// Whether it is started.
    pub state: ServiceState,
    /// What says so: the link in `*.wants`, the link to `/dev/null`, the link in `rc3.d`.
    #[serde(default)]
    pub state_at: Option<Evidence>,
}

/// What a service is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An agent for QEMU/KVM, SPICE included.
    KvmAgent,
    /// An agent for Hyper-V.
    HypervAgent,
    /// An agent for Azure.
    AzureAgent,
    /// An agent for VMware.
    VmwareAgent,
    /// An agent for VirtualBox.
    VirtualboxAgent,
    /// An agent for Xen.
    XenAgent,
    /// Sets up instances of clouds.
    CloudInit,
    /// Filters packets.
    Firewall,
    /// Lets administrators in.
    RemoteAccess,
    /// Finds or assembles storage.
    Storage,
    /// Keeps a crash.
    CrashDump,
    /// Tunes the kernel, or moves interrupts.
    Tuning,
    /// Sets up the network.
    Network,
}

/// Whether a service is started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// It could not be told.
    #[default]
    Unknown,
    /// It is started when the guest boots.
    Enabled,
    /// It is not.
    Disabled,
    /// It cannot be started at all.
    Masked,
    /// It has nothing to be enabled by: udev rules, sockets or other services start it.
    Static,
}

/// A login on a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The terminal: `ttyS0`, `hvc0`, `tty1`.
    pub terminal: String,
    /// What offers it: the unit's link, the line of inittab.
    pub at: Evidence,
}

/// cloud-init.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudInit {
    /// What switches it off: the file `cloud-init.disabled`, a masked unit, a kernel argument.
    #[serde(default)]
    pub disabled: Option<Evidence>,
    /// What keeps it from the network: `network: {config: disabled}`.
    #[serde(default)]
    pub network_disabled: Option<Evidence>,
    /// The lists of data sources, in the order in which they are read; the last one counts.
    pub data_sources: Vec<Setting>,
}

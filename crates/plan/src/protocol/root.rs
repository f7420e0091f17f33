//! What the agent mounts itself where the guest has no initramfs of its own.

use serde::{Deserialize, Serialize};

/// The root as the kernel would mount it, from the guest's command line. Names and defaults are
/// those of Linux, `init/do_mounts.c`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootMount {
    /// `root=`; empty if there is none.
    pub device: String,
    /// `rootfstype=`: the kinds of file system to try, in this order; all that the kernel knows if
    /// empty.
    pub kinds: Vec<String>,
    /// `rootflags=`.
    pub options: String,
    /// `ro`, which is the default, or `rw`: the last one counts.
    pub read_only: bool,
    /// `rootdelay=`: seconds before the device is looked for.
    pub delay_s: u32,
    /// `rootwait`.
    pub wait: RootWait,
    /// `init=`: what becomes process 1; what the kernel tries if there is none.
    pub init: Option<String>,
    /// Not `devtmpfs.mount=0`.
    pub devtmpfs: bool,
}

/// For how long the root's device may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootWait {
    /// Until the kernel has looked at all its devices.
    Probes,
    /// Seconds (`rootwait=N`).
    Seconds(u32),
    /// For ever (`rootwait`).
    Forever,
}

//! SELinux, AppArmor, FIPS and the crypto policy.

use serde::{Deserialize, Serialize};

use super::{Evidence, Setting};

/// What the guest enforces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// SELinux, if it is configured.
    #[serde(default)]
    pub selinux: Option<Selinux>,
    /// AppArmor, if it is installed.
    #[serde(default)]
    pub apparmor: Option<Apparmor>,
    /// What switches FIPS on or off: kernel argument, `/etc/system-fips`, configuration.
    pub fips: Vec<Setting>,
    /// The crypto policy of the system: `DEFAULT`, `FIPS`.
    #[serde(default)]
    pub crypto_policy: Option<Setting>,
    /// Arguments of the default entry that decide on any of these: `selinux`, `enforcing`,
    /// `security`, `lsm`, `apparmor`, `audit`.
    pub arguments: Vec<Setting>,
}

/// SELinux.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selinux {
    /// What the configuration says.
    pub mode: SelinuxMode,
    /// What the guest boots into: kernel arguments count before the configuration.
    pub effective: SelinuxMode,
    /// Where the configuration says it.
    pub at: Evidence,
    /// The policy: `targeted`.
    #[serde(default)]
    pub policy: Option<Setting>,
    /// The policy's file, if it is there; without one nothing can be enforced.
    #[serde(default)]
    pub policy_file: Option<Evidence>,
    /// `/.autorelabel`: every file is labelled anew at the next boot.
    #[serde(default)]
    pub autorelabel: Option<Evidence>,
}

/// A mode of SELinux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelinuxMode {
    /// The policy is enforced.
    Enforcing,
    /// What breaks it is logged.
    Permissive,
    /// Off.
    Disabled,
}

/// AppArmor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apparmor {
    /// What shows that it is installed.
    pub at: Evidence,
    /// How many profiles there are.
    pub profiles: u32,
    /// How many of them are switched off.
    pub disabled_profiles: u32,
}

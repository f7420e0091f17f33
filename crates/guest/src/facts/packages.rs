//! Package databases, and what they say is installed.

use serde::{Deserialize, Serialize};

/// A package database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageDatabase {
    /// Whose it is, and how it is kept.
    pub kind: PackageKind,
    /// The file, or the folder.
    pub path: String,
    /// How many packages are installed. With RPM keys count, as in `rpm -qa`.
    pub count: u64,
    /// Records that could not be read.
    pub damaged: u64,
    /// Why not all of it could be read, or the first damage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The packages by name, where asked for: those that are not wholly installed too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Vec<Package>>,
}

/// Whose database it is, and how it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageKind {
    /// RPM in SQLite.
    RpmSqlite,
    /// RPM in its own `ndb`.
    RpmNdb,
    /// RPM in a hash of Berkeley DB.
    RpmBdb,
    /// dpkg.
    Dpkg,
    /// opkg, in dpkg's format.
    Opkg,
    /// Alpine's apk.
    Apk,
    /// pacman.
    Pacman,
    /// Gentoo's Portage.
    Portage,
    /// snapd.
    Snap,
    /// Flatpak, of the whole system.
    Flatpak,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The number before the colon of its version, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Its version without epoch and release; empty where none is known.
    pub version: String,
    /// What the distribution calls its own change: `3.el9`, `1+deb12u1`, `r0`; a snap's revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The architecture in the distribution's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// RPM's vendor, dpkg's and apk's maintainer, pacman's packager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// One line on what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it was installed, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_s: Option<i64>,
    /// What its files take, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Whether it is there.
    pub state: PackageState,
    /// The file that says so, where it is not the database's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line where it begins, counted from 1, or RPM's number of the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
}

impl Package {
    /// `[epoch:]version[-release]`, as its package manager writes it; of a snap the revision.
    #[must_use]
    pub fn full_version(&self) -> String {
        let epoch = self.epoch.map(|epoch| format!("{epoch}:"));
        let hyphen = if self.version.is_empty() { "" } else { "-" };
        let release = self
            .release
            .as_ref()
            .map(|release| format!("{hyphen}{release}"));
        format!(
            "{}{}{}",
            epoch.unwrap_or_default(),
            self.version,
            release.unwrap_or_default()
        )
    }
}

/// Whether a package is there; all but the first two are dpkg's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageState {
    /// Installed and set up.
    Installed,
    /// A key to verify packages with, which RPM keeps as a package.
    PublicKey,
    /// Removed, its configuration kept.
    ConfigFiles,
    /// Installing it was begun.
    HalfInstalled,
    /// Its files are there, it was not set up.
    Unpacked,
    /// Setting it up failed.
    HalfConfigured,
    /// Waits for another package's trigger.
    TriggersAwaited,
    /// Set up, but for a trigger of its own.
    TriggersPending,
    /// Known, not there.
    NotInstalled,
    /// Another word.
    #[serde(untagged)]
    Unknown(String),
}

//! What is known of a package.

use std::fmt;

/// A package of a guest, as its package manager has it recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The number before the colon, where there is one.
    pub epoch: Option<u32>,
    /// What the upstream project calls this version.
    pub version: String,
    /// What the distribution calls its own change of it: `3.el9`, `1+deb12u1`, `r0`.
    pub release: Option<String>,
    /// The architecture in the distribution's words: `x86_64`, `amd64`, `noarch`, `all`.
    pub architecture: Option<String>,
    /// Who made it: RPM's vendor, dpkg's and apk's maintainer, pacman's packager.
    pub vendor: Option<String>,
    /// One line on what it is, cut at 4 KiB.
    pub summary: Option<String>,
    /// What it was built from, where that has another name.
    pub source: Option<String>,
    /// When it was installed, in seconds since 1970; dpkg and apk do not say.
    pub installed_s: Option<i64>,
    /// What its files take, as it says itself.
    pub size_bytes: Option<u64>,
    /// Whether it is there.
    pub state: State,
    /// Where it is recorded: the line of its first field in a text, counted from 1, or RPM's
    /// number of the header.
    pub record: u64,
}

/// Whether a package is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Installed and set up.
    Installed,
    /// No package but a key to verify packages with (RPM's `gpg-pubkey`).
    PublicKey,
    /// dpkg: removed, its configuration kept.
    ConfigFiles,
    /// dpkg: installing it was begun.
    HalfInstalled,
    /// dpkg: its files are there, it was not set up.
    Unpacked,
    /// dpkg: setting it up failed.
    HalfConfigured,
    /// dpkg: waits for another package's trigger.
    TriggersAwaited,
    /// dpkg: set up, but for a trigger of its own.
    TriggersPending,
    /// dpkg: known, not there.
    NotInstalled,
    /// dpkg: another word.
    Unknown(String),
}

impl State {
    /// Whether the package is wholly there; what `rpm -qa` prints, or `dpkg -l` begins with `ii`.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        matches!(self, Self::Installed | Self::PublicKey)
    }

    /// The word that dpkg uses, `installed` and `public-key`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Installed => "installed",
            Self::PublicKey => "public-key",
            Self::ConfigFiles => "config-files",
            Self::HalfInstalled => "half-installed",
            Self::Unpacked => "unpacked",
            Self::HalfConfigured => "half-configured",
            Self::TriggersAwaited => "triggers-awaited",
            Self::TriggersPending => "triggers-pending",
            Self::NotInstalled => "not-installed",
            Self::Unknown(word) => word,
        }
    }

    /// From dpkg's word.
    pub(crate) fn of_dpkg(word: &str) -> Self {
        match word {
            "installed" => Self::Installed,
            "config-files" => Self::ConfigFiles,
            "half-installed" => Self::HalfInstalled,
            "unpacked" => Self::Unpacked,
            "half-configured" => Self::HalfConfigured,
            "triggers-awaited" => Self::TriggersAwaited,
            "triggers-pending" => Self::TriggersPending,
            "not-installed" => Self::NotInstalled,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

impl Package {
    /// A package of which the name and the version are known, `[epoch:]version[-release]`.
    pub(crate) fn new(name: String, full_version: &str, record: u64) -> Self {
        let (epoch, rest) = split_epoch(full_version);
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release.to_owned())),
            None => (rest, None),
        };
        Self {
            name,
            epoch,
            version: version.to_owned(),
            release,
            architecture: None,
            vendor: None,
            summary: None,
            source: None,
            installed_s: None,
            size_bytes: None,
            state: State::Installed,
            record,
        }
    }

    /// The version as the package manager writes it: `[epoch:]version[-release]`.
    #[must_use]
    pub fn full_version(&self) -> String {
        let epoch = self.epoch.map(|epoch| format!("{epoch}:"));
        let release = self.release.as_ref().map(|release| format!("-{release}"));
        let version = &self.version;
        format!(
            "{}{version}{}",
            epoch.unwrap_or_default(),
            release.unwrap_or_default()
        )
    }
}

impl fmt::Display for Package {
    /// `name full-version architecture`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let architecture = self.architecture.as_deref().unwrap_or("-");
        write!(f, "{} {} {architecture}", self.name, self.full_version())
    }
}

/// `1:2.3` is epoch 1 of 2.3; what is no number before a colon is none.
pub(crate) fn split_epoch(version: &str) -> (Option<u32>, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) => match epoch.parse() {
            Ok(epoch) => (Some(epoch), rest),
            Err(_) => (None, version),
        },
        None => (None, version),
    }
}

//! Firmware, Secure Boot and TPM.

use serde::{Deserialize, Serialize};

/// What starts the machine. On Hyper-V it decides the generation: BIOS is 1, UEFI is 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Firmware {
    /// A BIOS.
    Bios,
    /// UEFI. Its variables, the boot entries among them, are not part of a definition.
    Uefi {
        /// Whether only signed loaders are started.
        secure_boot: SecureBoot,
    },
}

impl Firmware {
    /// Whether it is UEFI.
    #[must_use]
    pub fn is_uefi(&self) -> bool {
        matches!(self, Self::Uefi { .. })
    }

    /// Whether only signed loaders are started.
    #[must_use]
    pub fn has_secure_boot(&self) -> bool {
        match self {
            Self::Bios => false,
            Self::Uefi { secure_boot } => matches!(secure_boot, SecureBoot::On { .. }),
        }
    }
}

/// Whether only signed loaders are started, and who may sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SecureBoot {
    /// Everything is started.
    #[default]
    Off,
    /// Only what is signed with a key that is enrolled.
    On {
        /// Whose keys.
        keys: SecureBootKeys,
    },
}

/// Whose keys are enrolled: Hyper-V's templates, and what others have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecureBootKeys {
    /// Both of Microsoft's, as OVMF's file of variables has them.
    MicrosoftBoth,
    /// Template `MicrosoftWindows`: starts Windows and nothing else.
    MicrosoftWindows,
    /// Template `MicrosoftUEFICertificateAuthority`: starts shim, and so Linux.
    MicrosoftUefiCertificateAuthority,
    /// Template `OpenSourceShieldedVM`.
    OpenSourceShieldedVm,
    /// Keys of the owner's own: no platform takes them over.
    Custom,
}

impl SecureBootKeys {
    /// The name of the template on Hyper-V, where it is one.
    #[must_use]
    pub fn template(self) -> Option<&'static str> {
        match self {
            Self::MicrosoftWindows => Some("MicrosoftWindows"),
            Self::MicrosoftUefiCertificateAuthority => Some("MicrosoftUEFICertificateAuthority"),
            Self::OpenSourceShieldedVm => Some("OpenSourceShieldedVM"),
            Self::MicrosoftBoth | Self::Custom => None,
        }
    }
}

/// A TPM. The device can be had everywhere; what it holds never moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tpm {
    /// Its version.
    pub version: TpmVersion,
    /// How the guest talks to it.
    #[serde(default)]
    pub interface: TpmInterface,
}

/// The version of a TPM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TpmVersion {
    /// 1.2.
    #[serde(rename = "1.2")]
    V1_2,
    /// 2.0.
    #[default]
    #[serde(rename = "2.0")]
    V2_0,
}

/// How a guest talks to its TPM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TpmInterface {
    /// Command response buffer.
    #[default]
    Crb,
    /// TIS, also called FIFO.
    Tis,
}

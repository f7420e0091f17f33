//! Who signed the programs that start the guest.

use serde::{Deserialize, Serialize};

use super::Place;

/// Signatures of the programs that start the guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecureBoot {
    /// The programs, in the order in which the firmware meets them: shim, loader, kernels.
    #[serde(default)]
    pub programs: Vec<SignedProgram>,
}

/// A program for UEFI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedProgram {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub role: ProgramRole,
    /// The processor that it is for: `x86-64`, `i386`, `aarch64`, ….
    pub machine: String,
    /// Its signatures; none: it is not signed.
    pub signatures: Vec<Signature>,
    /// Its SBAT lines: generations by which a flawed program is revoked.
    #[serde(default)]
    pub sbat: Vec<SbatEntry>,
    /// The certificates in it that it trusts beyond the firmware's: shim has its distribution's.
    #[serde(default)]
    pub vendor_certificates: Vec<Certificate>,
    /// What is wrong with its signatures, so that they may be incomplete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// What a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramRole {
    /// The first loader, which Microsoft signs.
    Shim,
    /// shim's MokManager.
    MokManager,
    /// shim's fallback, which writes boot entries.
    Fallback,
    /// GRUB.
    Grub,
    /// systemd-boot.
    SystemdBoot,
    /// A Linux kernel.
    Kernel,
    /// A unified kernel image.
    UnifiedKernel,
    /// Windows' boot manager.
    WindowsBootManager,
    /// Some other program.
    Other,
}

/// One signature of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The digest's algorithm: `sha256`.
    pub digest: String,
    /// Who signed; usually one.
    pub signers: Vec<Signer>,
    /// The certificates that come along.
    pub certificates: Vec<Certificate>,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The name of the signing certificate, if it comes along.
    pub subject: Option<String>,
    /// The name of who issued it.
    pub issuer: String,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// Under which authority that is.
    pub authority: Authority,
}

/// The authority that a signature leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// Microsoft Corporation UEFI CA 2011: the one that signed shim until 2026.
    #[serde(rename = "microsoft-uefi-ca-2011")]
    MicrosoftUefiCa2011,
    /// Microsoft UEFI CA 2023: its successor.
    #[serde(rename = "microsoft-uefi-ca-2023")]
    MicrosoftUefiCa2023,
    /// Microsoft Option ROM UEFI CA 2023.
    #[serde(rename = "microsoft-option-rom-ca-2023")]
    MicrosoftOptionRomCa2023,
    /// Microsoft Windows Production PCA 2011.
    #[serde(rename = "windows-production-pca-2011")]
    WindowsProductionPca2011,
    /// Windows UEFI CA 2023.
    #[serde(rename = "windows-uefi-ca-2023")]
    WindowsUefiCa2023,
    /// One of the distribution's own, which its shim knows.
    Distribution,
    /// Some other.
    Other,
}

/// A certificate that comes with a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its name.
    pub subject: String,
    /// The name of who issued it.
    pub issuer: String,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// When it ends: `2026-06-27T21:22:45Z`.
    pub not_after: String,
}

/// A line of a program's SBAT section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SbatEntry {
    /// The part: `shim`, `grub.debian`.
    pub component: String,
    /// Its generation.
    pub generation: u32,
    /// Who makes it.
    pub vendor: String,
    /// The vendor's version.
    pub version: String,
}

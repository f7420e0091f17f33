//! Unified kernel images: a PE file whose sections carry kernel, initramfs and command line.
//!
//! Source: the UAPI group's specification "Unified Kernel Image" (version 1), PE/COFF. Where an
//! image has several profiles, what is read is what boots without a choice: profile 0 over the
//! base.

use crate::field::text_until_nul;
use crate::pe::{self, Section, display_name};

/// Why a file is no unified kernel image that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UkiError {
    /// Another kind of file.
    #[error("not a PE file: {rule}")]
    NotPe {
        /// What is missing.
        rule: &'static str,
    },
    /// The end came too early.
    #[error("corrupt PE file: it ends inside {part} at offset {offset:#x}")]
    Truncated {
        /// What it ends in.
        part: &'static str,
        /// Where that starts.
        offset: usize,
    },
    /// A section's data is not in the file.
    #[error(
        "corrupt PE file: section {name} ({raw_size} bytes at offset {raw_offset:#x}) \
         lies outside the file"
    )]
    SectionOutside {
        /// Which section.
        name: String,
        /// Where it says its data is.
        raw_offset: usize,
        /// How long it says that is.
        raw_size: usize,
    },
    /// Sections of a profile are singletons.
    #[error("corrupt unified kernel image: section {name} appears twice in one profile")]
    DuplicateSection {
        /// Which section.
        name: String,
    },
    /// A PE file without a kernel: a boot loader, an add-on.
    #[error("a PE file without a .linux section: no unified kernel image")]
    NoKernel,
}

/// Which processor a PE file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    X86_64,
    /// 32-bit x86.
    I386,
    /// 64-bit ARM.
    Aarch64,
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit LoongArch.
    LoongArch64,
    /// Any other, with its number in the COFF header.
    Unknown(u16),
}

impl Machine {
    pub(crate) fn from_coff(machine: u16) -> Self {
        match machine {
            0x8664 => Self::X86_64,
            0x014c => Self::I386,
            0xaa64 => Self::Aarch64,
            0x5064 => Self::Riscv64,
            0x6264 => Self::LoongArch64,
            other => Self::Unknown(other),
        }
    }
}

/// A unified kernel image. Its parts are slices of the file.
#[derive(Debug, Clone)]
pub struct Uki<'a> {
    machine: Machine,
    base: Vec<Section<'a>>,
    profile: Vec<Section<'a>>,
}

/// Sections that appear at most once in a profile.
const SINGLETONS: [&[u8; 8]; 7] = [
    b".linux\0\0",
    b".initrd\0",
    b".cmdline",
    b".osrel\0\0",
    b".uname\0\0",
    b".ucode\0\0",
    b".splash\0",
];

/// Reads the sections of a unified kernel image.
///
/// # Errors
/// [`UkiError`]; [`UkiError::NoKernel`] for a sound PE file that is none.
pub fn parse(bytes: &[u8]) -> Result<Uki<'_>, UkiError> {
    let (machine, sections) = pe::parse(bytes)?;
    let mut profiles = sections.split(|section| &section.name == b".profile");
    let base = profiles.next().unwrap_or_default().to_vec();
    let profile = profiles.next().unwrap_or_default().to_vec();
    for part in [&base, &profile] {
        check_singletons(part)?;
    }
    let uki = Uki {
        machine,
        base,
        profile,
    };
    if uki.section(b".linux\0\0").is_none() {
        return Err(UkiError::NoKernel);
    }
    Ok(uki)
}

fn check_singletons(part: &[Section<'_>]) -> Result<(), UkiError> {
    for name in SINGLETONS {
        if part.iter().filter(|section| &section.name == name).count() > 1 {
            return Err(UkiError::DuplicateSection {
                name: display_name(name),
            });
        }
    }
    Ok(())
}

impl<'a> Uki<'a> {
    /// The processor it is for.
    #[must_use]
    pub fn machine(&self) -> Machine {
        self.machine
    }

    /// The kernel; [`parse`] made sure that there is one.
    #[must_use]
    pub fn linux(&self) -> Option<&'a [u8]> {
        self.section(b".linux\0\0")
    }

    /// The initramfs, without microcode.
    #[must_use]
    pub fn initrd(&self) -> Option<&'a [u8]> {
        self.section(b".initrd\0")
    }

    /// The microcode initramfs, which the kernel gets before any other.
    #[must_use]
    pub fn ucode(&self) -> Option<&'a [u8]> {
        self.section(b".ucode\0\0")
    }

    /// The kernel command line, without the space and line ends around it.
    #[must_use]
    pub fn cmdline(&self) -> Option<String> {
        self.text(b".cmdline").map(|text| text.trim().to_owned())
    }

    /// The os-release file of the system it is for.
    #[must_use]
    pub fn osrel(&self) -> Option<String> {
        self.text(b".osrel\0\0")
    }

    /// The kernel's release, as `uname -r` prints it.
    #[must_use]
    pub fn uname(&self) -> Option<String> {
        self.text(b".uname\0\0").map(|text| text.trim().to_owned())
    }

    fn text(&self, name: &[u8; 8]) -> Option<String> {
        self.section(name).map(text_until_nul)
    }

    fn section(&self, name: &[u8; 8]) -> Option<&'a [u8]> {
        let mut all = self.profile.iter().chain(&self.base);
        all.find(|section| &section.name == name)
            .map(|section| section.data)
    }
}

//! The boot header at the beginning of a Linux kernel for x86 (`bzImage`).
//!
//! Source: Linux `Documentation/arch/x86/boot.rst`, "The Real-Mode Kernel Header".

use crate::field::{text_until_nul, u16_at, u32_at};

/// How much of a kernel file [`parse`] may need: the setup code, at most 255 sectors and one.
pub const HEAD_BYTES: usize = 256 * 512;

/// Why a kernel's header could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// Another kind of file.
    #[error("not a Linux kernel for x86: no \"HdrS\" at offset 0x202")]
    NotBzImage,
    /// A kernel of another kind.
    #[error("unsupported kernel: {what}")]
    Unsupported {
        /// Which kind.
        what: &'static str,
    },
    /// The end came too early.
    #[error("corrupt kernel: it ends inside {part}")]
    Truncated {
        /// What it ends in.
        part: &'static str,
    },
    /// The version string is part of the setup code.
    #[error(
        "corrupt kernel: the version string at offset {offset:#x} is behind the setup code, \
         which ends at {setup_end:#x}"
    )]
    VersionOutside {
        /// Where the header says it is.
        offset: usize,
        /// Where the setup code ends.
        setup_end: usize,
    },
}

/// What a kernel says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelInfo {
    /// Its version, such as `6.1.0-25-amd64 (debian-kernel@lists.debian.org) #1 SMP …`; empty when
    /// it has none.
    pub version: String,
    /// The boot protocol, major and minor.
    pub protocol: (u8, u8),
    /// `xloadflags`, in protocol 2.12 and later.
    pub xloadflags: Option<u16>,
    /// The longest command line it takes, without the NUL.
    pub cmdline_bytes: u32,
}

impl KernelInfo {
    /// The release, as `uname -r` prints it: the version's first word.
    #[must_use]
    pub fn release(&self) -> &str {
        self.version.split_whitespace().next().unwrap_or_default()
    }

    /// Whether it has the 64-bit entry point at offset 0x200 (`XLF_KERNEL_64`), so is a kernel for
    /// x86-64. Kernels before protocol 2.12 (Linux 3.8) do not say.
    #[must_use]
    pub fn is_x86_64(&self) -> Option<bool> {
        self.xloadflags.map(|flags| flags & 1 != 0)
    }
}

/// Reads the header; [`HEAD_BYTES`] of the file are enough.
///
/// # Errors
/// [`KernelError`].
pub fn parse(bytes: &[u8]) -> Result<KernelInfo, KernelError> {
    if bytes.get(0x38..0x3c) == Some(b"ARM\x64") {
        return Err(KernelError::Unsupported {
            what: "an arm64 kernel image",
        });
    }
    if bytes.get(0x202..0x206) != Some(b"HdrS") || u16_at(bytes, 0x1fe) != Some(0xaa55) {
        return Err(KernelError::NotBzImage);
    }
    let truncated = KernelError::Truncated {
        part: "the boot header",
    };
    let [minor, major] = u16_at(bytes, 0x206).ok_or(truncated.clone())?.to_le_bytes();
    let protocol = (major, minor);
    let xloadflags = if protocol >= (2, 12) {
        Some(u16_at(bytes, 0x236).ok_or(truncated.clone())?)
    } else {
        None
    };
    let cmdline_bytes = if protocol >= (2, 6) {
        u32_at(bytes, 0x238).ok_or(truncated)?
    } else {
        255
    };
    Ok(KernelInfo {
        version: version(bytes)?,
        protocol,
        xloadflags,
        cmdline_bytes,
    })
}

fn version(bytes: &[u8]) -> Result<String, KernelError> {
    let truncated = KernelError::Truncated {
        part: "the version string",
    };
    let pointer = u16_at(bytes, 0x20e).ok_or(truncated.clone())?;
    if pointer == 0 {
        return Ok(String::new());
    }
    // "If the setup_sects field contains 0, the real value is 4."
    let sectors = match bytes.get(0x1f1) {
        Some(0) | None => 4,
        Some(&sectors) => usize::from(sectors),
    };
    let setup_end = sectors.saturating_add(1).saturating_mul(512);
    let offset = usize::from(pointer).saturating_add(0x200);
    if offset >= setup_end {
        return Err(KernelError::VersionOutside { offset, setup_end });
    }
    let setup = bytes.get(..setup_end).unwrap_or(bytes);
    let text = setup.get(offset..).ok_or(truncated.clone())?;
    if !text.contains(&0) {
        return Err(truncated);
    }
    Ok(text_until_nul(text))
}

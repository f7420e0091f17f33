//! The files that a guest boots with, read out of its disks.

use std::fmt;

use detente_initramfs::{kernel, uki};

use crate::boot::model::{LinuxStart, Start};
use crate::chain::locate;
use crate::command_line;
use crate::error::{BootFilesError, BootProblem, InspectError};
use crate::facts::Place;
use crate::guest::Guest;

/// What [`Guest::boot_files`] may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootLimits {
    /// The kernel image.
    pub kernel_bytes: u64,
    /// All initramfs files together, as they are stored.
    pub initramfs_bytes: u64,
}

impl Default for BootLimits {
    /// 64 MiB and 512 MiB: several times what distributions ship.
    fn default() -> Self {
        Self {
            kernel_bytes: 64 << 20,
            initramfs_bytes: 512 << 20,
        }
    }
}

/// The files that a guest boots with.
#[derive(Clone, PartialEq, Eq)]
pub struct BootFiles {
    /// The kernel image.
    pub kernel: Vec<u8>,
    /// The initramfs files one after another, each filled up to 4 bytes; empty if there is none.
    pub initramfs: Vec<u8>,
    /// The command line as the boot loader would pass it.
    pub cmdline: String,
    /// The release that the kernel image names; empty if it names none.
    pub kernel_release: String,
    /// What the kernel runs first in the initramfs: `rdinit=`, or `/init`.
    pub original_init: String,
}

impl fmt::Debug for BootFiles {
    /// Lengths in place of megabytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BootFiles")
            .field("kernel_bytes", &self.kernel.len())
            .field("initramfs_bytes", &self.initramfs.len())
            .field("cmdline", &self.cmdline)
            .field("kernel_release", &self.kernel_release)
            .field("original_init", &self.original_init)
            .finish()
    }
}

impl Guest {
    /// Reads the files of the default entry.
    ///
    /// # Errors
    /// [`BootFilesError::Problem`] when the guest would not boot by itself, or when it is unknown
    /// how; [`BootFilesError::TooLarge`] beyond `limits`; else what a read met.
    pub fn boot_files(&self, limits: BootLimits) -> Result<BootFiles, BootFilesError> {
        if let Some(problem) = self.problems.first() {
            return Err(problem.clone().into());
        }
        let default = self.default.as_ref().ok_or(BootProblem::NoBootLoader)?;
        match &default.start {
            Start::Linux(linux) => self.linux(linux, &default.title, limits),
            Start::Uki(image) => self.uki(&image.place, &image.command_line, limits),
            Start::Other(what) => {
                let (entry, what) = (default.title.clone(), what.clone());
                Err(BootProblem::NotLinux { entry, what }.into())
            }
        }
    }

    fn linux(
        &self,
        linux: &LinuxStart,
        title: &str,
        limits: BootLimits,
    ) -> Result<BootFiles, BootFilesError> {
        let place = locate(&linux.kernel, title)?;
        let kernel = self.whole(&place, limits.kernel_bytes)?;
        let mut initramfs = Vec::new();
        for file in &linux.initramfs {
            let left = limits.initramfs_bytes.saturating_sub(length(&initramfs));
            let bytes = self.whole(&locate(file, title)?, left)?;
            append(&mut initramfs, &bytes);
        }
        let boot_image = linux
            .boot_image
            .as_ref()
            .map(|path| format!("BOOT_IMAGE={path} "));
        let cmdline = format!("{}{}", boot_image.unwrap_or_default(), linux.command_line);
        finish(&place, kernel, initramfs, cmdline)
    }

    fn uki(
        &self,
        place: &Place,
        command_line: &str,
        limits: BootLimits,
    ) -> Result<BootFiles, BootFilesError> {
        let all = limits.kernel_bytes.saturating_add(limits.initramfs_bytes);
        let bytes = self.whole(place, all)?;
        let broken = |rule: String| BootFilesError::BrokenUki {
            place: place.clone(),
            rule,
        };
        let image = uki::parse(&bytes).map_err(|error| broken(error.to_string()))?;
        if image.machine() != uki::Machine::X86_64 {
            return Err(broken(format!("it is for {:?}", image.machine())));
        }
        let kernel = image
            .linux()
            .ok_or_else(|| broken("no .linux section".to_owned()))?
            .to_vec();
        let mut initramfs = Vec::new();
        // The specification: microcode comes before the initramfs.
        for part in [image.ucode(), image.initrd()].into_iter().flatten() {
            append(&mut initramfs, part);
        }
        finish(place, kernel, initramfs, command_line.to_owned())
    }

    fn whole(&self, place: &Place, limit: u64) -> Result<Vec<u8>, BootFilesError> {
        let on = |source| InspectError::on(place.volume, source);
        let missing = || detente_volume::FsError::NotFound {
            path: place.path.clone(),
        };
        let fs = self
            .volumes
            .fs(place.volume)
            .ok_or_else(missing)
            .map_err(on)?;
        let len = fs.metadata(&place.path).map_err(on)?.len;
        if len > limit {
            return Err(BootFilesError::TooLarge {
                place: place.clone(),
                len,
                limit,
            });
        }
        Ok(fs.read(&place.path, limit).map_err(on)?)
    }
}

/// Boot loaders put each file at a multiple of 4 bytes behind the one before.
fn append(initramfs: &mut Vec<u8>, bytes: &[u8]) {
    initramfs.resize(initramfs.len().next_multiple_of(4), 0);
    initramfs.extend_from_slice(bytes);
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn finish(
    place: &Place,
    kernel: Vec<u8>,
    initramfs: Vec<u8>,
    cmdline: String,
) -> Result<BootFiles, BootFilesError> {
    let not_a_kernel = |rule: String| BootProblem::NotAKernel {
        place: place.clone(),
        rule,
    };
    let info = kernel::parse(&kernel).map_err(|error| not_a_kernel(error.to_string()))?;
    if info.is_x86_64() == Some(false) {
        return Err(not_a_kernel("it has no 64-bit entry point".to_owned()).into());
    }
    let kernel_release = info.release().to_owned();
    let cmdline = cmdline.trim().to_owned();
    let init = command_line::value(&cmdline, "rdinit").filter(|path| !path.is_empty());
    let original_init = init.unwrap_or_else(|| "/init".to_owned());
    Ok(BootFiles {
        kernel,
        initramfs,
        cmdline,
        kernel_release,
        original_init,
    })
}

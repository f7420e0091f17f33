//! How an image that is only read is to be opened: what all commands ask alike.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use detente_disk::{Format, Image, Layer, OpenOptions};

use crate::disks;
use crate::failure::Failure;

/// How images are opened.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// The format of the image that is read, instead of what it looks like.
    #[arg(short = 'f', long, value_enum, value_name = "FORMAT")]
    source_format: Option<FormatName>,
    /// A further folder that the images may name files in (backing files, parents, extents).
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
}

/// The formats by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    /// The guest's bytes as they are.
    Raw,
    /// QEMU's.
    Qcow2,
    /// Hyper-V's.
    Vhdx,
    /// Hyper-V's older one; `qemu-img` calls it vpc.
    #[value(alias = "vpc")]
    Vhd,
    /// VMware's.
    Vmdk,
}

impl FormatName {
    pub(super) fn format(self) -> Format {
        match self {
            Self::Raw => Format::Raw,
            Self::Qcow2 => Format::Qcow2,
            Self::Vhdx => Format::Vhdx,
            Self::Vhd => Format::Vhd,
            Self::Vmdk => Format::Vmdk,
        }
    }
}

impl Source {
    /// Opens an image with all that it rests on.
    pub(super) fn open(&self, path: &Path) -> Result<Image, Failure> {
        disks::open_with(path, &self.allow_path, &self.options())
    }

    /// The same for a second image, with a format of its own.
    pub(super) fn open_as(
        &self,
        path: &Path,
        format: Option<FormatName>,
    ) -> Result<Image, Failure> {
        let options = OpenOptions {
            format: format.map(FormatName::format),
            ..OpenOptions::default()
        };
        disks::open_with(path, &self.allow_path, &options)
    }

    /// Opens what an internal snapshot of an image holds; without one, what the image holds now.
    pub(super) fn open_snapshot(
        &self,
        path: &Path,
        snapshot: Option<&str>,
    ) -> Result<Image, Failure> {
        let options = OpenOptions {
            snapshot: snapshot.map(str::to_owned),
            ..self.options()
        };
        disks::open_with(path, &self.allow_path, &options)
    }

    /// Says what an image's file says of itself, and how long it is; what it rests on stays closed.
    pub(super) fn describe(&self, path: &Path) -> Result<(Layer, u64), Failure> {
        disks::describe(path, &self.allow_path, self.format())
    }

    fn options(&self) -> OpenOptions {
        OpenOptions {
            format: self.format(),
            ..OpenOptions::default()
        }
    }

    /// Further folders that files may be in.
    pub(super) fn allowed(&self) -> &[PathBuf] {
        &self.allow_path
    }

    /// The format that was asked for.
    pub(super) fn format(&self) -> Option<Format> {
        self.source_format.map(FormatName::format)
    }
}

/// What we call a format.
pub(super) fn name(format: Format) -> &'static str {
    match format {
        Format::Raw => "raw",
        Format::Qcow2 => "qcow2",
        Format::Vhdx => "vhdx",
        Format::Vhd => "vhd",
        Format::Vmdk => "vmdk",
    }
}

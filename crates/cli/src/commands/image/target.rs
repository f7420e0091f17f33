//! What kind of image is to be written: what `convert` and `create` ask alike.

use std::path::Path;

use clap::{Args, ValueEnum};
use detente_disk::{
    Compression, Qcow2Spec, Qcow2Version, Target, VhdKind, VhdSpec, VhdxKind, VhdxSpec,
};

use super::bytes;
use crate::failure::Failure;

/// The format of a new image, and its options.
#[derive(Debug, Args)]
#[command(next_help_heading = "New image")]
pub(super) struct TargetArguments {
    /// The format of the new image; without it, what its name ends with says it.
    #[arg(short = 'O', long, value_enum, value_name = "FORMAT")]
    target_format: Option<TargetFormat>,
    /// Compress clusters (qcow2).
    #[arg(long, value_enum, value_name = "METHOD")]
    compress: Option<Method>,
    /// The size of a cluster: 512 to 2M, without this 64K (qcow2).
    #[arg(long, value_name = "SIZE", value_parser = bytes::parse)]
    cluster_size: Option<u64>,
    /// Divide clusters into 32 subclusters (qcow2).
    #[arg(long)]
    extended_l2: bool,
    /// The version of the format: 3, or 2 for QEMU before 1.1 (qcow2).
    #[arg(long, value_name = "2|3", value_parser = clap::value_parser!(u8).range(2..=3))]
    qcow2_version: Option<u8>,
    /// Whether all blocks have a place in the file, or those that hold something (vhdx, vhd).
    #[arg(long, value_enum, value_name = "KIND")]
    subformat: Option<Subformat>,
    /// The size of a block: 1M to 256M, without this 32M (vhdx).
    #[arg(long, value_name = "SIZE", value_parser = bytes::parse)]
    block_size: Option<u64>,
    /// The sector that the guest sees: 512, or 4096 (vhdx).
    #[arg(long, value_name = "SIZE", value_parser = bytes::parse)]
    sector_size: Option<u64>,
}

/// The formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::commands) enum TargetFormat {
    /// The guest's bytes as they are.
    Raw,
    /// QEMU's.
    Qcow2,
    /// Hyper-V's.
    Vhdx,
    /// Hyper-V's older one; `qemu-img` calls it vpc.
    #[value(alias = "vpc")]
    Vhd,
}

/// How clusters are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// What every QEMU reads.
    Zlib,
    /// Faster and smaller; QEMU 5.1 and later.
    Zstd,
}

/// How blocks are allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subformat {
    /// All of them, from the start; the file is sparse all the same, unless --preallocate is given.
    Fixed,
    /// Those that hold something.
    Dynamic,
}

impl TargetFormat {
    /// What the end of a name says.
    pub(in crate::commands) fn of_name(path: &Path) -> Option<Self> {
        let end = path.extension()?.to_str()?;
        match end.to_ascii_lowercase().as_str() {
            "raw" | "img" => Some(Self::Raw),
            "qcow2" => Some(Self::Qcow2),
            "vhdx" => Some(Self::Vhdx),
            "vhd" => Some(Self::Vhd),
            _ => None,
        }
    }

    /// A new image of it, by its defaults.
    pub(in crate::commands) fn target(self) -> Target {
        match self {
            Self::Raw => Target::Raw,
            Self::Qcow2 => Target::Qcow2(Qcow2Spec::default()),
            Self::Vhdx => Target::Vhdx(VhdxSpec::default()),
            Self::Vhd => Target::Vhd(VhdSpec {
                kind: VhdKind::Dynamic,
            }),
        }
    }

    /// What names of its images end with.
    pub(in crate::commands) fn extension(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhdx => "vhdx",
            Self::Vhd => "vhd",
        }
    }
}

impl TargetArguments {
    /// The format that was asked for, or that the new image's name says.
    pub(super) fn format_for(&self, target: &Path) -> Result<TargetFormat, Failure> {
        let format = self.target_format.or_else(|| TargetFormat::of_name(target));
        format.ok_or_else(|| {
            Failure::usage(
                format!(
                    "the name {} does not say which format is wanted",
                    target.display()
                ),
                "say it with -O raw, qcow2, vhdx or vhd",
            )
        })
    }

    /// The target, its options put together. An option of another format is wrong usage.
    pub(super) fn target(&self, format: TargetFormat) -> Result<Target, Failure> {
        self.refuse_others(format)?;
        match format {
            TargetFormat::Raw => Ok(Target::Raw),
            TargetFormat::Qcow2 => Ok(Target::Qcow2(self.qcow2()?)),
            TargetFormat::Vhdx => Ok(Target::Vhdx(self.vhdx()?)),
            TargetFormat::Vhd => Ok(Target::Vhd(VhdSpec {
                kind: match self.subformat {
                    Some(Subformat::Fixed) => VhdKind::Fixed,
                    Some(Subformat::Dynamic) | None => VhdKind::Dynamic,
                },
            })),
        }
    }

    fn refuse_others(&self, format: TargetFormat) -> Result<(), Failure> {
        use TargetFormat::{Qcow2, Vhd, Vhdx};
        let options: [(&str, bool, &[TargetFormat]); 7] = [
            ("--compress", self.compress.is_some(), &[Qcow2]),
            ("--cluster-size", self.cluster_size.is_some(), &[Qcow2]),
            ("--extended-l2", self.extended_l2, &[Qcow2]),
            ("--qcow2-version", self.qcow2_version.is_some(), &[Qcow2]),
            ("--subformat", self.subformat.is_some(), &[Vhdx, Vhd]),
            ("--block-size", self.block_size.is_some(), &[Vhdx]),
            ("--sector-size", self.sector_size.is_some(), &[Vhdx]),
        ];
        for (name, given, formats) in options {
            if given && !formats.contains(&format) {
                let formats: Vec<_> = formats.iter().map(|format| format.extension()).collect();
                return Err(Failure::usage(
                    format!("{name} means nothing for {}", format.extension()),
                    &format!("it is an option of {}", formats.join(" and ")),
                ));
            }
        }
        Ok(())
    }

    fn qcow2(&self) -> Result<Qcow2Spec, Failure> {
        let default = Qcow2Spec::default();
        let cluster_bits = match self.cluster_size {
            None => default.cluster_bits,
            Some(size) if size.is_power_of_two() => size.ilog2(),
            Some(size) => return Err(no_power_of_two("--cluster-size", size)),
        };
        Ok(Qcow2Spec {
            version: match self.qcow2_version {
                Some(2) => Qcow2Version::V2,
                Some(_) | None => Qcow2Version::V3,
            },
            cluster_bits,
            compression: self.compress.map(|method| match method {
                Method::Zlib => Compression::Zlib,
                Method::Zstd => Compression::Zstd,
            }),
            extended_l2: self.extended_l2,
            backing: None,
        })
    }

    fn vhdx(&self) -> Result<VhdxSpec, Failure> {
        let default = VhdxSpec::default();
        let small = |name, size: Option<u64>, without| match size {
            None => Ok(without),
            Some(size) => u32::try_from(size).map_err(|_| no_power_of_two(name, size)),
        };
        Ok(VhdxSpec {
            kind: match self.subformat {
                Some(Subformat::Fixed) => VhdxKind::Fixed,
                Some(Subformat::Dynamic) | None => VhdxKind::Dynamic,
            },
            block_bytes: small("--block-size", self.block_size, default.block_bytes)?,
            logical_sector_bytes: small(
                "--sector-size",
                self.sector_size,
                default.logical_sector_bytes,
            )?,
            physical_sector_bytes: default.physical_sector_bytes,
        })
    }
}

fn no_power_of_two(option: &str, size: u64) -> Failure {
    Failure::usage(
        format!("{option} may not be {size}"),
        "`detente image convert --help` says what it may be",
    )
}

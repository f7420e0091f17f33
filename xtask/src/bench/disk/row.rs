//! The rows, as they are committed.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

const ROWS: &str = include_str!("rows.txt");

/// A file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Volume {
    Ext4,
    Xfs,
    Btrfs,
}

impl Volume {
    pub(super) const ALL: [Self; 3] = [Self::Ext4, Self::Xfs, Self::Btrfs];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Raw,
    Qcow2,
    Qcow2Zlib,
    Qcow2Zstd,
    Vhdx,
    Vhd,
}

impl Target {
    const ALL: [(&'static str, Self); 6] = [
        ("raw", Self::Raw),
        ("qcow2", Self::Qcow2),
        ("qcow2+zlib", Self::Qcow2Zlib),
        ("qcow2+zstd", Self::Qcow2Zstd),
        ("vhdx", Self::Vhdx),
        ("vhd", Self::Vhd),
    ];

    pub(super) fn qemu_format(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 | Self::Qcow2Zlib | Self::Qcow2Zstd => "qcow2",
            Self::Vhdx => "vhdx",
            Self::Vhd => "vpc",
        }
    }

    /// What is asked of us.
    fn our_options(self) -> &'static [&'static str] {
        match self {
            Self::Raw => &["-O", "raw"],
            Self::Qcow2 => &["-O", "qcow2"],
            Self::Qcow2Zlib => &["-O", "qcow2", "--compress", "zlib"],
            Self::Qcow2Zstd => &["-O", "qcow2", "--compress", "zstd"],
            Self::Vhdx => &["-O", "vhdx"],
            Self::Vhd => &["-O", "vhd"],
        }
    }
}

/// What kind of work a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Class {
    Warm,
    Sparse,
    Compress,
    Decompress,
    Reflink,
}

impl Class {
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("warm", Self::Warm),
        ("sparse", Self::Sparse),
        ("compress", Self::Compress),
        ("decompress", Self::Decompress),
        ("reflink", Self::Reflink),
    ];
}

/// One conversion.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) volume: Volume,
    pub(super) source: String,
    pub(super) target: Target,
    pub(super) class: Class,
}

impl Row {
    /// The format of the source, in QEMU's words.
    pub(super) fn source_format(&self) -> &'static str {
        match self.source.rsplit('.').next() {
            Some("qcow2") => "qcow2",
            Some("vhdx") => "vhdx",
            Some("vhd") => "vpc",
            Some(_) | None => "raw",
        }
    }

    /// What is asked of us.
    pub(super) fn our_arguments(&self, source: &Path, to: &Path) -> Vec<OsString> {
        let words = ["image", "convert", "--format", "json"];
        let mut words: Vec<OsString> = words.map(OsString::from).to_vec();
        words.extend(self.target.our_options().iter().map(OsString::from));
        words.extend([source.into(), to.into()]);
        words
    }
}

/// Every row.
pub(super) fn all() -> anyhow::Result<Vec<Row>> {
    let lines = ROWS.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| parse(line).with_context(|| line.to_owned()))
        .collect()
}

fn parse(line: &str) -> anyhow::Result<Row> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [id, volume, source, target, class] = words[..] else {
        bail!("a row has five words");
    };
    let named = |name: &str| format!("no {name}");
    Ok(Row {
        id: id.to_owned(),
        volume: Volume::ALL
            .into_iter()
            .find(|one| one.name() == volume)
            .with_context(|| named(volume))?,
        source: source.to_owned(),
        target: find(&Target::ALL, target)?,
        class: find(&Class::ALL, class)?,
    })
}

fn find<T: Copy>(all: &[(&str, T)], name: &str) -> anyhow::Result<T> {
    let found = all.iter().find(|(one, _)| *one == name);
    found
        .map(|(_, value)| *value)
        .with_context(|| format!("no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_understood() {
        let rows = all().unwrap();
        // No row leaves the list.
        assert!(rows.len() >= 33, "{}", rows.len());
        assert_eq!(rows[0].id, "ext4-mix-raw-vhdx");
        assert_eq!(rows[0].target, Target::Vhdx);
        assert!(parse("a ext4 b raw").is_err());
        assert!(parse("a ext5 b raw warm").is_err());
        assert!(parse("a ext4 b rar warm").is_err());
    }
}

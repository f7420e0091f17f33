//! `qemu-img convert`, and which of its options do best for a row.

use std::path::Path;

use super::row::{Class, Row, Target};
use super::{Best, settle};
use crate::bench::measure::{Run, measure};

/// One way to call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    words: &'static [&'static str],
}

const DEFAULT: Options = Options { words: &[] };
const PARALLEL: Options = Options {
    words: &["-m", "16", "-W"],
};
const DIRECT: Options = Options {
    words: &["-t", "none", "-T", "none", "-m", "16", "-W"],
};
const OFFLOADED: Options = Options { words: &["-C"] };
const MANY: Options = Options {
    words: &["-m", "16"],
};

impl Options {
    /// As they are typed.
    pub(super) fn shown(&self) -> String {
        if self.words.is_empty() {
            "(none)".to_owned()
        } else {
            self.words.join(" ")
        }
    }

    /// One conversion.
    pub(super) fn run(&self, source: &Path, row: &Row, to: &Path) -> anyhow::Result<Run> {
        settle(to)?;
        let mut words = vec!["convert"];
        words.extend(self.words);
        words.extend(["-f", row.source_format(), "-O", row.target.qemu_format()]);
        match row.target {
            Target::Qcow2Zlib => words.push("-c"),
            Target::Qcow2Zstd => words.extend(["-c", "-o", "compression_type=zstd"]),
            // Else it rounds the size up to its geometry.
            Target::Vhd => words.extend(["-o", "force_size=on"]),
            Target::Raw | Target::Qcow2 | Target::Vhdx => {}
        }
        let files = [source, to].map(|file| file.as_os_str().to_owned());
        let words = words.into_iter().map(std::ffi::OsString::from).chain(files);
        measure("qemu-img", words)
    }
}

/// Tries what there is, once each; keeps the options with the least processor time and those with
/// the least wall time.
pub(super) fn best(source: &Path, row: &Row, to: &Path) -> anyhow::Result<Best> {
    let candidates: &[Options] = match row.class {
        Class::Warm | Class::Sparse => &[DEFAULT, PARALLEL, DIRECT],
        Class::Compress | Class::Decompress => &[DEFAULT, MANY],
        Class::Reflink => &[OFFLOADED, PARALLEL],
    };
    let mut tried = Vec::new();
    for options in candidates {
        tried.push((options, options.run(source, row, to)?));
    }
    let least = |figure: fn(&Run) -> f64| {
        let ordered = tried
            .iter()
            .min_by(|one, other| figure(&one.1).total_cmp(&figure(&other.1)));
        ordered.map(|(options, _)| (*options).clone())
    };
    let mut best: Best = Vec::new();
    for options in [least(|run| run.cpu_seconds), least(|run| run.seconds)]
        .into_iter()
        .flatten()
    {
        if !best.contains(&options) {
            best.push(options);
        }
    }
    Ok(best)
}

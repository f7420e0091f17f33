//! `detente image info`: what an image file says of itself.

mod ours;
mod qemu;
mod text;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use detente_disk::{Format as DiskFormat, Image, Layer, Mapped as _};

use super::Format;
use super::details::{Facts, facts};
use super::source::Source;
use crate::output::Output;

/// Say what image files are: format, sizes, options, snapshots, what they rest on.
///
/// The files that an image rests on are not opened, unless --chain asks for them; nor is the data
/// file that a qcow2 image names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente image info server.vhdx\n  \
    detente image info --chain --format json overlay.qcow2\n\n\
    Exit codes: 0 fine, 2 could not tell, 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The images.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Open the files that the images rest on, too, and say the same of them.
    #[arg(long)]
    chain: bool,
    #[command(flatten)]
    source: Source,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What `st_blocks` counts (stat(2)).
const BLOCK_BYTES: u64 = 512;

/// All that is said of one file.
struct Described {
    /// As the user, or the file above, names it.
    name: PathBuf,
    layer: Layer,
    file_bytes: u64,
    /// What it takes of the disk that it lies on.
    allocated_bytes: u64,
    facts: Facts,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let mut chains = Vec::new();
    for path in &arguments.images {
        let layers = match arguments.chain {
            true => with_lengths(&arguments.source.open(path)?),
            false => vec![arguments.source.describe(path)?],
        };
        chains.push(described(path, layers));
    }
    match arguments.format {
        Format::Text => out.bytes(text::page(&chains).as_bytes())?,
        Format::Json => out.json(&ours::Document::new(&chains))?,
        Format::QemuJson => out.json(&qemu::document(&chains, arguments.chain))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The layers of an image, and how long their files are.
fn with_lengths(image: &Image) -> Vec<(Layer, u64)> {
    let len_bytes = |layer: &Layer| {
        let mut files = image.stack.files().iter();
        let file = files.find(|file| file.path == layer.path);
        file.map_or(0, |file| file.reader.len_bytes())
    };
    let layers = image.layers.iter();
    layers
        .map(|layer| (layer.clone(), len_bytes(layer)))
        .collect()
}

/// The files of a chain, the top one first.
fn described(path: &Path, layers: Vec<(Layer, u64)>) -> Vec<Described> {
    let mut chain: Vec<Described> = Vec::new();
    for (layer, file_bytes) in layers {
        let name = match chain.last() {
            None => path.to_path_buf(),
            Some(above) => full_parent_name(above).unwrap_or_else(|| layer.path.clone()),
        };
        let facts = facts(&layer.details);
        chain.push(Described {
            name,
            file_bytes,
            allocated_bytes: allocated_bytes(&layer.path, &facts),
            layer,
            facts,
        });
    }
    chain
}

/// What a file takes of the disk that it lies on, with the extents that it is made of. What cannot
/// be looked at any more was opened a moment ago: then nothing is known of it.
fn allocated_bytes(path: &Path, facts: &Facts) -> u64 {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let extents = facts.extent_files.iter().map(|name| folder.join(name));
    let files = std::iter::once(path.to_path_buf()).chain(extents);
    files.fold(0, |sum: u64, file| {
        let blocks = std::fs::metadata(file).map_or(0, |file| file.blocks());
        sum.saturating_add(blocks.saturating_mul(BLOCK_BYTES))
    })
}

/// The name of the file below, seen from where we are: as QEMU puts it together.
fn full_parent_name(file: &Described) -> Option<PathBuf> {
    let name = file.facts.parent.as_ref()?.names.first()?;
    let name = match file.layer.format {
        // Windows wrote it.
        DiskFormat::Vhdx | DiskFormat::Vhd => name.replace('\\', "/"),
        DiskFormat::Raw | DiskFormat::Qcow2 | DiskFormat::Vmdk => name.clone(),
    };
    let folder = file.name.parent().unwrap_or_else(|| Path::new(""));
    Some(folder.join(name))
}

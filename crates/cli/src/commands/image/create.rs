//! `detente image create`: an empty disk.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use detente_copy::{CreateOptions, create};

use super::asked;
use super::bytes;
use super::parent::Parent;
use super::target::TargetArguments;
use super::written::{Document, Names, failure};
use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;

/// Make an empty disk, or one that rests on another image.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente image create data.vhdx 40G\n  \
    detente image create --parent server.qcow2 test.qcow2\n\n\
    Exit codes: 0 fine, 2 not made, 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The new image.
    image: PathBuf,
    /// The size of its disk: 512, 64K, 10G; without it, the parent's.
    #[arg(value_parser = bytes::parse, required_unless_present = "parent")]
    size: Option<u64>,
    /// The image that the new one rests on (qcow2 on any, vhdx on vhdx).
    #[arg(long, value_name = "IMAGE")]
    parent: Option<PathBuf>,
    /// A further folder that the parent may name files in.
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
    /// Replace a file that has the new image's name.
    #[arg(long)]
    force: bool,
    /// Take all the room that the file may need, now.
    #[arg(long)]
    preallocate: bool,
    #[command(flatten)]
    target: TargetArguments,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let path = &arguments.image;
    let mut target = arguments
        .target
        .target(arguments.target.format_for(path)?)?;
    let mut size = arguments.size;
    if let Some(parent) = &arguments.parent {
        let parent = Parent::open(parent, &arguments.allow_path)?;
        size = size.or(Some(parent.virtual_size()));
        parent.put_under(&mut target, path, None)?;
    }
    let size = size.ok_or_else(|| Failure::usage("no size".to_owned(), "say one: 10G"))?;
    let options = CreateOptions {
        on_existing: asked::on_existing(arguments.force),
        preallocation: asked::preallocation(arguments.preallocate),
        stamp: None,
    };
    let names = Names {
        source: None,
        target: path,
    };
    let report = create(&target, size, path, &options).map_err(|error| failure(names, error))?;
    let mut document = Document::new("create");
    document.wrote(names, &report, false);
    document.print(arguments.format, out)
}

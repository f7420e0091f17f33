//! `detente image map`: where each byte of a disk is.

mod answer;
mod walk;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::source::Source;
use super::{Format, not_read};
use crate::output::Output;
use walk::{Packed, Walk};

/// Say where each byte of a disk is: in which file, compressed, zero, or nowhere.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente image map server.vhdx\n  \
    detente image map --format json server.qcow2\n\n\
    Exit codes: 0 fine, 2 could not tell, 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The image.
    image: PathBuf,
    #[command(flatten)]
    source: Source,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let path = &arguments.image;
    let image = arguments.source.open(path)?;
    let packed = match arguments.format {
        Format::Json => Packed::Apart,
        Format::Text | Format::QemuJson => Packed::Joined,
    };
    let mut walk = Walk::new(&*image.stack, packed);
    // A map can be long: it is written as it is found.
    let mut page = answer::Page::new(arguments.format, path, &*image.stack, out)?;
    for extent in &mut walk {
        page.add(&extent)?;
    }
    let fault = walk.into_fault();
    page.finish(fault.as_ref())?;
    match fault {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(not_read(path, error).into()),
    }
}

//! `detente machine show`: a definition in words.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Which, page, source};
use crate::args::Format;
use crate::output::Output;
use crate::page::clean;

/// Show what a definition says, and what of it has no word here.
///
/// With --format json it is machine.json, the neutral definition; what is lost goes to standard
/// error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente machine show web.xml\n  \
    virsh dumpxml web > web.xml && detente machine show web.xml --format json > machine.json\n  \
    detente machine show inventory.json --machine web")]
pub(crate) struct Arguments {
    /// The definition: a file, or the folder of a kit.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    #[command(flatten)]
    which: Which,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let definition = source::read(&arguments.path, &arguments.which)?;
    match arguments.format {
        Format::Text => out.bytes(page::text(&definition).as_bytes())?,
        Format::Json => {
            for loss in definition.losses.iter() {
                out.aside(&clean(&loss.to_string()));
            }
            out.json(&definition.spec)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

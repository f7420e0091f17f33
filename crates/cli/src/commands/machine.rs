//! `detente machine`: definitions of machines, without their disks.

mod compare;
mod convert;
mod diff;
mod page;
mod show;
mod source;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::output::Output;

/// Look at definitions of machines, compare them and put them into other words.
///
/// Definitions are read as libvirt's XML, as machine.json, as a kit, as an inventory or an old
/// configuration of Hyper-V's, and as an OVF or OVA package. Disks are not looked at: `detente
/// convert` moves a machine with them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Show(show::Arguments),
    Convert(convert::Arguments),
    Diff(diff::Arguments),
}

/// Which machine of a source that has several.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// Which machine of an inventory or of a package: its name or its id.
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Which size of the machine an OVF package is to have.
    #[arg(long, value_name = "ID")]
    configuration: Option<String>,
}

pub(crate) fn run(command: &Command, out: &mut Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Show(arguments) => show::run(arguments, out),
        Command::Convert(arguments) => convert::run(arguments, out),
        Command::Diff(arguments) => diff::run(arguments, out),
    }
}

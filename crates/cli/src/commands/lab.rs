//! `detente lab`: the small Linux in QEMU that runs the Hyper-V-compatible machine where this host
//! has no usable KVM.

mod down;
mod report;
mod status;
mod up;

use std::process::ExitCode;

use clap::Subcommand;

use crate::output::Output;

/// Keep a lab warm for the profile hyperv-vmbus, so that not every validation boots one.
///
/// The lab is a small Linux in QEMU; it is used only where this host has no usable KVM, and
/// nobody has to start one: a validation boots its own, and ends it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(up::Arguments),
    Status(status::Arguments),
    Down(down::Arguments),
}

pub(crate) fn run(command: &Command, out: &mut Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(arguments) => up::run(arguments, out),
        Command::Status(arguments) => status::run(arguments, out),
        Command::Down(arguments) => down::run(arguments, out),
    }
}

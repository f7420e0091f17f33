//! The first process of the lab's Linux: it loads modules, and starts and ends machines as the
//! host asks ([`detente_machine::lab`]).
//!
//! It is the only program there beside the machine itself. When it ends, so does the lab: QEMU is
//! told not to start the lab again.

mod disks;
mod machine;
mod modules;
mod mounts;
mod port;
mod pulse;
mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use detente_machine::lab::LAB_PORT;

use port::LabPort;
use server::Server;

/// Where the lab's archive has the list of modules to load, one path a line, and the machine.
pub const MODULE_LIST: &str = "/modules.list";

/// Where the lab's archive has the machine's program.
pub const MACHINE_PROGRAM: &str = "/detente-hyperv";

/// Where things are in the lab's Linux.
#[derive(Debug, Clone)]
struct Places {
    sys: PathBuf,
    dev: PathBuf,
    disks: PathBuf,
    program: PathBuf,
}

/// Runs until the host wants the lab off, or something is so wrong that nothing can be asked.
#[must_use]
pub fn main() -> ExitCode {
    if !rustix::process::getpid().is_init() {
        say("detente-lab-init is the first process of the lab's Linux and of no use elsewhere");
        return ExitCode::from(64);
    }
    if let Err(why) = run() {
        say(&format!("the lab cannot go on: {why}"));
    }
    let _ = rustix::system::reboot(rustix::system::RebootCommand::PowerOff);
    ExitCode::FAILURE
}

fn run() -> Result<(), String> {
    mounts::all().map_err(|error| format!("cannot mount: {error}"))?;
    for refused in modules::load(Path::new(MODULE_LIST)) {
        say(&refused);
    }
    let places = Places {
        sys: "/sys".into(),
        dev: "/dev".into(),
        disks: detente_machine::lab::DISK_FOLDER.into(),
        program: MACHINE_PROGRAM.into(),
    };
    let path = port::wait(&places, LAB_PORT)?;
    let port = LabPort::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Server::new(port, places)
        .and_then(Server::serve)
        .map_err(|error| format!("the host's port failed: {error}"))
}

/// For the lab's console.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "lab: {text}");
}

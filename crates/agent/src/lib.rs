//! The agent: what runs test cases inside a guest and says what it saw.
//!
//! One static file plays six roles, told apart by process number and first argument:
//!
//! - **first** (`first`): the kernel starts it as process 1 (`rdinit=`). It starts the
//!   background agent and becomes the guest's own init at once, having changed nothing; where
//!   the guest has no initramfs of its own it mounts the root first (`root`).
//! - **background** (`background`): builds itself a shelter (`shelter`), talks to the host,
//!   looks at the initramfs, waits for the real root.
//! - **worker** (`worker`): one process for each task, so that it can be killed. It enters the
//!   guest's root if its task needs it.
//! - **asker** (`systemctl`): puts one question of a worker to systemd.
//! - **tool** (`tool`): becomes a program of the guest's that a worker starts.
//! - **leaving** (`leaving`): what the background agent becomes before a shutdown.
//!
//! It judges nothing: numbers and names go to the host. It listens on no socket.
//!
//! ```no_run
//! // All that `main.rs` does, with C's `main` around it.
//! std::process::exit(detente_agent::run());
//! ```
#![deny(unsafe_code)]

mod background;
mod channel;
mod first;
mod job;
mod jobs;
mod leaving;
mod links;
mod modules;
mod namespace;
mod outbox;
mod phase;
mod root;
mod seeded;
mod serial;
mod shelter;
mod survey;
mod sysfs;
mod systemctl;
mod task_error;
mod tasks;
mod tool;
mod uptime;
mod virtio_port;
mod worker;

/// More than a program of the guest's is ever given.
const MAX_ARGUMENTS: usize = 4096;

/// Plays the role that the process number and the arguments say; the result is the exit code.
#[must_use]
pub fn run() -> i32 {
    if std::process::id() == 1 {
        return first::run();
    }
    let arguments = std::env::args_os().skip(1).take(MAX_ARGUMENTS);
    let arguments: Vec<String> = arguments
        .filter_map(|word| word.into_string().ok())
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [background::ROLE] => background::run(),
        [leaving::ROLE, channel, sequence] => leaving::run(channel, sequence),
        [worker::ROLE] => worker::run(),
        [systemctl::ROLE, ref words @ ..] => systemctl::run(words),
        [tool::ROLE, folder, program, ref argv @ ..] => tool::run(folder, program, argv),
        _ => 2,
    }
}

//! What a child process does before it becomes another program: it makes sure to die with us.
#![expect(
    unsafe_code,
    reason = "the parent-death signal can only be set in the child, between fork and exec"
)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getppid, set_parent_process_death_signal, setrlimit,
    setsid,
};

/// Binds the process that `command` starts to the **thread** that starts it: when that thread
/// ends, however it ends, the kernel kills the process. The process gets a session of its own, so
/// that no key on our terminal reaches it, and leaves no core file.
pub(crate) fn guard(command: &mut Command) {
    let parent = getpid();
    // SAFETY: `become_guarded` allocates nothing, takes no lock and touches no memory but its
    // argument; each of its calls is a bare system call (rustix, linux_raw), so it is sound in
    // the child of a fork even when other threads of ours hold locks.
    unsafe {
        command.pre_exec(move || become_guarded(parent));
    }
}

/// Gives the process that `command` starts a session of its own: it outlives us, deliberately.
pub(crate) fn detach(command: &mut Command) {
    // SAFETY: `setsid` is a bare system call (rustix, linux_raw) that takes no lock and touches
    // no memory, so it is sound in the child of a fork.
    unsafe {
        command.pre_exec(|| setsid().map(drop).map_err(io::Error::from));
    }
}

fn become_guarded(parent: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Whoever died before the signal was set cannot send it any more.
    if getppid() != Some(parent) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    setsid()?;
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    Ok(())
}

//! Process 1: starts the background agent and becomes the guest's own init.
//!
//! Nothing may fail here: a process 1 that ends is a kernel panic. So each step that can go
//! wrong is let go of, and the guest boots without us.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::background;

/// Where the host put the agent.
pub(crate) const AGENT_PATH: &str = "/.detente/agent";
/// Where the host put the order.
pub(crate) const ORDER_PATH: &str = "/.detente/order.json";

/// What the kernel tries itself (`init/main.c`), in its order.
const INITS: [&str; 5] = ["/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"];

/// Returns only if there is no init at all.
pub(crate) fn run() -> i32 {
    std::panic::set_hook(Box::new(|_| {
        become_init();
    }));
    // The environment stays for the guest's init; the agent needs none. The child outlives us
    // as a child of whatever process 1 becomes, so nobody waits for it here.
    let _ = Command::new(AGENT_PATH)
        .arg0("@detente-agent")
        .arg(background::ROLE)
        .env_clear()
        .spawn();
    become_init();
    1
}

fn become_init() {
    let ordered = background::read_order(ORDER_PATH).map(|order| order.original_init);
    let tail: Vec<OsString> = std::env::args_os().skip(1).collect();
    for init in ordered.iter().map(String::as_str).chain(INITS) {
        // Comes back only when it failed; the next one may do.
        let _ = Command::new(init).arg0(init).args(&tail).exec();
    }
}

//! Process 1: starts the background agent and becomes the guest's own init.
//!
//! Nothing may fail here: a process 1 that ends is a kernel panic. So each step that can go
//! wrong is let go of, and the guest boots without us. Drivers that the order names are loaded
//! first (`modules`). Where the guest has no initramfs of its
//! own, process 1 mounts the root first, as the kernel would have; where the kernel would have
//! panicked it does so too, a little later.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use detente_plan::protocol::{Order, RootMount};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::background;
use crate::modules;
use crate::root;

/// Where the host put the agent.
pub(crate) const AGENT_PATH: &str = "/.detente/agent";
/// Where the host put the order.
pub(crate) const ORDER_PATH: &str = "/.detente/order.json";

/// What the kernel tries itself (`init/main.c`), in its order: in an initramfs all of them, in
/// the root all but the first.
const INITS: [&str; 5] = ["/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"];

/// How long the background agent may take to leave our mounts before the root comes.
const SETTLING_S: i64 = 10;
/// How long the background agent has to say what it sees before the panic.
const LAST_LOOK: Duration = Duration::from_secs(20);

/// Returns only if there is no init at all.
pub(crate) fn run() -> i32 {
    std::panic::set_hook(Box::new(|_| {
        let order = background::read_order(ORDER_PATH);
        become_init(order.as_ref());
    }));
    let order = background::read_order(ORDER_PATH);
    // The environment stays for the guest's init; the agent needs none. The child outlives us
    // as a child of whatever process 1 becomes, so nobody waits for it here.
    let mut agent = Command::new(AGENT_PATH);
    agent
        .arg0("@detente-agent")
        .arg(background::ROLE)
        .env_clear();
    let root = order.as_ref().and_then(|order| order.root.as_ref());
    if let Some(root) = root {
        return mount_and_go_on(agent, root);
    }
    let _ = agent.spawn();
    if let Some(order) = &order {
        modules::load(&order.modules);
    }
    become_init(order.as_ref());
    1
}

fn become_init(order: Option<&Order>) {
    let ordered = order.map(|order| order.original_init.as_str());
    ordered.into_iter().chain(INITS).for_each(execute);
}

/// Comes back only when it failed; the next one may do.
fn execute(init: &str) {
    let tail: Vec<OsString> = std::env::args_os().skip(1).collect();
    let _ = Command::new(init).arg0(init).args(&tail).exec();
}

/// Does the kernel's part, and becomes the final init.
fn mount_and_go_on(mut agent: Command, root: &RootMount) -> i32 {
    // The agent lets go of its standard output when it has left our mounts: what is mounted
    // before that it would hold to the end.
    if let Ok(child) = agent.stdout(Stdio::piped()).spawn() {
        wait_until_settled(&child);
    }
    if let Err(error) = root::enter(root) {
        return give_up(&error.to_string());
    }
    match &root.init {
        // The kernel tries no other then.
        Some(init) => execute(init),
        None => INITS.iter().skip(1).for_each(|init| execute(init)),
    }
    give_up("it holds no init that can be started")
}

fn wait_until_settled(child: &Child) {
    if let Some(output) = &child.stdout {
        let mut end = [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::HUP)];
        let limit = Timespec {
            tv_sec: SETTLING_S,
            tv_nsec: 0,
        };
        let _ = poll(&mut end, Some(&limit));
    }
}

/// Says why there is no root, and leaves the background agent time to look around. The kernel
/// panics when process 1 ends.
fn give_up(why: &str) -> i32 {
    let line = format!("detente-agent: no root: {why}\n");
    let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
    sleep(LAST_LOOK);
    1
}

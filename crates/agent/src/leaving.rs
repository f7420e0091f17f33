//! What the background agent becomes before a shutdown.
//!
//! systemd spares a process whose name begins with `@` even in the last round, where it would
//! block the last unmount. A process cannot rename itself for good without unsafe code, so it
//! executes itself under another name. Its channels are standard input and output.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use detente_plan::protocol::{AgentMessage, Channel, Phase};

use crate::channel::Link;
use crate::shelter::AGENT_COPY;
use crate::uptime::uptime_ms;

/// The first argument of the leaving agent.
pub(crate) const ROLE: &str = "leaving";

const SERIAL: &str = "serial";
const VIRTIO_PORT: &str = "virtio-port";

/// Becomes the leaving agent; comes back only if that fails.
pub(crate) fn become_leaving(link: &Link, sequence: u64) -> io::Error {
    if let Err(error) = rustix::stdio::dup2_stdin(link.as_fd()) {
        return error.into();
    }
    let channel = match link.channel {
        Channel::Serial => SERIAL,
        Channel::VirtioPort => VIRTIO_PORT,
    };
    Command::new(AGENT_COPY)
        .arg0("detente-agent")
        .args([ROLE, channel, &sequence.to_string()])
        .exec()
}

/// Says that it has let go of everything, and is alive until it is told to end (SIGTERM).
pub(crate) fn run(channel: &str, sequence: &str) -> i32 {
    let channel = if channel == VIRTIO_PORT {
        Channel::VirtioPort
    } else {
        Channel::Serial
    };
    let Ok(fd) = io::stdin().as_fd().try_clone_to_owned() else {
        return 1;
    };
    let mut link = Link::new(channel, fd);
    let mut sequence = sequence.parse().unwrap_or(0_u64);
    link.send(&AgentMessage::PhaseChanged {
        phase: Phase::Leaving,
        uptime_ms: uptime_ms(),
    });
    loop {
        link.send(&AgentMessage::Heartbeat {
            sequence,
            phase: Phase::Leaving,
            uptime_ms: uptime_ms(),
        });
        sequence = sequence.saturating_add(1);
        // Whatever goes wrong now, ending is the shutdown's business.
        let _ = link.write();
        let _ = link.read();
        sleep(Duration::from_secs(1));
    }
}

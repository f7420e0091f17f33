//! The background agent: talks to the host and keeps an eye on everything.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use detente_plan::protocol::{AgentMessage, Channel, HostMessage, Order, PROTOCOL, Phase};

use crate::first::{AGENT_PATH, ORDER_PATH};
use crate::jobs::{Jobs, Request};
use crate::leaving;
use crate::links::Links;
use crate::namespace;
use crate::phase::RootWatch;
use crate::seeded::sha256_hex;
use crate::shelter;
use crate::survey::{self, Listing};
use crate::uptime::uptime_ms;

/// The first argument of the background agent.
pub(crate) const ROLE: &str = "background";

const BEAT: Duration = Duration::from_secs(1);
/// How much less of the processors than the guest's own boot the agent claims before the root is
/// there (nice(2)).
const STAND_BACK: i32 = 10;
/// The kernel needs about this long to find the devices of a small machine.
const BEFORE_SURVEY: Duration = Duration::from_millis(700);
/// How often we look after workers and process 1.
const TICK: Duration = Duration::from_millis(200);
const MAX_ORDER_BYTES: u64 = 64 * 1024;

/// Everything that the background agent knows.
struct Agent {
    order: Order,
    links: Links,
    jobs: Jobs,
    watch: RootWatch,
    phase: Phase,
    listing: Listing,
    sequence: u64,
}

/// Runs until the machine stops.
pub(crate) fn run() -> i32 {
    match settle() {
        Ok(mut agent) => agent.live(),
        Err(error) => {
            // Standard error is still the guest's console; this is the one line we ever write to it.
            let line = format!("detente-agent: cannot settle: {error}\n");
            let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
            1
        }
    }
}

/// The order beside the agent; `None` when there is none that can be read.
pub(crate) fn read_order(path: &str) -> Option<Order> {
    let known = fs::metadata(path).ok()?.len() <= MAX_ORDER_BYTES;
    let text = known.then(|| fs::read(path).ok()).flatten()?;
    serde_json::from_slice(&text).ok()
}

/// Moves out of the initramfs, having looked at it.
fn settle() -> io::Result<Agent> {
    let _ = rustix::process::setsid();
    // The guest's own boot goes first; where we may not stand back it costs a little time.
    let _ = rustix::process::nice(STAND_BACK);
    namespace::leave_mounts()?;
    let order = read_order(ORDER_PATH).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let file = fs::read(AGENT_PATH)?;
    let first_device = fs::metadata("/")?.dev();
    shelter::build(&file)?;
    let listing = if order.root.is_none() {
        Listing::of(Path::new("/"))
    } else {
        // Process 1 waits for us: no module has been loaded yet.
        Listing::of_kernel(Path::new(shelter::SYS_OUTSIDE))
    };
    shelter::enter()?;
    shelter::let_go_of_console()?;
    // The kernel shall look elsewhere first; where it will not let us say so we live with it.
    let _ = fs::write("/proc/self/oom_score_adj", "-900");
    let hello = AgentMessage::Hello {
        protocol: PROTOCOL,
        run_id: order.run_id.clone(),
        plan_digest: order.plan_digest.clone(),
        agent_sha256: sha256_hex(&file),
        kernel_release: rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned(),
    };
    Ok(Agent {
        order,
        links: Links::new(hello),
        jobs: Jobs::new(shelter::AGENT_COPY, first_device),
        watch: RootWatch::new(first_device),
        phase: Phase::Initramfs,
        listing,
        sequence: 0,
    })
}

impl Agent {
    fn live(&mut self) -> i32 {
        let mut beat = Instant::now();
        let mut survey = Some(Instant::now() + BEFORE_SURVEY);
        loop {
            let now = Instant::now();
            if now >= beat {
                beat = now + BEAT;
                self.beat();
            }
            if survey.is_some_and(|due| now >= due) {
                survey = None;
                self.survey();
            }
            self.watch_root();
            for message in self.jobs.poll() {
                self.links.send(&message);
            }
            for (channel, message) in self.links.exchange() {
                self.obey(channel, message);
            }
            self.links.wait(self.jobs.pipes(), TICK);
        }
    }

    fn beat(&mut self) {
        self.links.open_missing();
        let (sequence, phase) = (self.sequence, self.phase);
        self.links.send(&AgentMessage::Heartbeat {
            sequence,
            phase,
            uptime_ms: uptime_ms(),
        });
        self.sequence = sequence.saturating_add(1);
    }

    fn survey(&mut self) {
        let survey = survey::take(&self.listing, Path::new("/"), uptime_ms());
        self.links.send(&AgentMessage::Survey(survey));
    }

    fn watch_root(&mut self) {
        if self.phase == Phase::Initramfs && self.watch.look(Path::new("/proc")) {
            self.phase = Phase::Root;
            let _ = rustix::process::nice(-STAND_BACK);
            self.links.send(&AgentMessage::PhaseChanged {
                phase: Phase::Root,
                uptime_ms: uptime_ms(),
            });
        }
    }

    /// Does what the host says, if this is the host whose order we have.
    fn obey(&mut self, channel: Channel, message: HostMessage) {
        if let HostMessage::Welcome {
            run_id,
            plan_digest,
        } = &message
        {
            let ours = *run_id == self.order.run_id && *plan_digest == self.order.plan_digest;
            self.links.welcome(channel, ours);
            return;
        }
        if !self.links.is_welcomed(channel) {
            return;
        }
        match message {
            HostMessage::Welcome { .. } => {}
            HostMessage::Survey => self.survey(),
            HostMessage::Run {
                task_id,
                task,
                timeout_ms,
                output_limit_bytes,
            } => {
                let refused = self.jobs.start(Request {
                    task_id,
                    task,
                    timeout_ms,
                    output_limit_bytes,
                });
                self.links.send_all(refused);
            }
            HostMessage::Cancel { task_id } => {
                let cancelled = self.jobs.cancel(task_id);
                self.links.send_all(cancelled);
            }
            HostMessage::Leave => self.leave(),
        }
    }

    /// Ends the workers, sends what waits, and becomes the leaving agent.
    fn leave(&mut self) {
        let cancelled = self.jobs.cancel_all();
        self.links.send_all(cancelled);
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end && !(self.jobs.are_gone() && self.links.are_idle()) {
            let last = self.jobs.poll();
            self.links.send_all(last);
            // What the host says after `Leave` is no longer heard.
            let _ = self.links.exchange();
            self.links
                .wait(self.jobs.pipes(), Duration::from_millis(20));
        }
        if let Some(link) = self.links.best() {
            // It comes back only when it failed; then we stay what we are.
            let _ = leaving::become_leaving(link, self.sequence);
        }
    }
}

//! The heartbeat component: does the guest's kernel still answer?
//!
//! Every two seconds the guest gets a number, and answers with the next one. The body: sequence
//! (64 bits), state of the guest's applications (32 bits), and 28 reserved bytes. Beats that the
//! guest leaves unanswered are counted when the next one is due; an answer, also a late one, sets
//! the count back.
//!
//! What only a real guest shows: the state of applications, which Linux leaves at nothing
//! ([`ApplicationState::Unknown`]); and that an answer means life in the kernel, not in user space.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::device::{Channel, DeviceError, Now};
use crate::guid::Guid;
use crate::ic::{Component, IcVersion, Incoming, Kind, Reply, Session, Stage, fields, lock};

/// How often the guest is asked; what Linux's driver says of the hosts that it knows.
pub const INTERVAL: Duration = Duration::from_secs(2);

const CLASS: Guid = Guid::new(0x5716_4f39_9115_4e78_ab55_382f_3bd5_422d);
const INSTANCE: Guid = Guid::new(0xfd14_9e91_82e0_4a7d_afa6_2a41_66cb_d7c0);
const VERSIONS: &[IcVersion] = &[IcVersion::new(3, 0), IcVersion::new(1, 0)];
const BODY_BYTES: usize = 40;

/// Beats older than this many are forgotten, and answers to them are ignored.
const REMEMBERED: usize = 32;

/// What the guest says of its applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApplicationState {
    /// It does not say.
    #[default]
    Unknown,
    /// They are well.
    Healthy,
    /// They are in trouble.
    Critical,
    /// They do not run any more.
    Stopped,
    /// A number that we do not know.
    Other(u32),
}

impl ApplicationState {
    fn of(number: u32) -> Self {
        match number {
            0 => Self::Unknown,
            1 => Self::Healthy,
            2 => Self::Critical,
            3 => Self::Stopped,
            other => Self::Other(other),
        }
    }
}

/// What is known of the guest's heart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulse {
    /// How far the guest is.
    pub stage: Stage,
    /// Beats sent since the channel was opened.
    pub sent: u64,
    /// Sound answers since then.
    pub answered: u64,
    /// When the last of them came, on the clock of [`Now::elapsed`].
    pub last_seen: Option<Duration>,
    /// Beats without an answer since then.
    pub missed: u64,
    /// Answers with another number than the next one.
    pub wrong: u64,
    /// What the last sound answer said of applications.
    pub state: ApplicationState,
}

/// The owner's side of the heartbeat component.
#[derive(Debug, Clone)]
pub struct HeartbeatHandle(Arc<Mutex<Pulse>>);

impl HeartbeatHandle {
    /// What is known by now.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        *lock(&self.0)
    }
}

/// The heartbeat component.
#[derive(Debug)]
pub struct Heartbeat {
    session: Session,
    pulse: Pulse,
    shared: Arc<Mutex<Pulse>>,
    next: Option<Duration>,
    sequence: u64,
    /// Transactions and sequences of the beats whose answers would count.
    unanswered: VecDeque<(u8, u64)>,
    /// Whether nothing sound has come since the last beat was due.
    owed: bool,
}

/// A heartbeat component, and what watches it.
#[must_use]
pub fn new() -> (Heartbeat, HeartbeatHandle) {
    let shared = Arc::default();
    let handle = HeartbeatHandle(Arc::clone(&shared));
    let device = Heartbeat {
        session: Session::new(Kind::Heartbeat, VERSIONS),
        pulse: Pulse::default(),
        shared,
        next: None,
        sequence: 0,
        unanswered: VecDeque::new(),
        owed: false,
    };
    (device, handle)
}

impl Heartbeat {
    fn answered(&mut self, reply: &Reply, now: Now) {
        let sent = |beat: &&(u8, u64)| beat.0 == reply.transaction;
        let Some(&(transaction, sequence)) = self.unanswered.iter().find(sent) else {
            return;
        };
        self.unanswered.retain(|beat| beat.0 != transaction);
        let next = sequence.checked_add(1);
        if reply.status != 0 || fields::u64_at(&reply.body, 0) != next {
            self.pulse.wrong = self.pulse.wrong.saturating_add(1);
            return;
        }
        let state = fields::u32_at(&reply.body, 8).unwrap_or(0);
        self.pulse.state = ApplicationState::of(state);
        self.pulse.answered = self.pulse.answered.saturating_add(1);
        self.pulse.last_seen = Some(now.elapsed);
        self.pulse.missed = 0;
        self.owed = false;
    }

    /// Sends the beat that is due. A ring without room is a guest that does not read: the beat
    /// counts as missed when the next one is due.
    fn beat(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        if self.next.is_some_and(|next| now.elapsed < next) {
            return Ok(());
        }
        self.next = Some(now.elapsed.saturating_add(INTERVAL));
        if std::mem::replace(&mut self.owed, true) {
            self.pulse.missed = self.pulse.missed.saturating_add(1);
        }
        let sequence = self.sequence.saturating_add(1);
        let mut body = vec![0; BODY_BYTES];
        fields::put(&mut body, 0, &sequence.to_le_bytes());
        if let Some(transaction) = self.session.request(channel, &body)? {
            self.sequence = sequence;
            self.pulse.sent = self.pulse.sent.saturating_add(1);
            self.unanswered.push_back((transaction, sequence));
            if self.unanswered.len() > REMEMBERED {
                self.unanswered.pop_front();
            }
        }
        Ok(())
    }
}

impl Component for Heartbeat {
    const CLASS: Guid = CLASS;
    const INSTANCE: Guid = INSTANCE;

    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn begin(&mut self) {
        self.pulse = Pulse::default();
        self.next = None;
        self.owed = false;
        self.unanswered.clear();
    }

    fn heard(&mut self, incoming: Incoming, now: Now) {
        match incoming {
            Incoming::Reply(reply) => self.answered(&reply, now),
            Incoming::Negotiated | Incoming::Other => {}
        }
    }

    fn speak(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        match self.session.stage() {
            Stage::Ready(_) => self.beat(channel, now),
            Stage::Closed | Stage::Negotiating | Stage::NoVersion | Stage::Broken => Ok(()),
        }
    }

    fn publish(&mut self) {
        self.pulse.stage = self.session.stage();
        *lock(&self.shared) = self.pulse;
    }

    fn due(&self) -> Option<Duration> {
        match self.session.stage() {
            Stage::Ready(_) => self.next,
            Stage::Closed | Stage::Negotiating | Stage::NoVersion | Stage::Broken => None,
        }
    }
}

#[cfg(test)]
mod tests;

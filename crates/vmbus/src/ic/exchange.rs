//! A component that is asked and answers: one request at a time, each with a time limit.
//!
//! The guest works on one request at a time. One whose time is over no longer counts: its answer,
//! when it comes, is known by its transaction and dropped, and the next request is sent meanwhile
//! (Linux leaves it in the ring until it is done with the first).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::header::{IcVersion, Kind};
use super::request::{Asked, Failure, Shared, lock};
use super::session::{Incoming, Reply, Session};
use super::{Component, Stage};
use crate::device::{Channel, DeviceError, Now};
use crate::guid::Guid;

/// So many requests may be unanswered beyond their time; then nothing more is sent.
const ABANDONED_LIMIT: usize = 8;

/// What one component says and hears.
pub(crate) trait Service: Send + 'static {
    type Query: Send;
    type Answer: Send;
    const KIND: Kind;
    const VERSIONS: &'static [IcVersion];
    const CLASS: Guid;
    const INSTANCE: Guid;

    /// The body of a request, as long as its longest answer.
    fn write(query: &Self::Query) -> Vec<u8>;

    /// What an answer means.
    fn read(
        query: Self::Query,
        reply: &Reply,
    ) -> Result<Step<Self::Query, Self::Answer>, Rejection>;
}

/// Where an answer leads to.
pub(crate) enum Step<Q, A> {
    /// The request is done.
    Done(A),
    /// Another question belongs to it.
    Ask(Q),
}

/// Why an answer is none.
#[derive(Debug)]
pub(crate) enum Rejection {
    Status(u32),
    Malformed(String),
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Status(status) => Self::Refused { status },
            Rejection::Malformed(rule) => Self::Malformed { rule },
        }
    }
}

/// The device of such a component.
pub(crate) struct Exchange<S: Service> {
    session: Session,
    shared: Arc<Mutex<Shared<S::Query, S::Answer>>>,
    live: Option<Live<S>>,
    abandoned: VecDeque<u8>,
}

struct Live<S: Service> {
    transaction: u8,
    asked: Asked<S::Query, S::Answer>,
}

impl<S: Service> Exchange<S> {
    pub(crate) fn new(shared: Arc<Mutex<Shared<S::Query, S::Answer>>>) -> Self {
        Self {
            session: Session::new(S::KIND, S::VERSIONS),
            shared,
            live: None,
            abandoned: VecDeque::new(),
        }
    }

    fn answered(&mut self, reply: &Reply) {
        let is_live = |live: &mut Live<S>| live.transaction == reply.transaction;
        let Some(live) = self.live.take_if(is_live) else {
            self.abandoned.retain(|&old| old != reply.transaction);
            return;
        };
        let Asked {
            query,
            until,
            pending,
        } = live.asked;
        match S::read(query, reply) {
            Ok(Step::Done(answer)) => pending.settle(Ok(answer)),
            Ok(Step::Ask(query)) => lock(&self.shared).waiting.push_front(Asked {
                query,
                until,
                pending,
            }),
            Err(rejection) => pending.settle(Err(rejection.into())),
        }
    }

    fn expire(&mut self, now: Now) {
        if let Some(live) = self.live.take_if(|live| live.asked.until <= now.elapsed) {
            live.asked.pending.settle(Err(Failure::NoAnswer));
            self.abandoned.push_back(live.transaction);
        }
        lock(&self.shared).waiting.retain(|asked| {
            let over = asked.until <= now.elapsed;
            if over {
                asked.pending.settle(Err(Failure::NotSent));
            }
            !over
        });
    }

    fn send_next(&mut self, channel: &mut dyn Channel) -> Result<(), DeviceError> {
        if self.live.is_some() || self.abandoned.len() >= ABANDONED_LIMIT {
            return Ok(());
        }
        let mut shared = lock(&self.shared);
        let Some(asked) = shared.waiting.front() else {
            return Ok(());
        };
        let Some(transaction) = self.session.request(channel, &S::write(&asked.query))? else {
            return Ok(());
        };
        let asked = shared.waiting.pop_front();
        self.live = asked.map(|asked| Live { transaction, asked });
        Ok(())
    }
}

impl<S: Service> Component for Exchange<S> {
    const CLASS: Guid = S::CLASS;
    const INSTANCE: Guid = S::INSTANCE;

    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn begin(&mut self) {}

    fn heard(&mut self, incoming: Incoming, _: Now) {
        match incoming {
            Incoming::Reply(reply) => self.answered(&reply),
            Incoming::Negotiated | Incoming::Other => {}
        }
    }

    fn speak(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        self.expire(now);
        self.send_next(channel)
    }

    /// Tells the handle where we are, and ends what has become hopeless.
    fn publish(&mut self) {
        let mut shared = lock(&self.shared);
        shared.stage = self.session.stage();
        if let Some(failure) = shared.hopeless() {
            let live = self.live.take().map(|live| live.asked);
            for asked in live.into_iter().chain(shared.waiting.drain(..)) {
                asked.pending.settle(Err(failure.clone()));
            }
            self.abandoned.clear();
        }
    }

    fn due(&self) -> Option<Duration> {
        if matches!(self.session.stage(), Stage::Closed) {
            return None;
        }
        let live = self.live.as_ref().map(|live| live.asked.until);
        let shared = lock(&self.shared);
        let waiting = shared.waiting.iter().map(|asked| asked.until);
        waiting.chain(live).min()
    }
}

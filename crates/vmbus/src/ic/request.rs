//! Requests of a component's owner: asked anywhere, answered when the guest does, or never.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Stage;

/// More requests than this wait for nothing good.
const WAITING_LIMIT: usize = 32;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The guest has not opened the channel, or has closed it.
    #[error("the guest has the channel not open")]
    Closed,
    /// The guest knows none of our versions.
    #[error("the guest knows no version of the component that we know")]
    NoVersion,
    /// The guest broke a rule of the channel.
    #[error("the guest broke a rule, and the channel rests")]
    Broken,
    /// Its time was over before it could be sent.
    #[error("the guest was not ready in time, so it was not asked")]
    NotSent,
    /// Its time was over before the answer came.
    #[error("the guest did not answer in time")]
    NoAnswer,
    /// The guest says that it cannot.
    #[error("the guest refused with status {status:#010x}")]
    Refused {
        /// What it gave as the reason.
        status: u32,
    },
    /// The guest's answer breaks a rule of the component.
    #[error("the guest's answer is malformed: {rule}")]
    Malformed {
        /// Which one.
        rule: String,
    },
    /// What was asked cannot be said in a message.
    #[error("the request cannot be sent: {rule}")]
    Unsayable {
        /// Why.
        rule: String,
    },
    /// Too many requests wait already.
    #[error("{WAITING_LIMIT} requests wait already")]
    TooMany,
}

/// A request that was made; its result comes here.
#[derive(Debug)]
pub struct Pending<A>(Arc<Mutex<Option<Result<A, Failure>>>>);

impl<A> Clone for Pending<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> Pending<A> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// The result, once, when there is one.
    #[must_use]
    pub fn take(&self) -> Option<Result<A, Failure>> {
        lock(&self.0).take()
    }

    pub(crate) fn settle(&self, result: Result<A, Failure>) {
        *lock(&self.0) = Some(result);
    }
}

/// Locks, also when somebody panicked with the lock: what is inside is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Asked<Q, A> {
    pub(crate) query: Q,
    /// When it is over, on the clock of [`Now::elapsed`](crate::Now).
    pub(crate) until: Duration,
    pub(crate) pending: Pending<A>,
}

/// What device and handle share.
#[derive(Debug)]
pub(crate) struct Shared<Q, A> {
    pub(crate) stage: Stage,
    pub(crate) waiting: VecDeque<Asked<Q, A>>,
}

impl<Q, A> Shared<Q, A> {
    /// Why no request can be answered, ever, on this channel.
    pub(crate) fn hopeless(&self) -> Option<Failure> {
        match self.stage {
            Stage::Negotiating | Stage::Ready(_) => None,
            Stage::Closed => Some(Failure::Closed),
            Stage::NoVersion => Some(Failure::NoVersion),
            Stage::Broken => Some(Failure::Broken),
        }
    }
}

/// The owner's side of a component that is asked.
#[derive(Debug)]
pub(crate) struct Asker<Q, A>(pub(crate) Arc<Mutex<Shared<Q, A>>>);

impl<Q, A> Clone for Asker<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A new pair's shared part.
pub(crate) fn shared<Q, A>() -> Arc<Mutex<Shared<Q, A>>> {
    Arc::new(Mutex::new(Shared {
        stage: Stage::Closed,
        waiting: VecDeque::new(),
    }))
}

impl<Q, A> Asker<Q, A> {
    pub(crate) fn stage(&self) -> Stage {
        lock(&self.0).stage
    }

    /// Asks. What is known to be in vain fails at once.
    pub(crate) fn ask(&self, query: Q, until: Duration) -> Pending<A> {
        let pending = Pending::new();
        let mut shared = lock(&self.0);
        let failure = shared
            .hopeless()
            .or_else(|| (shared.waiting.len() >= WAITING_LIMIT).then_some(Failure::TooMany));
        match failure {
            Some(failure) => pending.settle(Err(failure)),
            None => shared.waiting.push_back(Asked {
                query,
                until,
                pending: pending.clone(),
            }),
        }
        pending
    }

    /// A request that failed before it was made.
    pub(crate) fn refuse(rule: String) -> Pending<A> {
        let pending = Pending::new();
        pending.settle(Err(Failure::Unsayable { rule }));
        pending
    }
}

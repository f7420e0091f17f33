//! Test plans, cases and verdicts, and what host and agent say to each other.
//!
//! A [`Plan`](plan::Plan) is versioned data with a digest. The agent measures and sends an
//! [`Observation`](protocol::Observation); [`judge`] turns it into a verdict on the host, where
//! the guest cannot reach it.
#![forbid(unsafe_code)]

pub mod protocol;

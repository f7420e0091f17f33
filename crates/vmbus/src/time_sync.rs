//! The time synchronisation component: the guest is told what time it is.
//!
//! After the negotiation the guest gets one message that asks it to set its clock (flag 1), then a
//! sample (flag 2) every five seconds, from which it may correct itself. The owner can ask for
//! another synchronisation, as after a pause. The time is in units of 100 ns since 1601-01-01, UTC.
//!
//! | version | body |
//! |---|---|
//! | 4.0 | parent time 64, reference time 64, flags 8, leap indicator 8, stratum 8, 5 reserved bytes |
//! | 3.0, 1.0 | parent time 64, child time 64, round trip 64, flags 8, 3 reserved bytes |
//!
//! The reference time is the partition's counter at the moment of the parent time: so what a
//! message waits in the ring does not matter, and [`Now::reference`] and [`Now::wall`] have to be
//! read together.
//!
//! At most one message is unanswered at a time: older kernels take one out of the ring at each
//! interrupt, and stall when there are two. A guest that never answers gets the next message
//! after four intervals.
//!
//! What only a real guest shows: whether it sets its clock. Linux does so on flag 1 only, unless
//! `hv_utils.timesync_implicit` is set; chrony or phc2sys may use the samples as `/dev/ptp_hyperv`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::device::{Channel, DeviceError, Now};
use crate::guid::Guid;
use crate::ic::{Component, IcVersion, Incoming, Kind, Reply, Session, Stage, lock};

/// How often the guest gets a sample: as OpenVMM does it.
pub const INTERVAL: Duration = Duration::from_secs(5);

const CLASS: Guid = Guid::new(0x9527_e630_d0ae_497b_adce_e80a_b017_5caf);
const INSTANCE: Guid = Guid::new(0x2dd1_ce17_079e_403c_b352_a192_1ee2_07ee);
const REFERENCE_VERSION: IcVersion = IcVersion::new(4, 0);
const VERSIONS: &[IcVersion] = &[
    REFERENCE_VERSION,
    IcVersion::new(3, 0),
    IcVersion::new(1, 0),
];

/// From 1601-01-01 to 1970-01-01, in units of 100 ns.
const EPOCH: u64 = 116_444_736_000_000_000;
const UNIT_NANOS: u128 = 100;

const FLAG_SYNC: u8 = 1;
const FLAG_SAMPLE: u8 = 2;

/// How many intervals an answer may take before the next message is sent without it.
const PATIENCE: u32 = 4;

/// The leap indicator of NTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leap {
    /// Nothing is to come.
    #[default]
    None,
    /// The last minute of the day has 61 seconds.
    Insert,
    /// The last minute of the day has 59 seconds.
    Delete,
    /// The host's clock is not synchronised.
    Unsynchronised,
}

/// What the host says of its own clock. The default says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockQuality {
    /// Whether a leap second is near.
    pub leap: Leap,
    /// How far from a reference clock it is, as NTP counts; 0 is unspecified.
    pub stratum: u8,
}

/// What was said to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeReport {
    /// How far the guest is.
    pub stage: Stage,
    /// Messages since the channel was opened that ask the guest to set its clock.
    pub syncs: u64,
    /// Samples since then.
    pub samples: u64,
    /// What the guest has answered since then.
    pub answered: u64,
    /// Answers that say that the guest could do nothing with the message.
    pub refused: u64,
    /// The parent time of the last message, in units of 100 ns since 1601.
    pub last_parent_time: Option<u64>,
}

#[derive(Debug, Default)]
struct Shared {
    report: TimeReport,
    quality: ClockQuality,
    wanted: bool,
}

/// The owner's side of the time component.
#[derive(Debug, Clone)]
pub struct TimeSyncHandle(Arc<Mutex<Shared>>);

impl TimeSyncHandle {
    /// What was said by now.
    #[must_use]
    pub fn report(&self) -> TimeReport {
        lock(&self.0).report
    }

    /// Asks for a message that sets the guest's clock; then the owner pokes the device.
    pub fn sync(&self) {
        lock(&self.0).wanted = true;
    }

    /// Says how good the host's clock is, from the next message on.
    pub fn set_quality(&self, quality: ClockQuality) {
        lock(&self.0).quality = quality;
    }
}

/// The time component.
#[derive(Debug)]
pub struct TimeSync {
    session: Session,
    shared: Arc<Mutex<Shared>>,
    next: Option<Duration>,
    unanswered: Option<Unanswered>,
}

#[derive(Debug, Clone, Copy)]
struct Unanswered {
    transaction: u8,
    until: Duration,
}

/// A time component, and what asks it.
#[must_use]
pub fn new() -> (TimeSync, TimeSyncHandle) {
    let shared = Arc::default();
    let handle = TimeSyncHandle(Arc::clone(&shared));
    let device = TimeSync {
        session: Session::new(Kind::TimeSync, VERSIONS),
        shared,
        next: None,
        unanswered: None,
    };
    (device, handle)
}

impl TimeSync {
    fn answered(&mut self, reply: &Reply) {
        let ours = |sent: &mut Unanswered| sent.transaction == reply.transaction;
        if self.unanswered.take_if(ours).is_some() {
            let mut shared = lock(&self.shared);
            let report = &mut shared.report;
            report.answered = report.answered.saturating_add(1);
            let refused = u64::from(reply.status != 0);
            report.refused = report.refused.saturating_add(refused);
        }
    }

    /// Says what time it is, if that is due.
    fn tell(
        &mut self,
        channel: &mut dyn Channel,
        now: Now,
        version: IcVersion,
    ) -> Result<(), DeviceError> {
        let mut shared = lock(&self.shared);
        let wanted = shared.wanted;
        if !wanted && self.next.is_some_and(|next| now.elapsed < next) {
            return Ok(());
        }
        let flags = if wanted { FLAG_SYNC } else { FLAG_SAMPLE };
        let parent = parent_time(now);
        let body = body(version, parent, now.reference, flags, shared.quality);
        // Without room a synchronisation stays wanted; a sample is as good later.
        if let Some(transaction) = self.session.request(channel, &body)? {
            let patience = INTERVAL.saturating_mul(PATIENCE);
            self.unanswered = Some(Unanswered {
                transaction,
                until: now.elapsed.saturating_add(patience),
            });
            let report = &mut shared.report;
            let count = if wanted {
                &mut report.syncs
            } else {
                &mut report.samples
            };
            *count = count.saturating_add(1);
            report.last_parent_time = Some(parent);
            shared.wanted = false;
        }
        self.next = Some(now.elapsed.saturating_add(INTERVAL));
        Ok(())
    }
}

/// The wall clock in units of 100 ns since 1601.
fn parent_time(now: Now) -> u64 {
    let since_1970 = now.wall.as_nanos().checked_div(UNIT_NANOS).unwrap_or(0);
    u64::try_from(since_1970)
        .unwrap_or(u64::MAX)
        .saturating_add(EPOCH)
}

fn body(
    version: IcVersion,
    parent: u64,
    reference: u64,
    flags: u8,
    quality: ClockQuality,
) -> Vec<u8> {
    let leap = match quality.leap {
        Leap::None => 0,
        Leap::Insert => 1,
        Leap::Delete => 2,
        Leap::Unsynchronised => 3,
    };
    let mut body = parent.to_le_bytes().to_vec();
    if version >= REFERENCE_VERSION {
        body.extend_from_slice(&reference.to_le_bytes());
        body.extend_from_slice(&[flags, leap, quality.stratum, 0, 0, 0, 0, 0]);
    } else {
        body.extend_from_slice(&[0; 16]);
        body.extend_from_slice(&[flags, 0, 0, 0]);
    }
    body
}

impl Component for TimeSync {
    const CLASS: Guid = CLASS;
    const INSTANCE: Guid = INSTANCE;

    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn begin(&mut self) {
        self.next = None;
        self.unanswered = None;
        lock(&self.shared).report = TimeReport::default();
    }

    fn heard(&mut self, incoming: Incoming, _: Now) {
        match incoming {
            Incoming::Reply(reply) => self.answered(&reply),
            Incoming::Negotiated => lock(&self.shared).wanted = true,
            Incoming::Other => {}
        }
    }

    fn speak(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        self.unanswered.take_if(|sent| sent.until <= now.elapsed);
        match self.session.stage() {
            Stage::Ready(versions) if self.unanswered.is_none() => {
                self.tell(channel, now, versions.message)
            }
            Stage::Ready(_)
            | Stage::Closed
            | Stage::Negotiating
            | Stage::NoVersion
            | Stage::Broken => Ok(()),
        }
    }

    fn publish(&mut self) {
        lock(&self.shared).report.stage = self.session.stage();
    }

    fn due(&self) -> Option<Duration> {
        match self.session.stage() {
            Stage::Ready(_) => match self.unanswered {
                Some(sent) => Some(sent.until),
                None => self.next,
            },
            Stage::Closed | Stage::Negotiating | Stage::NoVersion | Stage::Broken => None,
        }
    }
}

#[cfg(test)]
mod tests;

//! The backup component (volume snapshots): the guest's file systems are frozen and thawed.
//!
//! A request's body: operation (8 bits), 7 reserved bytes, and 32 bits of flags that the guest
//! fills in. Linux has it on protocol 3.0 and later only (else its driver does not open the
//! channel), and only with version 5.0.
//!
//! A freeze may take minutes; give it the time. **After every freeze that was sent there has to be
//! a thaw, whatever came of the freeze**: one that timed out here may still happen there. Linux
//! works on one request at a time, so such a thaw takes effect after the late freeze.
//!
//! What only a real guest shows: its daemon (`hv_vss_daemon`) does the work. Without it Linux
//! negotiates all the same, and refuses check, freeze and thaw with status `0x80004005`
//! ([`Failure::Refused`](crate::ic::Failure::Refused)); some kernels leave everything unanswered,
//! and then the request ends by its time limit. A daemon that hangs is given up by Linux after 15
//! minutes (freeze) or 30 seconds (others), with the same status.

use std::time::Duration;

use crate::device::Device;
use crate::guid::Guid;
use crate::ic::{
    Asker, Exchange, IcVersion, Kind, Pending, Rejection, Reply, Service, Stage, Step, fields,
    shared,
};

const BODY_BYTES: usize = 12;
const FLAGS_AT: usize = 8;

/// "A backup while it runs is possible, and nothing has to be recovered afterwards": the one
/// answer that Linux gives to [`Operation::HotBackup`].
pub const NO_AUTO_RECOVERY: u32 = 5;

/// What the guest is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Begin a backup. Linux says yes and does nothing.
    Create,
    /// Forget a backup. Linux says yes and does nothing.
    Delete,
    /// Say whether a backup is possible while it runs.
    HotBackup,
    /// Give "DM info", as Linux's header calls it; Linux answers 0.
    DmInfo,
    /// The backup is complete. Linux says yes and does nothing.
    BackupComplete,
    /// Freeze the file systems.
    Freeze,
    /// Thaw them.
    Thaw,
    /// Recover in a snapshot. Linux says yes and does nothing.
    AutoRecover,
}

impl Operation {
    fn number(self) -> u8 {
        match self {
            Self::Create => 0,
            Self::Delete => 1,
            Self::HotBackup => 2,
            Self::DmInfo => 3,
            Self::BackupComplete => 4,
            Self::Freeze => 5,
            Self::Thaw => 6,
            Self::AutoRecover => 7,
        }
    }
}

/// The guest has done it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// What it did.
    pub operation: Operation,
    /// The flags that it filled in: see [`NO_AUTO_RECOVERY`].
    pub flags: u32,
}

/// The owner's side of the backup component.
#[derive(Debug, Clone)]
pub struct VssHandle(Asker<Operation, Done>);

/// A backup component, and what asks it.
#[must_use]
pub fn new() -> (impl Device + 'static, VssHandle) {
    let shared = shared();
    let device = Exchange::<Vss>::new(std::sync::Arc::clone(&shared));
    (device, VssHandle(Asker(shared)))
}

impl VssHandle {
    /// How far the guest is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage()
    }

    /// Asks the guest, until a time on the machine's clock; then the owner pokes the device.
    #[must_use]
    pub fn request(&self, operation: Operation, until: Duration) -> Pending<Done> {
        self.0.ask(operation, until)
    }
}

enum Vss {}

impl Service for Vss {
    type Query = Operation;
    type Answer = Done;
    const KIND: Kind = Kind::Vss;
    const VERSIONS: &'static [IcVersion] = &[IcVersion::new(5, 0)];
    const CLASS: Guid = Guid::new(0x35fa_2e29_ea23_4236_96ae_3a6e_bacb_a440);
    const INSTANCE: Guid = Guid::new(0x2450_ee40_33bf_4fbd_892e_9fb0_6e92_14cf);

    fn write(query: &Operation) -> Vec<u8> {
        let mut body = vec![0; BODY_BYTES];
        fields::put(&mut body, 0, &[query.number()]);
        body
    }

    fn read(query: Operation, reply: &Reply) -> Result<Step<Operation, Done>, Rejection> {
        if reply.status != 0 {
            return Err(Rejection::Status(reply.status));
        }
        if fields::u8_at(&reply.body, 0) != Some(query.number()) {
            let rule = "it is about another operation";
            return Err(Rejection::Malformed(rule.to_owned()));
        }
        let flags = fields::u32_at(&reply.body, FLAGS_AT)
            .ok_or_else(|| Rejection::Malformed("it is shorter than its flags".to_owned()))?;
        Ok(Step::Done(Done {
            operation: query,
            flags,
        }))
    }
}

#[cfg(test)]
mod tests;

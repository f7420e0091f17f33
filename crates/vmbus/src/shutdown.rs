//! The shutdown component: the guest is asked to power off, to restart or to hibernate.
//!
//! The guest answers at once whether it will, and only then begins: power off and restart are seen
//! by the machine itself, not here. The body of a request: reason (32 bits), time limit in seconds
//! (32), flags (32: 1 = by force, 2 = restart, 4 = hibernate), and 2048 bytes of text that Linux
//! does not read; Linux refuses a body that is shorter.
//!
//! What only a real guest shows: that its user space really goes down. Linux runs `poweroff` or
//! `reboot` of its own, hibernation is left to a udev rule, and a kernel older than the flag
//! refuses it with a status ([`Failure::Refused`](crate::ic::Failure::Refused)).

use std::time::Duration;

use crate::device::Device;
use crate::guid::Guid;
use crate::ic::{
    Asker, Exchange, IcVersion, Kind, Pending, Rejection, Reply, Service, Stage, Step, fields,
    shared,
};

/// `SHTDN_REASON_FLAG_PLANNED`: somebody wants it so.
const REASON_PLANNED: u32 = 0x8000_0000;

const BODY_BYTES: usize = 12 + 2048;

/// What the guest is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Go down, and switch the power off.
    PowerOff,
    /// Go down, and start again.
    Restart,
    /// Save memory to disk, and switch the power off.
    Hibernate,
}

/// Whether programs may hold it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// They may, where the guest's system knows of it.
    Gentle,
    /// They may not. Linux makes no difference.
    Forced,
}

/// The guest has taken the request, and is going down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted;

/// The owner's side of the shutdown component.
#[derive(Debug, Clone)]
pub struct ShutdownHandle(Asker<Request, Accepted>);

/// A shutdown component, and what asks it.
#[must_use]
pub fn new() -> (impl Device + 'static, ShutdownHandle) {
    let shared = shared();
    let device = Exchange::<Shutdown>::new(std::sync::Arc::clone(&shared));
    (device, ShutdownHandle(Asker(shared)))
}

impl ShutdownHandle {
    /// How far the guest is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage()
    }

    /// Asks the guest, until a time on the machine's clock; then the owner pokes the device.
    #[must_use]
    pub fn request(&self, action: Action, manner: Manner, until: Duration) -> Pending<Accepted> {
        self.0.ask(Request { action, manner }, until)
    }
}

#[derive(Debug)]
pub(crate) struct Request {
    action: Action,
    manner: Manner,
}

enum Shutdown {}

impl Service for Shutdown {
    type Query = Request;
    type Answer = Accepted;
    const KIND: Kind = Kind::Shutdown;
    const VERSIONS: &'static [IcVersion] = &[
        IcVersion::new(3, 2),
        IcVersion::new(3, 1),
        IcVersion::new(3, 0),
        IcVersion::new(1, 0),
    ];
    const CLASS: Guid = Guid::new(0x0e0b_6031_5213_4934_818b_38d9_0ced_39db);
    const INSTANCE: Guid = Guid::new(0xb665_0ff7_33bc_4840_8048_e067_6786_f393);

    fn write(query: &Request) -> Vec<u8> {
        let action: u32 = match query.action {
            Action::PowerOff => 0,
            Action::Restart => 2,
            Action::Hibernate => 4,
        };
        let manner = match query.manner {
            Manner::Gentle => 0,
            Manner::Forced => 1,
        };
        let mut body = vec![0; BODY_BYTES];
        fields::put(&mut body, 0, &REASON_PLANNED.to_le_bytes());
        fields::put(&mut body, 8, &(action | manner).to_le_bytes());
        body
    }

    fn read(_: Request, reply: &Reply) -> Result<Step<Request, Accepted>, Rejection> {
        match reply.status {
            0 => Ok(Step::Done(Accepted)),
            status => Err(Rejection::Status(status)),
        }
    }
}

#[cfg(test)]
mod tests;

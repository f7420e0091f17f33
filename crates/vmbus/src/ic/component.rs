//! A component as a device of the bus: its session is opened, served, spoiled and closed in one way.

use std::time::Duration;

use super::offer;
use super::session::{Incoming, Session};
use crate::device::{Channel, Device, DeviceError, Now, Offer};
use crate::guid::Guid;

/// What a component adds to its session.
pub(crate) trait Component: Send {
    const CLASS: Guid;
    const INSTANCE: Guid;

    fn session(&mut self) -> &mut Session;

    /// The guest has opened the channel: what was said on an earlier one no longer counts.
    fn begin(&mut self);

    /// Hears one thing that the guest says.
    fn heard(&mut self, incoming: Incoming, now: Now);

    /// Says what is due.
    fn speak(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError>;

    /// Tells the handle where we are.
    fn publish(&mut self);

    /// When something is due.
    fn due(&self) -> Option<Duration>;
}

impl<C: Component> Device for C {
    fn offer(&self) -> Offer {
        offer(C::CLASS, C::INSTANCE)
    }

    fn opened(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        self.session().open();
        self.begin();
        self.service(channel, now)
    }

    fn closed(&mut self) {
        self.session().close();
        self.publish();
    }

    fn service(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        let result = serve(self, channel, now);
        if result.is_err() {
            self.session().spoil();
        }
        self.publish();
        result
    }

    fn deadline(&self) -> Option<Duration> {
        self.due()
    }
}

fn serve<C: Component>(
    component: &mut C,
    channel: &mut dyn Channel,
    now: Now,
) -> Result<(), DeviceError> {
    component.session().begin(channel)?;
    while let Some(incoming) = component.session().receive(channel)? {
        component.heard(incoming, now);
    }
    component.speak(channel, now)
}

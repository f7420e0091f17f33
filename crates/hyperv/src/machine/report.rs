//! What happened on the bus, as the host is told.

use detente_machine::hyperv::{BusEvent as Told, Event, VmbusVersion};
use detente_vmbus::BusEvent;
use detente_vmbus::storvsc::Fault;

use super::devices::Devices;
use crate::stream::Outbox;

/// So many events a guest can cause at will, and no more: an honest one causes some dozens.
const EVENTS: u32 = 10_000;

/// What is left of the events that a guest can cause.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: EVENTS }
    }
}

impl Budget {
    /// Tells the host, unless too much was told already; the last thing told says so.
    pub(super) fn spend(&mut self, outbox: &Outbox, event: Event) {
        match self.left {
            0 => return,
            1 => outbox.log("the guest causes too many events: no more of them are told"),
            _ => outbox.event(&event),
        }
        self.left -= 1;
    }
}

/// A disk's fault, as the host is told.
pub(super) fn fault(fault: &Fault) -> Event {
    let room = if fault.no_room {
        " (no room on the host)"
    } else {
        ""
    };
    Event::Log {
        text: format!("disk {}: {}{room}", fault.lun, fault.error),
    }
}

/// What happened on the bus, as the host is told.
pub(super) fn told(event: &BusEvent, devices: &Devices) -> Event {
    match on_bus(event, devices) {
        Some(what) => Event::Bus { what },
        None => Event::Log {
            text: format!("on the bus: {event:?}"),
        },
    }
}

/// Nothing for what the protocol has no word for.
fn on_bus(event: &BusEvent, devices: &Devices) -> Option<Told> {
    Some(match event {
        BusEvent::Connected { version } => Told::Connected {
            version: of_raw(version.raw()),
        },
        BusEvent::Refused { version } => Told::Refused {
            version: of_raw(*version),
        },
        BusEvent::Opened { channel, vp } => {
            let offer = devices.offer(*channel)?;
            Told::Opened {
                class: offer.class.to_string(),
                instance: offer.instance.to_string(),
                processor: *vp,
            }
        }
        BusEvent::Closed { channel } => Told::Closed {
            instance: devices.offer(*channel)?.instance.to_string(),
        },
        BusEvent::Rested { channel, why } => Told::Rested {
            instance: devices.offer(*channel)?.instance.to_string(),
            why: why.clone(),
        },
        BusEvent::Unloaded => Told::Unloaded,
        BusEvent::Lost { .. } => return None,
    })
}

/// A version as messages have it.
pub(super) fn of_raw(raw: u32) -> VmbusVersion {
    let [minor_low, minor_high, major_low, major_high] = raw.to_le_bytes();
    VmbusVersion {
        major: u16::from_le_bytes([major_low, major_high]),
        minor: u16::from_le_bytes([minor_low, minor_high]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_causes_no_end_of_events_is_cut_off_once() {
        let outbox = Outbox::default();
        let mut budget = Budget { left: 3 };
        for _ in 0..9 {
            budget.spend(
                &outbox,
                Event::Bus {
                    what: Told::Unloaded,
                },
            );
        }
        outbox.close();
        let mut sent = Vec::new();
        outbox.write_all(&mut sent, || ()).unwrap();
        let sent = String::from_utf8_lossy(&sent);
        assert_eq!(sent.matches("unloaded").count(), 2);
        assert_eq!(sent.matches("too many events").count(), 1);
    }

    #[test]
    fn the_major_version_is_in_the_upper_half() {
        assert_eq!(of_raw(0x5_0003), VmbusVersion::NEWEST);
    }
}

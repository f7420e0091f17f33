//! What happened on the bus, as the host is told.

use detente_machine::hyperv::{BusEvent as Told, VmbusVersion};
use detente_vmbus::BusEvent;

use super::devices::Devices;

/// What the host is told; nothing for a channel that is gone by now.
pub(super) fn told(event: &BusEvent, devices: &Devices) -> Option<Told> {
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
    fn the_major_version_is_in_the_upper_half() {
        assert_eq!(of_raw(0x5_0003), VmbusVersion::NEWEST);
    }
}

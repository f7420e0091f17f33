//! The ports by which a guest ends: ACPI's sleep and reset registers, and the older ways.

/// The sleep control register, which the FADT names.
pub const SLEEP_CONTROL_PORT: u16 = 0x600;
/// The sleep status register. It has a port of its own: Linux clears it before it sleeps, and on a
/// shared port that write looks like a wish to sleep.
pub const SLEEP_STATUS_PORT: u16 = 0x601;
/// The reset register.
pub const RESET_PORT: u16 = 0x602;
/// What is written to the reset register.
pub const RESET_VALUE: u8 = 0x01;
/// The sleep type of `\_S5`: off.
pub const S5_TYPE: u8 = 5;

/// The keyboard controller's command and status port; there is no keyboard controller.
const KEYBOARD_PORT: u16 = 0x64;
/// The command that pulses the processor's reset line.
const KEYBOARD_RESET: u8 = 0xfe;
/// Data is waiting: then Linux's driver finds no controller at once, without waiting for one. Its
/// way to reset waits for bit 1 to be clear, which it is.
const KEYBOARD_STATUS: u8 = 0x01;
/// The reset register of PC chipsets.
const CHIPSET_RESET_PORT: u16 = 0xcf9;
/// In that register: reset now.
const CHIPSET_RESET: u8 = 0x04;

/// What a guest asked for with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerEvent {
    /// Off.
    PowerOff,
    /// Again from the start.
    Reset(ResetBy),
}

/// How a guest asked for a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetBy {
    /// ACPI's reset register.
    Acpi,
    /// The keyboard controller.
    KeyboardController,
    /// The chipset's register.
    Chipset,
}

/// What a write of one byte means, if it is one of these ports and means anything.
#[must_use]
pub const fn written(port: u16, value: u8) -> Option<PowerEvent> {
    match (port, value) {
        // Bit 5 is SLP_EN, bits 2 to 4 are SLP_TYP.
        (SLEEP_CONTROL_PORT, _) if value & 0x20 != 0 && (value >> 2) & 7 == S5_TYPE => {
            Some(PowerEvent::PowerOff)
        }
        (RESET_PORT, RESET_VALUE) => Some(PowerEvent::Reset(ResetBy::Acpi)),
        (KEYBOARD_PORT, KEYBOARD_RESET) => Some(PowerEvent::Reset(ResetBy::KeyboardController)),
        (CHIPSET_RESET_PORT, _) if value & CHIPSET_RESET != 0 => {
            Some(PowerEvent::Reset(ResetBy::Chipset))
        }
        _ => None,
    }
}

/// What a read gives, if it is one of these ports.
#[must_use]
pub const fn read(port: u16) -> Option<u8> {
    match port {
        SLEEP_CONTROL_PORT | SLEEP_STATUS_PORT | RESET_PORT | CHIPSET_RESET_PORT => Some(0),
        KEYBOARD_PORT => Some(KEYBOARD_STATUS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{PowerEvent, ResetBy, read, written};

    #[test]
    fn a_power_off_is_the_enable_bit_with_the_type_of_s5() {
        // What Linux writes: \_S5's type 5 in bits 2 to 4, and bit 5.
        assert_eq!(written(0x600, 0x34), Some(PowerEvent::PowerOff));
    }

    #[test]
    fn clearing_the_wake_status_is_no_power_off() {
        assert_eq!(written(0x601, 0x80), None);
        assert_eq!(written(0x601, 0x34), None);
    }

    #[test]
    fn another_sleep_type_or_no_enable_bit_is_no_power_off() {
        for value in [0x00, 0x14, 0x20, 0x2c, 0x30, 0x80] {
            assert_eq!(written(0x600, value), None, "{value:#x}");
        }
    }

    #[test]
    fn each_way_to_reset_is_told() {
        let by = |port, value| written(port, value);
        assert_eq!(by(0x602, 1), Some(PowerEvent::Reset(ResetBy::Acpi)));
        assert_eq!(
            by(0x64, 0xfe),
            Some(PowerEvent::Reset(ResetBy::KeyboardController))
        );
        assert_eq!(by(0xcf9, 0x06), Some(PowerEvent::Reset(ResetBy::Chipset)));
        // Linux announces a reset at the chipset with a write without the bit.
        for (port, value) in [(0x602, 0), (0x602, 2), (0x64, 0xd1), (0xcf9, 0x02)] {
            assert_eq!(by(port, value), None, "{port:#x} {value:#x}");
        }
    }

    #[test]
    fn linux_waits_for_no_keyboard_controller() {
        // kb_wait() before a reset waits for bit 1 to clear; i8042_flush() finds "no controller"
        // when bit 0 stays set.
        assert_eq!(read(0x64).map(|status| status & 3), Some(1));
        assert_eq!(read(0x3f8), None);
    }
}

//! Sense data: why a command failed (SPC-4, 4.5).

/// How many bytes fixed-format sense data has.
pub(super) const SENSE_BYTES: usize = 18;

/// What a command is refused with, or failed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// Nothing to say.
    None,
    /// The disk could not be read.
    UnrecoveredRead,
    /// The disk could not be written.
    WriteError,
    /// Not a command of this device.
    InvalidOpcode,
    /// The blocks are not on the disk.
    OutOfRange,
    /// The command asks for what this device does not do.
    InvalidField,
    /// The parameters that came with the command do.
    InvalidParameter,
    /// They are too short.
    ParameterLength,
    /// Parameters are not saved here.
    SavingUnsupported,
    /// Unit attention: the disk has another length now.
    CapacityChanged,
    /// The disk may not be written.
    WriteProtected,
    /// The store below has no room.
    NoRoom,
}

impl Sense {
    /// Sense key, additional sense code, its qualifier.
    fn codes(self) -> (u8, u8, u8) {
        match self {
            Self::None => (0x0, 0x00, 0x00),
            Self::UnrecoveredRead => (0x3, 0x11, 0x00),
            Self::WriteError => (0x3, 0x0c, 0x00),
            Self::InvalidOpcode => (0x5, 0x20, 0x00),
            Self::OutOfRange => (0x5, 0x21, 0x00),
            Self::InvalidField => (0x5, 0x24, 0x00),
            Self::InvalidParameter => (0x5, 0x26, 0x00),
            Self::ParameterLength => (0x5, 0x1a, 0x00),
            Self::SavingUnsupported => (0x5, 0x39, 0x00),
            Self::CapacityChanged => (0x6, 0x2a, 0x09),
            Self::WriteProtected => (0x7, 0x27, 0x00),
            // Space allocation failed write protect: what thin disks say, and Linux calls ENOSPC.
            Self::NoRoom => (0x7, 0x27, 0x07),
        }
    }

    /// Current information in fixed format.
    pub(super) fn to_bytes(self) -> [u8; SENSE_BYTES] {
        let (key, code, qualifier) = self.codes();
        let mut bytes = [0; SENSE_BYTES];
        bytes[0] = 0x70;
        bytes[2] = key;
        // What follows the eighth byte.
        bytes[7] = 10;
        bytes[12] = code;
        bytes[13] = qualifier;
        bytes
    }
}

//! What came of an SRB, and how its status fields say so.

use super::sense::Sense;
use super::wire::NtStatus;

/// SRB_STATUS_SUCCESS.
const SRB_SUCCESS: u8 = 0x01;
/// SRB_STATUS_ERROR with SRB_STATUS_AUTOSENSE_VALID.
const SRB_ERROR_WITH_SENSE: u8 = 0x84;
/// SRB_STATUS_ABORTED with SRB_STATUS_AUTOSENSE_VALID: with this alone do Linux's older drivers
/// look how long a disk has become (`storvsc_handle_error`); newer ones with either.
const SRB_ABORTED_WITH_SENSE: u8 = 0x82;
/// SRB_STATUS_INVALID_REQUEST.
const SRB_INVALID_REQUEST: u8 = 0x06;
/// SRB_STATUS_INVALID_LUN: the guest removes the unit.
const SRB_INVALID_LUN: u8 = 0x20;

/// What came of an SRB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done; so many bytes were moved.
    Good {
        /// How many.
        moved: u32,
    },
    /// CHECK CONDITION.
    Check(Sense),
    /// There is no such unit.
    Absent,
    /// Not a request that could be given to a unit.
    Malformed,
}

impl Outcome {
    /// SRB status, SCSI status.
    pub(super) fn statuses(self) -> (u8, u8) {
        match self {
            Self::Good { .. } => (SRB_SUCCESS, 0),
            Self::Check(Sense::CapacityChanged) => (SRB_ABORTED_WITH_SENSE, 2),
            Self::Check(_) => (SRB_ERROR_WITH_SENSE, 2),
            Self::Absent => (SRB_INVALID_LUN, 0),
            Self::Malformed => (SRB_INVALID_REQUEST, 0),
        }
    }

    /// The status of the packet that carries it, as OpenVMM derives it.
    pub(super) fn nt_status(self) -> NtStatus {
        match self {
            Self::Good { .. } => NtStatus::Success,
            Self::Check(_) | Self::Malformed => NtStatus::IoDeviceError,
            Self::Absent => NtStatus::DeviceDoesNotExist,
        }
    }

    /// How many bytes were moved.
    pub(super) fn moved(self) -> u32 {
        match self {
            Self::Good { moved } => moved,
            Self::Check(_) | Self::Absent | Self::Malformed => 0,
        }
    }

    /// The sense data, where there is some.
    pub(super) fn sense(self) -> Option<Sense> {
        match self {
            Self::Check(sense) => Some(sense),
            Self::Good { .. } | Self::Absent | Self::Malformed => None,
        }
    }
}

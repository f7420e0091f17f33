//! How guest and device begin: steps in an order.

use super::wire::{NtStatus, Operation};

/// Protocol versions that are spoken: of Windows 10, 8.1 and 8. Older ones have other packets.
const VERSIONS: [u16; 3] = [0x0602, 0x0600, 0x0501];

/// What the guest has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// Begin.
    Begin,
    /// Name a version; as often as it takes.
    Version,
    /// Ask for the channel's properties.
    Properties,
    /// End the beginning.
    End,
    /// Whatever it wants.
    Ready,
}

/// What a step is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// This status and nothing else.
    Status(NtStatus),
    /// This status, and the version that was asked for.
    Version(NtStatus, u16),
    /// The properties.
    Properties,
}

impl Session {
    /// Takes a step, or refuses it and stays.
    ///
    /// Nothing that is asked out of order ends the channel: the answer says that this is not the
    /// state for it.
    pub(super) fn step(&mut self, operation: Operation) -> Step {
        let (next, step) = match (*self, operation) {
            (Self::Begin, Operation::BeginInitialization) => {
                (Self::Version, Step::Status(NtStatus::Success))
            }
            (Self::Version, Operation::QueryVersion(version)) if VERSIONS.contains(&version) => {
                (Self::Properties, Step::Version(NtStatus::Success, version))
            }
            (Self::Version, Operation::QueryVersion(version)) => (
                Self::Version,
                Step::Version(NtStatus::RevisionMismatch, version),
            ),
            (Self::Properties, Operation::QueryProperties) => (Self::End, Step::Properties),
            (Self::End, Operation::EndInitialization) => {
                (Self::Ready, Step::Status(NtStatus::Success))
            }
            // No unit has anything under way when a reset comes: there is nothing to be reset.
            (Self::Ready, Operation::Reset) => (Self::Ready, Step::Status(NtStatus::Success)),
            (state, operation) => (state, Step::Status(refusal(operation))),
        };
        *self = next;
        step
    }
}

/// Why an operation is refused here.
fn refusal(operation: Operation) -> NtStatus {
    match operation {
        // We say that there are none.
        Operation::CreateSubChannels | Operation::Short => NtStatus::InvalidParameter,
        Operation::Unknown(_) => NtStatus::InvalidDeviceRequest,
        Operation::ExecuteSrb(_)
        | Operation::Reset
        | Operation::BeginInitialization
        | Operation::EndInitialization
        | Operation::QueryVersion(_)
        | Operation::QueryProperties => NtStatus::InvalidDeviceState,
    }
}

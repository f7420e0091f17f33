//! What hypercalls answer.

/// The status of a hypercall, as the guest sees it in the low 16 bits of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the guest waits for the status"]
pub enum HvStatus {
    /// 0: done.
    Success,
    /// 2: there is no such hypercall.
    InvalidHypercallCode,
    /// 3: the input word is wrong.
    InvalidHypercallInput,
    /// 5: a parameter is wrong.
    InvalidParameter,
    /// 11: no memory now; Linux waits and tries again.
    InsufficientMemory,
    /// 17: there is no such port.
    InvalidPortId,
    /// 18: there is no such connection. Linux gives up the version when it is contact's answer.
    InvalidConnectionId,
    /// 19: too much is waiting; Linux waits and tries again.
    InsufficientBuffers,
}

impl HvStatus {
    /// The number, as it is put in the guest's register.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Success => 0,
            Self::InvalidHypercallCode => 2,
            Self::InvalidHypercallInput => 3,
            Self::InvalidParameter => 5,
            Self::InsufficientMemory => 11,
            Self::InvalidPortId => 17,
            Self::InvalidConnectionId => 0x12,
            Self::InsufficientBuffers => 19,
        }
    }
}

//! Ring buffers in the guest's memory.

use crate::pages::AccessError;

/// Why a ring cannot be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// Its pages are not memory.
    #[error("the ring's pages are not memory")]
    Access(#[from] AccessError),
}

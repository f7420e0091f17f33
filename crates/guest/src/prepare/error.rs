//! Why no plan could be made.

use detente_volume::FsError;

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A file of the guest could not be read.
    #[error("a file of the guest could not be read")]
    Read(#[from] FsError),
    /// A file that a plan copies is no longer what the plan says.
    #[error("{path} is not what the plan says: its SHA-256 is {found}, and {wanted} was expected")]
    Changed {
        /// The file.
        path: String,
        /// What the plan says.
        wanted: String,
        /// What it is.
        found: String,
    },
}

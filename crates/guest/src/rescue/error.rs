//! Why a guest cannot be started with modules of its own disk.

use detente_initramfs::InitramfsError;
use detente_volume::FsError;

/// Why a guest cannot be started with modules of its own disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RescueError {
    /// Which kernel starts is not known, so its modules are not either.
    #[error("which kernel the guest starts is not known")]
    NoKernel,
    /// The kernel has no such driver, in whatever form.
    #[error("kernel {kernel} has no driver {module}")]
    NoDriver {
        /// The kernel's release.
        kernel: String,
        /// The module.
        module: &'static str,
    },
    /// A module that is listed is not there, or is longer than any.
    #[error("{path} cannot be read as a module")]
    NoModule {
        /// Where it should be.
        path: String,
    },
    /// A module cannot be unpacked.
    #[error("cannot unpack {path}")]
    Packed {
        /// Where it is.
        path: String,
        /// Why.
        source: InitramfsError,
    },
    /// The guest's disk cannot be read.
    #[error("cannot read the guest's modules")]
    Read(#[from] FsError),
}

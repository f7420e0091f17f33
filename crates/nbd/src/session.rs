//! One client, from its first byte to its last.

use std::io::{self, Read, Write};

use crate::export::Export;
use crate::handshake::{Agreed, negotiate};
use crate::transmission::transmit;
use crate::wire::Wire;

/// How a client left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It broke the negotiation off, as is its right.
    Aborted,
    /// It said that it had done.
    Disconnected,
    /// It hung up between two messages.
    HungUp,
}

/// Why a client was hung up on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The connection failed.
    #[error("the connection to the client failed")]
    Connection(#[from] io::Error),
    /// The client broke a rule of the protocol after which nothing that it says can be understood.
    #[error("the client broke the protocol: {rule}")]
    Violation {
        /// The rule.
        rule: &'static str,
    },
}

/// Serves one client until it leaves.
///
/// # Errors
/// [`SessionError`] when the connection fails or the client must be hung up on. What fails on the
/// disk is told to the client, and is no error here.
pub fn serve(input: impl Read, output: impl Write, export: &Export) -> Result<Ended, SessionError> {
    serve_with(Wire::new(input, output), export, || Ok(()))
}

/// As [`serve`], and calls `agreed` when the client begins to use the disk.
pub(crate) fn serve_with(
    mut wire: Wire<'_>,
    export: &Export,
    agreed: impl FnOnce() -> io::Result<()>,
) -> Result<Ended, SessionError> {
    let replies = match negotiate(&mut wire, export)? {
        Agreed::Ended(ended) => return Ok(ended),
        Agreed::Transmission(replies) => replies,
    };
    agreed()?;
    transmit(&mut wire, export, replies)
}

//! What makes one image unlike any other.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use detente_disk::Stamp;

use crate::ConvertError;

/// Random ids and the present time.
///
/// # Errors
/// [`ConvertError::Random`].
pub fn fresh_stamp() -> Result<Stamp, ConvertError> {
    let mut ids = [[0; 16]; 4];
    for id in &mut ids {
        getrandom::fill(id).map_err(|error| ConvertError::Random(io::Error::other(error)))?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(Stamp {
        ids,
        unix_seconds: now.map_or(0, |since| since.as_secs()),
    })
}

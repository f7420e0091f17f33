//! ISO 9660.

use detente_block::{ReadError, Window};

use super::Content;
use crate::iso;

/// By the descriptor in sector 16.
pub(super) fn identify(window: &Window) -> Result<Option<Content>, ReadError> {
    let found = iso::identity(window)?;
    Ok(found.map(|(uuid, label)| Content::Iso { uuid, label }))
}

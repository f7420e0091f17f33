//! The operations of a record: pieces of transactions.

use detente_block::ReadError;

use super::Stop;
use super::record::Record;
use super::ring::Ring;
use crate::fields::{array, be32};

/// \[xfs\] `xlog_op_header` is as long.
const HEADER: usize = 12;
const COMMIT: u8 = 0x2;
const CONTINUES: u8 = 0x4;
const CONTINUED: u8 = 0x8;
const END: u8 = 0x10;
const UNMOUNT: u8 = 0x20;

/// What an operation does to its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Start,
    /// The next piece.
    Add,
    /// More of the last piece.
    Extend,
    Commit,
    Unmount,
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation<'b> {
    pub(super) transaction: u32,
    pub(super) action: Action,
    /// Where in the data of the record the payload starts.
    pub(super) offset: u32,
    pub(super) payload: &'b [u8],
}

/// The operations in `data`, `count` of them.
pub(super) fn parse(
    data: &[u8],
    count: u32,
) -> impl Iterator<Item = Result<Operation<'_>, Stop>> + '_ {
    let mut at = Some(0_usize);
    let next = move |_| {
        let found = at.take().and_then(|at| split(data, at));
        match found {
            Some((operation, following)) => {
                at = Some(following);
                Some(Ok(operation))
            }
            None => Some(Err(Stop::Broken("an operation does not fit its record"))),
        }
    };
    // After an error there is nothing more.
    let mut is_broken = false;
    (0..count).filter_map(next).take_while(move |found| {
        let goes_on = !is_broken;
        is_broken = found.is_err();
        goes_on
    })
}

/// The operation at byte `at`, and where the next one starts.
fn split(bytes: &[u8], at: usize) -> Option<(Operation<'_>, usize)> {
    let (header, rest) = bytes.get(at..)?.split_at_checked(HEADER)?;
    let len = usize::try_from(be32(header, 4)?).ok()?;
    let payload = rest.get(..len)?;
    let start = at.checked_add(HEADER)?;
    let [client, flags] = array(header, 8)?;
    // `XFS_TRANSACTION` and `XFS_LOG`.
    if !matches!(client, 0x69 | 0xaa) {
        return None;
    }
    let mut flags = flags & !END;
    if flags & CONTINUED != 0 {
        flags &= !CONTINUES;
    }
    let action = match flags {
        0 | CONTINUES => Action::Add,
        1 => Action::Start,
        CONTINUED => Action::Extend,
        COMMIT => Action::Commit,
        UNMOUNT => Action::Unmount,
        _ => return None,
    };
    let operation = Operation {
        transaction: be32(header, 0)?,
        action,
        offset: u32::try_from(start).ok()?,
        payload,
    };
    Some((operation, start.checked_add(len)?))
}

/// Whether a record says only that the file system was unmounted.
pub(super) fn is_unmount(record: &Record, ring: &Ring<'_>) -> Result<bool, ReadError> {
    if record.operations != 1 {
        return Ok(false);
    }
    let data = record.data(ring)?.unwrap_or_default();
    let mut operations = parse(&data, 1);
    let first = operations.next();
    Ok(matches!(first, Some(Ok(found)) if found.action == Action::Unmount))
}

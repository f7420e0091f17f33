//! `rpmdb.sqlite`: as much of SQLite's file format as reading one table needs.
//!
//! \[SQLite\] is "Database File Format" of its documentation. Decision 0022 says why this is our
//! own. A rollback journal is not applied: rpm keeps its database in WAL mode.

mod pager;
mod payload;
mod row;
mod tree;
mod wal;

use std::ops::ControlFlow;

use detente_block::BlockRead;

use self::pager::Pager;
use self::payload::Payload;
use crate::error::{Corruption, DatabaseError};
use crate::record::Record;
use crate::rpm::RecordVisitor;

/// How every database begins.
pub(crate) const MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// The page of the table of tables. \[SQLite\] 2.6.
const SCHEMA_PAGE: u32 = 1;

/// Every row of `Packages`: its number and the header in it.
pub(crate) fn each_row(
    file: &dyn BlockRead,
    log: Option<&dyn BlockRead>,
    visit: &mut RecordVisitor<'_>,
) -> Result<(), DatabaseError> {
    let mut pager = Pager::open(file, log)?;
    let root = packages(&mut pager)?;
    tree::each_cell(&mut pager, root, &mut |pager, cell| {
        let number = u64::try_from(cell.row).unwrap_or(0);
        let mut payload = Payload::new(pager, cell);
        row::visit_blob(&mut payload, number, visit)
    })
}

/// The root page of the table `Packages`.
fn packages(pager: &mut Pager<'_>) -> Result<u32, DatabaseError> {
    let mut found = None;
    tree::each_cell(pager, SCHEMA_PAGE, &mut |pager, cell| {
        let (len, offset) = (cell.len, cell.offset);
        let mut payload = Payload::new(pager, cell);
        let table = row::table(&mut Record::new(&mut payload, len, offset))?;
        Ok(match table {
            Some((name, root)) if name.eq_ignore_ascii_case("Packages") => {
                found = Some(root);
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })
    })?;
    found.ok_or_else(|| DatabaseError::corrupt(0, Corruption::NoTable))
}

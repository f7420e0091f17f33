//! Walking along the guest's view, table by table.

use std::sync::Arc;

use detente_block::ReadError;

use super::l2_entry::{Mapping, Span};
use super::l2_table::L2Table;
use super::reader::Qcow2;

/// How many clusters or absent tables are joined into one run at most.
const MAX_STEPS: u32 = 1024;

/// A walk holds on to the table that it is in, so that each step need not ask the cache.
pub(super) struct Walk<'a> {
    disk: &'a Qcow2,
    /// The latest L1 index and its table.
    current: Option<(u64, Option<Arc<L2Table>>)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(disk: &'a Qcow2) -> Self {
        Self {
            disk,
            current: None,
        }
    }

    /// What lies at `offset`, joined with its neighbours up to about `most` bytes. `offset` is
    /// inside, and the run ends inside too.
    pub(super) fn run(&mut self, offset: u64, most: u64) -> Result<Span, ReadError> {
        let rest = self.disk.size.saturating_sub(offset);
        let most = most.min(rest);
        let mut run = self.span(offset)?;
        for _ in 0..MAX_STEPS {
            if run.len >= most {
                break;
            }
            // What is wrong with a neighbour is for the read that wants the neighbour.
            match self.span(offset.saturating_add(run.len)) {
                Ok(next) if joins(&run, &next) => run.len = run.len.saturating_add(next.len),
                Ok(_) | Err(_) => break,
            }
        }
        run.len = run.len.min(rest);
        Ok(run)
    }

    /// What lies at `offset`, up to the end of its subcluster, cluster or absent table.
    fn span(&mut self, offset: u64) -> Result<Span, ReadError> {
        let header = &self.disk.header;
        let geometry = &header.geometry;
        match self.table(offset)? {
            Some(table) => table
                .entry(offset, geometry, header.features.data_file())
                .span(offset, geometry, header.version),
            None => {
                let next = geometry.l1_index(offset).saturating_add(1);
                let end = next.saturating_mul(geometry.l2_span());
                let len = end.saturating_sub(offset);
                Ok(Span {
                    mapping: Mapping::Unallocated,
                    len,
                })
            }
        }
    }

    fn table(&mut self, offset: u64) -> Result<Option<Arc<L2Table>>, ReadError> {
        let index = self.disk.header.geometry.l1_index(offset);
        if let Some((known, table)) = &self.current
            && *known == index
        {
            return Ok(table.clone());
        }
        let table = self.disk.l2_table(offset)?;
        self.current = Some((index, table.clone()));
        Ok(table)
    }
}

/// Whether `next` continues `run`, so that one read of the file yields both.
fn joins(run: &Span, next: &Span) -> bool {
    use Mapping::{Compressed, Data, Unallocated, Zero};
    match (run.mapping, next.mapping) {
        (Zero(None), Zero(None)) | (Unallocated, Unallocated) => true,
        (Data(start), Data(next)) | (Zero(Some(start)), Zero(Some(next))) => {
            start.0.saturating_add(run.len) == next.0
        }
        (Data(_) | Compressed { .. } | Zero(_) | Unallocated, _) => false,
    }
}

//! Transactions, put together from pieces that may stand in several records.

use std::collections::BTreeMap;

use super::Stop;
use super::item::Kind;
use super::operations::{Action, Operation};
use crate::fields::le16;

/// What all unfinished transactions may hold together.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;
/// What an item, and what a region takes beside its bytes.
const ITEM_BYTES: usize = 96;
const REGION_BYTES: usize = 32;
/// \[xfs\] `xfs_trans_header`.
const HEADER_BYTES: usize = 16;

/// One thing that a transaction changes: its description, then its bytes.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) regions: Vec<Vec<u8>>,
    expected: u16,
    /// Nobody wants its bytes: only its regions are counted.
    is_empty: bool,
}

/// A transaction that is being read.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// The record that it started in.
    pub(super) lsn: u64,
    pub(super) items: Vec<Item>,
    header: Vec<u8>,
    bytes: usize,
}

/// All transactions that are being read.
pub(super) struct Transactions {
    open: BTreeMap<u32, Transaction>,
    bytes: usize,
    wants: fn(&Kind) -> bool,
}

impl Transactions {
    /// `wants` says whose bytes are kept.
    pub(super) fn new(wants: fn(&Kind) -> bool) -> Self {
        Self {
            open: BTreeMap::new(),
            bytes: 0,
            wants,
        }
    }

    /// Takes one operation of the record `lsn`. Gives the transaction that it finishes.
    pub(super) fn take(
        &mut self,
        operation: &Operation<'_>,
        lsn: u64,
    ) -> Result<Option<Transaction>, Stop> {
        let Operation {
            transaction,
            action,
            payload,
        } = *operation;
        match action {
            Action::Start => {
                let fresh = Transaction {
                    lsn,
                    bytes: ITEM_BYTES,
                    ..Transaction::default()
                };
                self.bytes = self.bytes.saturating_add(ITEM_BYTES);
                if let Some(old) = self.open.insert(transaction, fresh) {
                    self.bytes = self.bytes.saturating_sub(old.bytes);
                }
            }
            Action::Commit => {
                let done = self.open.remove(&transaction);
                let bytes = done.as_ref().map_or(0, |done| done.bytes);
                self.bytes = self.bytes.saturating_sub(bytes);
                return Ok(done);
            }
            Action::Unmount => {}
            Action::Add | Action::Extend => {
                // Those that started before the oldest record have been written back.
                if let Some(open) = self.open.get_mut(&transaction) {
                    let before = open.bytes;
                    open.add(payload, action == Action::Extend, self.wants)?;
                    let more = open.bytes.saturating_sub(before);
                    self.bytes = self.bytes.saturating_add(more);
                }
            }
        }
        if self.bytes > MAX_BYTES {
            return Err(Stop::TooLarge);
        }
        Ok(None)
    }
}

impl Transaction {
    fn add(&mut self, payload: &[u8], is_more: bool, wants: fn(&Kind) -> bool) -> Result<(), Stop> {
        if payload.is_empty() {
            return Ok(());
        }
        // The header comes first, and may itself be cut in two.
        if self.header.len() < HEADER_BYTES {
            if self.header.len().saturating_add(payload.len()) > HEADER_BYTES {
                return Err(Stop::Broken("a transaction starts without its header"));
            }
            self.header.extend_from_slice(payload);
            // "TRAN"; the rest says nothing that is needed.
            return match self.header.starts_with(b"NART") || self.header.len() < 4 {
                true => Ok(()),
                false => Err(Stop::Broken("a transaction has no magic number")),
            };
        }
        let added = if is_more {
            self.extend(payload)?
        } else {
            self.push(payload, wants)?
        };
        self.bytes = self.bytes.saturating_add(added);
        Ok(())
    }

    /// More of the last region. Says how many bytes it took.
    fn extend(&mut self, payload: &[u8]) -> Result<usize, Stop> {
        let item = self.items.last_mut();
        let item = item.ok_or(Stop::Broken("a transaction goes on before it starts"))?;
        let is_first = item.regions.len() == 1;
        if item.is_empty && !is_first {
            return Ok(0);
        }
        let region = item.regions.last_mut();
        let region = region.ok_or(Stop::Broken("a transaction goes on before it starts"))?;
        region.extend_from_slice(payload);
        Ok(payload.len())
    }

    /// Another region, of the last item or of a new one.
    fn push(&mut self, payload: &[u8], wants: fn(&Kind) -> bool) -> Result<usize, Stop> {
        let is_new = self
            .items
            .last()
            .is_none_or(|item| item.regions.len() >= usize::from(item.expected));
        if is_new {
            // [xfs] every description starts with a type and how many regions there are.
            let expected = le16(payload, 2).filter(|&count| count > 0);
            let expected = expected.ok_or(Stop::Broken("an item has no regions"))?;
            self.items.push(Item {
                regions: vec![payload.to_vec()],
                expected,
                is_empty: false,
            });
            return Ok(ITEM_BYTES.saturating_add(payload.len()));
        }
        let Some(item) = self.items.last_mut() else {
            return Ok(0);
        };
        if let [description] = item.regions.as_slice() {
            item.is_empty = !wants(&Kind::parse(description));
        }
        let kept = if item.is_empty { &[] } else { payload };
        item.regions.push(kept.to_vec());
        Ok(REGION_BYTES.saturating_add(kept.len()))
    }
}

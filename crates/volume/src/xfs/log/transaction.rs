//! Transactions, put together from pieces that may stand in several records. Their bytes stay in
//! the log: only where they stand is held.

use std::collections::BTreeMap;

use super::Stop;
use super::item::Kind;
use super::operations::{Action, Operation};
use super::source::Span;
use crate::fields::le16;

/// What all unfinished transactions may take. One of 64 MiB, the longest that Linux makes, has a
/// quarter of a million inodes.
pub(super) const MAX_BYTES: usize = 24 * 1024 * 1024;
/// What a transaction, an item and a span take; lists have room for more than they hold.
const TRANSACTION_BYTES: usize = 512;
const ITEM_BYTES: usize = 64;
const SPAN_BYTES: usize = 24;
/// \[xfs\] `xfs_trans_header`.
const HEADER_BYTES: usize = 16;
/// Of a description only the start is read.
const DESCRIPTION_BYTES: usize = 256;

/// One thing that a transaction changes.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    first: usize,
    end: usize,
}

/// A transaction that is being read.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// The record that it started in.
    pub(super) lsn: u64,
    pub(super) items: Vec<Item>,
    spans: Vec<Span>,
    header: Vec<u8>,
    current: Current,
}

/// The item whose regions are being read.
#[derive(Debug, Default)]
enum Current {
    #[default]
    None,
    /// Its description may go on. How many regions follow it.
    Described { bytes: Vec<u8>, left: u16 },
    /// Its regions follow, so many more; they are held, or nobody wants them.
    Filled { left: u16, is_held: bool },
}

/// All transactions that are being read.
pub(super) struct Transactions {
    open: BTreeMap<u32, Transaction>,
    bytes: usize,
    wants: fn(&Kind) -> bool,
}

impl Transactions {
    /// `wants` says which items are held.
    pub(super) fn new(wants: fn(&Kind) -> bool) -> Self {
        Self {
            open: BTreeMap::new(),
            bytes: 0,
            wants,
        }
    }

    /// Takes one operation of the record at sector `at`, whose number is `lsn`. Gives the
    /// transaction that it finishes.
    pub(super) fn take(
        &mut self,
        operation: &Operation<'_>,
        at: u32,
        lsn: u64,
    ) -> Result<Option<Transaction>, Stop> {
        let number = operation.transaction;
        match operation.action {
            Action::Start => {
                let fresh = Transaction {
                    lsn,
                    ..Transaction::default()
                };
                let old = self.open.insert(number, fresh);
                self.bytes = self.bytes.saturating_sub(old.map_or(0, |old| old.bytes()));
                self.bytes = self.bytes.saturating_add(TRANSACTION_BYTES);
            }
            Action::Commit => {
                let Some(mut done) = self.open.remove(&number) else {
                    return Ok(None);
                };
                self.bytes = self.bytes.saturating_sub(done.bytes());
                done.finish_description(self.wants);
                return Ok(Some(done));
            }
            Action::Unmount => {}
            Action::Add | Action::Extend => {
                // Those that started before the oldest record have been written back.
                if let Some(open) = self.open.get_mut(&number) {
                    let before = open.bytes();
                    open.add(operation, at, self.wants)?;
                    let more = open.bytes().saturating_sub(before);
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
    /// The regions of `item` behind its description: each one span or more.
    pub(super) fn regions(&self, item: &Item) -> impl Iterator<Item = &[Span]> {
        let spans = self.spans.get(item.first..item.end).unwrap_or_default();
        spans.chunk_by(|_, next| next.is_more)
    }

    fn bytes(&self) -> usize {
        let items = self.items.len().saturating_mul(ITEM_BYTES);
        let spans = self.spans.len().saturating_mul(SPAN_BYTES);
        items
            .saturating_add(spans)
            .saturating_add(TRANSACTION_BYTES)
    }

    fn add(
        &mut self,
        operation: &Operation<'_>,
        at: u32,
        wants: fn(&Kind) -> bool,
    ) -> Result<(), Stop> {
        let payload = operation.payload;
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
        let span = Span {
            record: at,
            offset: operation.offset,
            len: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            is_more: operation.action == Action::Extend,
        };
        if span.is_more {
            self.extend(payload, span)
        } else {
            self.push(payload, span, wants)
        }
    }

    /// More of the last region.
    fn extend(&mut self, payload: &[u8], span: Span) -> Result<(), Stop> {
        match &mut self.current {
            Current::None => return Err(Stop::Broken("a transaction goes on before it starts")),
            Current::Described { bytes, .. } => {
                let room = DESCRIPTION_BYTES.saturating_sub(bytes.len());
                bytes.extend(payload.iter().take(room));
            }
            Current::Filled { is_held, .. } => {
                if *is_held {
                    self.hold(span);
                }
            }
        }
        Ok(())
    }

    /// Another region, of the last item or of a new one.
    fn push(&mut self, payload: &[u8], span: Span, wants: fn(&Kind) -> bool) -> Result<(), Stop> {
        self.finish_description(wants);
        if let Current::Filled { left, is_held } = &mut self.current
            && let Some(less) = left.checked_sub(1)
        {
            *left = less;
            if *is_held {
                self.hold(span);
            }
            return Ok(());
        }
        // [xfs] every description starts with a type and how many regions there are.
        let left = le16(payload, 2).and_then(|count| count.checked_sub(1));
        self.current = Current::Described {
            bytes: payload.iter().take(DESCRIPTION_BYTES).copied().collect(),
            left: left.ok_or(Stop::Broken("an item has no regions"))?,
        };
        Ok(())
    }

    /// What the description of the last item says, now that all of it is there.
    fn finish_description(&mut self, wants: fn(&Kind) -> bool) {
        let Current::Described { bytes, left } = &self.current else {
            return;
        };
        let (kind, left) = (Kind::parse(bytes), *left);
        let is_held = wants(&kind);
        self.current = Current::Filled { left, is_held };
        if is_held {
            self.items.push(Item {
                kind,
                first: self.spans.len(),
                end: self.spans.len(),
            });
        }
    }

    fn hold(&mut self, span: Span) {
        self.spans.push(span);
        if let Some(item) = self.items.last_mut() {
            item.end = self.spans.len();
        }
    }
}

//! `Packages` of Berkeley DB: a hash of pages, whose long items are chains of pages.
//!
//! \[BDB\] is `src/dbinc/db_page.h` of Berkeley DB 5.3, in whose comments the format is written
//! down. Numbers are in the byte order of the machine that made the file; both orders are read.

mod item;
mod page;

use std::ops::ControlFlow;

use self::item::{Item, Overflow};
use self::page::{Order, Page, Pages};
use crate::error::{Corruption, DatabaseError, Unsupported};
use crate::record::{Record, Whole};
use crate::rpm::RecordVisitor;
use crate::windows::Windows;

/// The magic number of a hash, at byte 12.
const MAGIC: u32 = 0x0006_1561;
/// Since Berkeley DB 3.1 the format is as it is read here. \[BDB\] `HASHVERSION`.
const VERSIONS: std::ops::RangeInclusive<u32> = 7..=10;
/// Bytes of the first page that are read.
const META_BYTES: usize = 256;
/// Powers of two for which `spares` says where their pages begin. \[BDB\] `NCACHED`.
const SPARES: usize = 32;

/// Whether a file that begins so is a hash.
pub(crate) fn is_hash(head: &[u8; 16]) -> bool {
    order(head).is_some()
}

fn order(head: &[u8]) -> Option<Order> {
    [Order::Little, Order::Big]
        .into_iter()
        .find(|order| order.u32(head, 12) == Some(MAGIC))
}

/// Every value but that of key 0, which is rpm's highest number; with it the key.
pub(crate) fn each_item(
    mut file: Windows<'_>,
    visit: &mut RecordVisitor<'_>,
) -> Result<(), DatabaseError> {
    let meta = Meta::read(&mut file)?;
    let mut pages = Pages::new(file, meta.order, meta.page_bytes, meta.checksums)?;
    // Every bucket has a page, which is marked, so that a lying count ends at the file's last.
    for bucket in 0..=meta.max_bucket {
        let mut number = meta.page_of(bucket);
        while number != 0 {
            let page = pages.bucket(number)?;
            if each_pair(&mut pages, &page, visit)?.is_break() {
                return Ok(());
            }
            number = page.next();
        }
    }
    Ok(())
}

/// The values of one page; keys and values alternate.
fn each_pair(
    pages: &mut Pages<'_>,
    page: &Page,
    visit: &mut RecordVisitor<'_>,
) -> Result<ControlFlow<()>, DatabaseError> {
    let mut index = 0_u16;
    while index < page.items() {
        let key = match item::read(page, index)? {
            Item::Here(key) => pages.order().u32(&key, 0).unwrap_or(0),
            Item::Elsewhere { .. } | Item::Other(_) => 0,
        };
        let value = item::read(page, index.saturating_add(1))?;
        index = index.saturating_add(2);
        if key != 0 && visit_value(pages, page, u64::from(key), value, visit)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn visit_value(
    pages: &mut Pages<'_>,
    page: &Page,
    key: u64,
    value: Item,
    visit: &mut RecordVisitor<'_>,
) -> Result<ControlFlow<()>, DatabaseError> {
    let offset = page.offset();
    match value {
        Item::Here(bytes) => {
            let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            visit(key, Ok(Record::new(&mut Whole(bytes), len, offset)))
        }
        Item::Elsewhere { page, len } => {
            let mut chain = Overflow::new(pages, page, offset);
            visit(key, Ok(Record::new(&mut chain, u64::from(len), offset)))
        }
        Item::Other(found) => {
            let rule = Corruption::PageKind {
                page: page.number(),
                found,
                wanted: "one of single values",
            };
            visit(key, Err(DatabaseError::corrupt(offset, rule)))
        }
    }
}

/// The first page. \[BDB\] `DBMETA` and `HMETA`.
struct Meta {
    order: Order,
    page_bytes: u32,
    checksums: bool,
    max_bucket: u32,
    spares: [u32; SPARES],
}

impl Meta {
    fn read(file: &mut Windows<'_>) -> Result<Self, DatabaseError> {
        if file.len_bytes() < 512 {
            let part = "the first page";
            return Err(DatabaseError::corrupt(0, Corruption::Truncated { part }));
        }
        let bytes: [u8; META_BYTES] = file.array(0)?;
        let order = order(&bytes).ok_or(Unsupported::Store)?;
        let number = |at| order.u32(&bytes, at).unwrap_or(0);
        let version = number(16);
        if !VERSIONS.contains(&version) {
            let store = "Berkeley DB hash";
            return Err(Unsupported::Version { store, version }.into());
        }
        if bytes.get(24).is_some_and(|&algorithm| algorithm != 0) {
            return Err(Unsupported::Encrypted.into());
        }
        let page_bytes = number(20);
        if !page_bytes.is_power_of_two() || !(512..=65_536).contains(&page_bytes) {
            let rule = Corruption::PageSize(u64::from(page_bytes));
            return Err(DatabaseError::corrupt(20, rule));
        }
        let mut spares = [0; SPARES];
        for (at, spare) in (96..).step_by(4).zip(&mut spares) {
            *spare = number(at);
        }
        Ok(Self {
            order,
            page_bytes,
            // [BDB] DBMETA_CHKSUM.
            checksums: bytes.get(26).is_some_and(|flags| flags & 1 != 0),
            max_bucket: number(72),
            spares,
        })
    }

    /// \[BDB\] `BUCKET_TO_PAGE`: buckets of one power of two lie one behind the other.
    fn page_of(&self, bucket: u32) -> u32 {
        let power = u64::from(bucket).saturating_add(1).next_power_of_two();
        let index = usize::try_from(power.trailing_zeros()).unwrap_or(0);
        let start = self.spares.get(index).copied().unwrap_or(0);
        bucket.saturating_add(start)
    }
}

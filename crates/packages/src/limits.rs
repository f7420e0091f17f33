//! What reading a database may cost, whatever its bytes say.

use crate::error::{Corruption, DatabaseError, Limit};

/// Pages of a store that are looked at; 1 GiB in pages of 4 KiB.
pub const MAX_PAGES: u32 = 1 << 18;

/// Records of a database, damaged ones included.
pub const MAX_PACKAGES: u32 = 200_000;

/// The length of a text database (dpkg, apk, one `desc` of pacman).
pub const MAX_TEXT_BYTES: u64 = 64 << 20;

/// A name, a version, a summary.
pub(crate) const MAX_VALUE_BYTES: usize = 4096;

/// Pages that were used: each belongs to one tree, bucket or record, so none comes twice.
pub(crate) struct Visited {
    bits: Vec<u64>,
    pages: u32,
}

impl Visited {
    /// For pages `0..pages`: at most 32 KiB of bits.
    pub(crate) fn new(pages: u32) -> Result<Self, DatabaseError> {
        if pages > MAX_PAGES {
            return Err(Limit::Pages.into());
        }
        Ok(Self {
            bits: Vec::new(),
            pages,
        })
    }

    /// Marks a page that `offset` points to.
    pub(crate) fn mark(&mut self, page: u32, offset: u64) -> Result<(), DatabaseError> {
        if page >= self.pages {
            let rule = Corruption::PageOutside {
                page,
                pages: self.pages,
            };
            return Err(DatabaseError::corrupt(offset, rule));
        }
        let word = usize::try_from(page >> 6).unwrap_or(usize::MAX);
        let bit = 1_u64 << (page & 63);
        if self.bits.len() <= word {
            self.bits.resize(word.saturating_add(1), 0);
        }
        let word = self.bits.get_mut(word).expect("the words were made above");
        if *word & bit != 0 {
            return Err(DatabaseError::corrupt(
                offset,
                Corruption::PageUsedTwice(page),
            ));
        }
        *word |= bit;
        Ok(())
    }
}

/// Counts records up to [`MAX_PACKAGES`].
#[derive(Default)]
pub(crate) struct Counter(u32);

impl Counter {
    pub(crate) fn one_more(&mut self) -> Result<(), DatabaseError> {
        self.0 = self.0.saturating_add(1);
        if self.0 > MAX_PACKAGES {
            return Err(Limit::Packages.into());
        }
        Ok(())
    }
}

//! Memory of a guest that is not there: pages made when they are first written.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::memory::{GuestMemory, OutsideMemory, PAGE_BYTES};

const WORDS_OF_PAGE: usize = 1024;

type Page = Box<[AtomicU32; WORDS_OF_PAGE]>;

/// Memory from address 0 up to its size. It reads as zeroes until it is written.
#[derive(Debug)]
pub struct Memory {
    pages: Vec<OnceLock<Page>>,
}

impl Memory {
    /// Memory of so many pages.
    #[must_use]
    pub fn new(pages: usize) -> Self {
        Self {
            pages: (0..pages).map(|_| OnceLock::new()).collect(),
        }
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// The bytes at an address.
    ///
    /// # Panics
    /// When they are not memory: the test is wrong.
    #[must_use]
    pub fn bytes(&self, gpa: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read(gpa, &mut bytes)
            .expect("a test reads its own memory");
        bytes
    }

    /// Puts bytes at an address.
    ///
    /// # Panics
    /// When it is not memory: the test is wrong.
    pub fn put(&self, gpa: u64, bytes: &[u8]) {
        self.write(gpa, bytes)
            .expect("a test writes its own memory");
    }

    /// Clears bits of a word in one piece, and gives back what was there.
    ///
    /// # Errors
    /// [`OutsideMemory`].
    pub fn fetch_and_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory> {
        self.word(gpa)
            .map(|word| word.fetch_and(bits, Ordering::SeqCst))
    }

    fn check(&self, gpa: u64, len: usize) -> Result<(), OutsideMemory> {
        let len = len as u64;
        let size = self.pages.len() as u64 * PAGE_BYTES;
        match gpa.checked_add(len) {
            Some(end) if end <= size => Ok(()),
            Some(_) | None => Err(OutsideMemory { gpa, len }),
        }
    }

    fn page(&self, gpa: u64) -> &Page {
        self.pages[(gpa / PAGE_BYTES) as usize]
            .get_or_init(|| Box::new([const { AtomicU32::new(0) }; WORDS_OF_PAGE]))
    }

    fn word(&self, gpa: u64) -> Result<&AtomicU32, OutsideMemory> {
        self.check(gpa, 4)?;
        if !gpa.is_multiple_of(4) {
            return Err(OutsideMemory { gpa, len: 4 });
        }
        Ok(&self.page(gpa)[(gpa % PAGE_BYTES / 4) as usize])
    }

    /// Goes over the words that `len` bytes touch: the word, where in it, how many bytes.
    fn each_word(&self, gpa: u64, len: usize, mut visit: impl FnMut(&AtomicU32, usize, usize)) {
        let end = gpa + len as u64;
        let mut at = gpa;
        while at < end {
            let page = self.page(at);
            let page_end = end.min((at / PAGE_BYTES + 1) * PAGE_BYTES);
            while at < page_end {
                let within = (at % 4) as usize;
                let piece = (4 - within).min((page_end - at) as usize);
                visit(&page[(at % PAGE_BYTES / 4) as usize], within, piece);
                at += piece as u64;
            }
        }
    }
}

impl GuestMemory for Memory {
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory> {
        self.check(gpa, buf.len())?;
        let mut done = 0;
        self.each_word(gpa, buf.len(), |word, within, len| {
            let bytes = word.load(Ordering::Relaxed).to_le_bytes();
            buf[done..done + len].copy_from_slice(&bytes[within..within + len]);
            done += len;
        });
        Ok(())
    }

    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        self.check(gpa, bytes.len())?;
        let mut done = 0;
        self.each_word(gpa, bytes.len(), |word, within, len| {
            let piece = &bytes[done..done + len];
            done += len;
            if let Ok(whole) = <[u8; 4]>::try_from(piece) {
                word.store(u32::from_le_bytes(whole), Ordering::Relaxed);
                return;
            }
            // Its neighbours in the word may be changing: only these bytes are ours.
            let changed = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
                let mut new = old.to_le_bytes();
                new[within..within + len].copy_from_slice(piece);
                Some(u32::from_le_bytes(new))
            });
            changed.expect("the closure always gives a value");
        });
        Ok(())
    }

    fn load_u32(&self, gpa: u64, order: Ordering) -> Result<u32, OutsideMemory> {
        self.word(gpa).map(|word| word.load(order))
    }

    fn store_u32(&self, gpa: u64, value: u32, order: Ordering) -> Result<(), OutsideMemory> {
        self.word(gpa).map(|word| word.store(value, order))
    }

    fn fetch_or_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory> {
        self.word(gpa)
            .map(|word| word.fetch_or(bits, Ordering::SeqCst))
    }
}

//! The guest's memory, mapped here: shared with the guest, which changes it as it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use detente_vmbus::{GuestMemory, OutsideMemory};
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, VolatileMemory};

use super::aligned::Backing;
use super::error::KvmError;
use crate::memory_map::Span;

/// The guest's memory. Clones are the same memory.
#[derive(Debug, Clone)]
pub struct Memory {
    backing: Arc<Backing>,
}

impl Memory {
    /// Memory at these addresses, all zero. The kernel gives pages when they are touched.
    ///
    /// # Errors
    /// [`KvmError::Memory`].
    pub fn new(spans: &[Span]) -> Result<Self, KvmError> {
        let backing = Arc::new(Backing::new(spans)?);
        Ok(Self { backing })
    }

    /// The mappings, for who lends them to the kernel.
    pub(super) fn map(&self) -> &GuestMemoryMmap {
        self.backing.map()
    }

    fn word<T>(&self, gpa: u64, work: impl FnOnce(&AtomicU32) -> T) -> Result<T, OutsideMemory> {
        let outside = OutsideMemory { gpa, len: 4 };
        if !gpa.is_multiple_of(4) {
            return Err(outside);
        }
        let slice = self
            .map()
            .get_slice(GuestAddress(gpa), 4)
            .map_err(|_| outside)?;
        let word = slice.get_atomic_ref::<AtomicU32>(0).map_err(|_| outside)?;
        Ok(work(word))
    }

    /// Whether the bytes are memory: in one piece, so that nothing is done by halves.
    fn check(&self, gpa: u64, len: usize) -> Result<GuestAddress, OutsideMemory> {
        let outside = OutsideMemory {
            gpa,
            len: u64::try_from(len).unwrap_or(u64::MAX),
        };
        if self.map().check_range(GuestAddress(gpa), len) {
            Ok(GuestAddress(gpa))
        } else {
            Err(outside)
        }
    }
}

impl GuestMemory for Memory {
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory> {
        let len = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        let at = self.check(gpa, buf.len())?;
        self.map()
            .read_slice(buf, at)
            .map_err(|_| OutsideMemory { gpa, len })
    }

    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let at = self.check(gpa, bytes.len())?;
        self.map()
            .write_slice(bytes, at)
            .map_err(|_| OutsideMemory { gpa, len })
    }

    fn load_u32(&self, gpa: u64, order: Ordering) -> Result<u32, OutsideMemory> {
        self.word(gpa, |word| word.load(order))
    }

    fn store_u32(&self, gpa: u64, value: u32, order: Ordering) -> Result<(), OutsideMemory> {
        self.word(gpa, |word| word.store(value, order))
    }

    fn fetch_or_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory> {
        self.word(gpa, |word| word.fetch_or(bits, Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Memory {
        Memory::new(&[Span {
            start: 0,
            len: 0x4000,
        }])
        .unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let memory = small();
        memory.write(0xFFE, b"abcd").unwrap();
        let mut buf = [0; 4];
        memory.read(0xFFE, &mut buf).unwrap();
        assert_eq!(&buf, b"abcd");
        memory
            .store_u32(0x1000, 0x8000_0001, Ordering::SeqCst)
            .unwrap();
        assert_eq!(memory.fetch_or_u32(0x1000, 0x10).unwrap(), 0x8000_0001);
        assert_eq!(
            memory.load_u32(0x1000, Ordering::SeqCst).unwrap(),
            0x8000_0011
        );
    }

    #[test]
    fn the_last_byte_is_memory_and_the_next_is_not() {
        let memory = small();
        assert!(memory.write(0x3FFF, &[1]).is_ok());
        assert_eq!(
            memory.write(0x3FFF, &[1, 2]),
            Err(OutsideMemory {
                gpa: 0x3FFF,
                len: 2
            })
        );
        assert!(memory.read(u64::MAX, &mut [0; 2]).is_err());
        assert!(memory.load_u32(0x4000, Ordering::SeqCst).is_err());
    }

    #[test]
    fn words_lie_at_multiples_of_their_size() {
        let memory = small();
        assert!(memory.load_u32(0x1002, Ordering::SeqCst).is_err());
        assert!(memory.fetch_or_u32(0x1001, 1).is_err());
    }

    #[test]
    fn memory_starts_where_large_pages_do() {
        let len = 0x60_0000;
        let memory = Memory::new(&[
            Span { start: 0, len },
            Span {
                start: 1 << 32,
                len,
            },
        ])
        .unwrap();
        for start in [0, 1 << 32] {
            let host = memory.map().get_host_address(GuestAddress(start)).unwrap();
            assert!(host.addr().is_multiple_of(2 << 20), "{host:?}");
            assert!(memory.write(start + len - 1, &[1]).is_ok());
            assert!(memory.write(start + len, &[1]).is_err());
        }
    }

    #[test]
    fn nothing_reaches_across_a_hole() {
        let low = Span {
            start: 0,
            len: 0x4000,
        };
        let high = Span {
            start: 0x6000,
            len: 0x1000,
        };
        let memory = Memory::new(&[low, high]).unwrap();
        assert!(memory.write(0x6000, &[7]).is_ok());
        assert!(memory.write(0x4000, &[7]).is_err());
        assert!(memory.write(0x3FFF, &[7; 0x2002]).is_err());
        assert!(memory.write(0x7000, &[7]).is_err());
    }
}

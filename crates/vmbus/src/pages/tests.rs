//! Ranges against bytes that are put together page by page.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "the numbers of these tests are their own"
)]

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use proptest::prelude::{any, proptest};

use super::{AccessError, PageRange, RangeError};
use crate::fake_guest::Memory;
use crate::memory::{GuestMemory, OutsideMemory};

/// Memory that says which pieces were asked for.
struct Watched {
    memory: Memory,
    asked: Mutex<Vec<(u64, usize)>>,
}

impl Watched {
    fn new(pages: usize) -> Self {
        Self {
            memory: Memory::new(pages),
            asked: Mutex::default(),
        }
    }

    fn asks(&self, gpa: u64, len: usize) {
        self.asked.lock().unwrap().push((gpa, len));
    }
}

impl GuestMemory for Watched {
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory> {
        self.asks(gpa, buf.len());
        self.memory.read(gpa, buf)
    }

    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        self.asks(gpa, bytes.len());
        self.memory.write(gpa, bytes)
    }

    fn load_u32(&self, gpa: u64, order: Ordering) -> Result<u32, OutsideMemory> {
        self.memory.load_u32(gpa, order)
    }

    fn store_u32(&self, gpa: u64, value: u32, order: Ordering) -> Result<(), OutsideMemory> {
        self.memory.store_u32(gpa, value, order)
    }

    fn fetch_or_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory> {
        self.memory.fetch_or_u32(gpa, bits)
    }
}

#[test]
fn pages_in_a_row_are_one_access() {
    let memory = Watched::new(16);
    let range = PageRange::new(6 * 4096 - 100, 100, vec![3, 4, 5, 9, 8, 9]).unwrap();
    range.write(&memory, 50, &[7; 20_000]).unwrap();
    let expected = [
        (3 * 4096 + 150, 3 * 4096 - 150),
        (9 * 4096, 4096),
        (8 * 4096, 20_000 - (4 * 4096 - 150)),
    ];
    assert_eq!(*memory.asked.lock().unwrap(), expected);
}

#[test]
fn nothing_is_read_beyond_what_is_asked_for() {
    let memory = Watched::new(16);
    let range = PageRange::new(3 * 4096, 0, vec![3, 4, 5]).unwrap();
    range.read(&memory, 4090, &mut [0; 6]).unwrap();
    range.read(&memory, 4090, &mut [0; 7]).unwrap();
    range.read(&memory, 3 * 4096, &mut []).unwrap();
    let expected = [(3 * 4096 + 4090, 6), (3 * 4096 + 4090, 7)];
    assert_eq!(*memory.asked.lock().unwrap(), expected);
}

#[test]
fn the_last_byte_is_in_the_range_and_the_next_is_not() {
    let memory = Memory::new(16);
    let range = PageRange::new(100, 4000, vec![3, 4]).unwrap();
    assert!(range.write(&memory, 99, &[1]).is_ok());
    let past = AccessError::PastEnd {
        at: 99,
        len: 2,
        range: 100,
    };
    assert_eq!(range.write(&memory, 99, &[1, 2]), Err(past));
    assert!(range.read(&memory, u64::MAX, &mut [0; 2]).is_err());
}

#[test]
fn ranges_that_make_no_sense_are_none() {
    let offset = 4096;
    let beyond = RangeError::OffsetBeyondPage { offset };
    assert_eq!(PageRange::new(0, offset, vec![1, 2]), Err(beyond));
    let (offset, pages) = (4095, 2);
    assert!(PageRange::new(4097, offset, vec![1, 2]).is_ok());
    let len = 4098;
    let few = RangeError::TooFewPages { len, offset, pages };
    assert_eq!(PageRange::new(len, offset, vec![1, 2]), Err(few));
    let pfn = 1 << 52;
    let none = RangeError::PageBeyondAddresses { pfn };
    assert_eq!(PageRange::new(1, 0, vec![pfn]), Err(none));
}

proptest! {
    #[test]
    fn a_range_is_its_pages_one_after_the_other(
        pfns in proptest::collection::vec(0..8_u64, 1..7),
        offset in 0..4096_usize,
        place in any::<(usize, usize)>(),
    ) {
        let memory = Memory::new(8);
        for page in 0..8 {
            let bytes: Vec<u8> = (0..4096_u64).map(|at| (at * 7 + page * 31).to_le_bytes()[0]).collect();
            memory.put(page * 4096, &bytes);
        }
        let whole: Vec<u8> = pfns
            .iter()
            .flat_map(|pfn| memory.bytes(pfn * 4096, 4096))
            .skip(offset)
            .collect();
        let len = u32::try_from(whole.len()).unwrap();
        let range = PageRange::new(len, u32::try_from(offset).unwrap(), pfns).unwrap();
        let from = place.0 % whole.len();
        let to = from + place.1 % (whole.len() - from + 1);
        let mut bytes = vec![0; to - from];
        range.read(&memory, u64::try_from(from).unwrap(), &mut bytes).unwrap();
        proptest::prop_assert_eq!(&bytes, &whole[from..to]);
    }
}

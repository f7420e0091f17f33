//! A disk that is spoilt and mended again: copying a whole one takes longer than reading it.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};
use detente_samples::Numbers;

/// What is mended at once.
const PAGE: usize = 4096;

/// Bytes that change.
struct Spoiled {
    bytes: Vec<u8>,
    /// Less than there are, where the end was cut off.
    len: usize,
}

impl BlockRead for Spoiled {
    fn len_bytes(&self) -> u64 {
        self.len as u64
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let past = || ReadError::PastEnd {
            offset,
            wanted: buf.len() as u64,
            end: self.len as u64,
        };
        let start = usize::try_from(offset).map_err(|_| past())?;
        let end = start.checked_add(buf.len()).ok_or_else(past)?;
        let source = self.bytes.get(..self.len).unwrap_or_default();
        buf.copy_from_slice(source.get(start..end).ok_or_else(past)?);
        Ok(())
    }
}

/// Makes the checksums over these places right again, and says where they stand.
pub(crate) type Seal = Box<dyn Fn(&mut [u8], &[usize]) -> Vec<usize>>;

/// A sample, and the bytes of it that are worth spoiling: those that are not zero, and a few around.
pub(crate) struct Sound {
    sound: Vec<u8>,
    spoiled: Arc<Spoiled>,
    places: Vec<usize>,
    /// For most mutations: wrong checksums would hide all that lies behind them.
    seal: Option<Seal>,
    touched: Vec<usize>,
}

impl Sound {
    pub(crate) fn new(sound: Vec<u8>) -> Self {
        let blocks = sound.chunks(32).enumerate();
        let used = blocks.filter(|(_, block)| block.iter().any(|&byte| byte != 0));
        let places = used.map(|(index, _)| index * 32).collect();
        let (bytes, len) = (sound.clone(), sound.len());
        Self {
            sound,
            spoiled: Arc::new(Spoiled { bytes, len }),
            places,
            seal: None,
            touched: Vec::new(),
        }
    }

    pub(crate) fn sealed(self, seal: Seal) -> Self {
        let seal = Some(seal);
        Self { seal, ..self }
    }

    /// Spoils only what `wanted` says.
    pub(crate) fn only(mut self, wanted: impl Fn(usize) -> bool) -> Self {
        self.places.retain(|&place| wanted(place));
        self
    }

    pub(crate) fn disk(&self) -> Arc<dyn BlockRead> {
        self.spoiled.clone()
    }

    /// One to eight fields become something else; what was spoilt before is mended.
    pub(crate) fn mutate(&mut self, numbers: &mut Numbers) {
        let spoiled = Arc::get_mut(&mut self.spoiled).expect("nobody reads any more");
        for at in self.touched.drain(..) {
            let start = at / PAGE * PAGE;
            let end = (start + PAGE).min(self.sound.len());
            spoiled.bytes[start..end].copy_from_slice(&self.sound[start..end]);
        }
        spoiled.len = self.sound.len();
        for _ in 0..=numbers.below(8) {
            // The first structures matter most: half of the changes go there.
            let range = if numbers.below(2) == 0 {
                self.places.len()
            } else {
                self.places.len().min(300)
            };
            let at = self.places[numbers.below(range)] + numbers.below(32);
            // The last piece may be shorter.
            let at = at.min(self.sound.len() - 1);
            let value = [0, 1, 0x7f, 0x80, 0xff, numbers.next() & 0xff][numbers.below(6)];
            let value = u8::try_from(value).unwrap();
            let len = [1, 1, 2, 4, 8][numbers.below(5)].min(self.sound.len() - at);
            spoiled.bytes[at..at + len].fill(value);
            self.touched.extend([at, at + len - 1]);
        }
        if numbers.below(16) == 0 {
            spoiled.len = numbers.below(self.sound.len());
        }
        if let Some(seal) = &self.seal
            && numbers.below(8) != 0
        {
            let sums = seal(&mut spoiled.bytes, &self.touched);
            self.touched.extend(sums);
        }
    }
}

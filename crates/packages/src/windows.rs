//! A few cached windows of a file: databases are read in many tiny pieces that lie close together.

use detente_block::{BlockRead, ReadError};

/// Chains of pages mostly lie one behind the other, so that one read serves sixteen of them.
const WINDOW_BYTES: u64 = 64 * 1024;
/// How many windows are kept: 1 MiB in all.
const WINDOWS: usize = 16;

/// Reads of a file through the windows that were used last.
pub(crate) struct Windows<'a> {
    source: &'a dyn BlockRead,
    /// The window used last is the first.
    held: Vec<(u64, Vec<u8>)>,
}

impl<'a> Windows<'a> {
    pub(crate) fn new(source: &'a dyn BlockRead) -> Self {
        Self {
            source,
            held: Vec::new(),
        }
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        self.source.len_bytes()
    }

    /// Fills `buf`.
    ///
    /// # Errors
    /// [`ReadError::PastEnd`] when the file ends before; else what the storage says.
    pub(crate) fn read(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        let past = ReadError::PastEnd {
            offset,
            wanted,
            end: self.len_bytes(),
        };
        if offset
            .checked_add(wanted)
            .is_none_or(|end| end > self.len_bytes())
        {
            return Err(past);
        }
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let window = self.window(at.checked_div(WINDOW_BYTES).unwrap_or(0))?;
            let within = at.checked_rem(WINDOW_BYTES).unwrap_or(0);
            let source = window
                .get(usize::try_from(within).unwrap_or(usize::MAX)..)
                .unwrap_or_default();
            let count = source.len().min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(source.get(..count).unwrap_or_default());
            if count == 0 {
                return Err(past);
            }
            at = at.saturating_add(u64::try_from(count).unwrap_or(0));
            rest = later;
        }
        Ok(())
    }

    /// `N` bytes at `offset`.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// The window `number`; the last one of a file may be short.
    fn window(&mut self, number: u64) -> Result<&[u8], ReadError> {
        let found = self.held.iter().position(|(held, _)| *held == number);
        let window = match found {
            Some(0) => None,
            Some(place) => Some(self.held.remove(place)),
            None => {
                let mut bytes = if self.held.len() >= WINDOWS {
                    self.held.pop().map(|(_, bytes)| bytes).unwrap_or_default()
                } else {
                    Vec::new()
                };
                let start = number.saturating_mul(WINDOW_BYTES);
                let len = self.len_bytes().saturating_sub(start).min(WINDOW_BYTES);
                bytes.resize(usize::try_from(len).unwrap_or(0), 0);
                self.source.read_exact_at(start, &mut bytes)?;
                Some((number, bytes))
            }
        };
        if let Some(window) = window {
            self.held.insert(0, window);
        }
        Ok(self.held.first().map_or(&[], |(_, bytes)| bytes.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use detente_block::MemoryBackend;

    use super::*;

    #[test]
    fn reads_equal_the_source_over_window_borders_and_at_the_short_end() {
        let bytes: Vec<u8> = (0..2_000_001_u32)
            .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1] ^ n.to_le_bytes()[2])
            .collect();
        let source = MemoryBackend::new(bytes.clone());
        let mut windows = Windows::new(&source);
        for step in 0..400_usize {
            let at = step * 7919 % 1_990_000;
            let mut buf = vec![0; 1 + step * 25];
            windows.read(u64::try_from(at).unwrap(), &mut buf).unwrap();
            assert_eq!(
                buf,
                bytes[at..at + buf.len()],
                "{} bytes at {at}",
                buf.len()
            );
            assert!(windows.held.len() <= WINDOWS);
        }
        assert!(windows.read(1_999_999, &mut [0; 3]).is_err());
        windows.read(1_999_999, &mut [0; 2]).unwrap();
        windows.read(2_000_001, &mut []).unwrap();
    }
}

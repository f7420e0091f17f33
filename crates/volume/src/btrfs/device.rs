//! The devices of a file system, as far as they are given.

use std::collections::BTreeMap;

use detente_block::{BlockRead as _, Window};

use super::superblock::Superblock;
use super::{corrupt, unsupported};
use crate::FsError;

/// Every given device by its number.
pub(super) struct Devices(BTreeMap<u64, Window>);

impl Devices {
    /// Reads the superblock of each. The newest superblock counts: a device that was away has an
    /// older one.
    pub(super) fn open(windows: &[Window]) -> Result<(Self, Superblock, Vec<String>), FsError> {
        let mut devices = BTreeMap::new();
        let mut notes = Vec::new();
        let mut newest: Option<Superblock> = None;
        for window in windows {
            let (superblock, note) = Superblock::read(window)?;
            notes.extend(note);
            let number = superblock.device;
            if devices.insert(number, window.clone()).is_some() {
                return Err(corrupt(format!("two devices have the number {number}")));
            }
            newest = Some(match newest.take() {
                Some(known) if known.fsid != superblock.fsid => {
                    return Err(corrupt(format!(
                        "device {number} belongs to {}, not to {}",
                        superblock.uuid(),
                        known.uuid()
                    )));
                }
                Some(known) if known.generation >= superblock.generation => known,
                Some(_) | None => superblock,
            });
        }
        let newest = newest.ok_or_else(|| unsupported("no device was given"))?;
        Ok((Self(devices), newest, notes))
    }

    /// How many are given.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    /// Fills `buf` from byte `offset` of device `number`.
    pub(super) fn read(&self, number: u64, offset: u64, buf: &mut [u8]) -> Result<(), FsError> {
        let window = self.0.get(&number).ok_or_else(|| {
            unsupported(format!("its device {number} is needed, and was not given"))
        })?;
        let end = u64::try_from(buf.len())
            .ok()
            .and_then(|len| offset.checked_add(len));
        if end.is_none_or(|end| end > window.len_bytes()) {
            return Err(corrupt(format!(
                "a chunk goes past the end of device {number}"
            )));
        }
        Ok(window.read_exact_at(offset, buf)?)
    }
}

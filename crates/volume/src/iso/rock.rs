//! Rock Ridge: what Unix knows of a file and a record does not. \[RRIP\] 4.

use super::date;
use super::susp::{Entry, MAX_ELSEWHERE_BYTES};
use super::{Iso, corrupt};
use crate::FsError;
use crate::fields::{has, le32};

/// Linux takes no longer name.
const MAX_NAME_BYTES: usize = 255;
/// `PATH_MAX`: no link's target is longer.
const MAX_TARGET_BYTES: usize = 4096;
/// \[SUSP\] 5.3: marks that entries are used at all.
const CHECK: [u8; 2] = [0xbe, 0xef];

/// What the entries of one record say.
#[derive(Default)]
pub(super) struct Rock {
    pub(super) name: Option<Vec<u8>>,
    /// Kind and permissions.
    pub(super) mode: Option<u32>,
    pub(super) modified_s: Option<i64>,
    pub(super) link: Option<Link>,
    /// The block of the directory that this stands for.
    pub(super) moved_to: Option<u32>,
    /// A directory that is shown elsewhere.
    pub(super) is_moved: bool,
    /// Why its content is not read.
    pub(super) refused: Option<&'static str>,
    /// \[SUSP\] 5.3: what other records have before their entries.
    pub(super) skip: usize,
    has_check: bool,
    has_entries: bool,
}

/// The target of a symbolic link, in pieces.
#[derive(Default)]
pub(super) struct Link {
    pub(super) target: Vec<u8>,
    /// Whether the next component starts behind a slash.
    is_apart: bool,
}

impl Rock {
    /// Whether the root's own record says that there is Rock Ridge.
    pub(super) fn is_used(&self) -> bool {
        self.has_check && self.has_entries
    }

    fn take(&mut self, entry: &Entry<'_>) -> Result<(), FsError> {
        let data = entry.data;
        match &entry.signature {
            b"SP" => {
                self.has_check = data.starts_with(&CHECK);
                self.skip = data.get(2).copied().map_or(0, usize::from);
            }
            // [RRIP] 4.3; the others are what later editions say.
            b"ER" => {
                let names: [&[u8]; 3] = [b"RRIP_1991A", b"IEEE_P1282", b"IEEE_1282"];
                self.has_entries |= names.iter().any(|name| has(data, 4, name));
            }
            b"RR" => self.has_entries = true,
            b"PX" => {
                self.has_entries = true;
                self.mode = le32(data, 0);
            }
            b"NM" => self.take_name(data)?,
            b"SL" => self.link.get_or_insert_default().take(data)?,
            b"CL" => self.moved_to = le32(data, 0),
            b"RE" => self.is_moved = true,
            b"TF" => self.modified_s = modified(data).or(self.modified_s),
            b"ZF" => self.refused = Some("it is compressed (zisofs)"),
            b"SF" => self.refused = Some("it is sparse"),
            _ => {}
        }
        Ok(())
    }

    /// \[RRIP\] 4.1.4: a flag for each of the two names that every directory has.
    fn take_name(&mut self, data: &[u8]) -> Result<(), FsError> {
        let (flags, piece) = data
            .split_first()
            .ok_or_else(|| corrupt("a name is short"))?;
        if flags & 0x06 != 0 {
            return Ok(());
        }
        let name = self.name.get_or_insert_default();
        name.extend_from_slice(piece);
        if name.len() > MAX_NAME_BYTES {
            return Err(corrupt("a name has more than 255 bytes"));
        }
        Ok(())
    }
}

impl Link {
    /// \[RRIP\] 4.1.3: components, each with flags and a length.
    fn take(&mut self, data: &[u8]) -> Result<(), FsError> {
        let mut rest = data.get(1..).unwrap_or_default();
        while let Some((&[flags, len], after)) = rest.split_first_chunk() {
            let (piece, later) = after
                .split_at_checked(usize::from(len))
                .ok_or_else(|| corrupt("a part of a link goes past its entry"))?;
            if self.is_apart {
                self.target.push(b'/');
            }
            // Else it starts at the root, or is the end of what began before.
            self.is_apart = flags & 0x09 == 0;
            self.target.extend_from_slice(match flags & 0x0e {
                0x00 => piece,
                0x02 => b".",
                0x04 => b"..",
                0x08 => b"/",
                _ => return Err(corrupt("a part of a link is of no known kind")),
            });
            if self.target.len() > MAX_TARGET_BYTES {
                return Err(corrupt("a link is too long"));
            }
            rest = later;
        }
        Ok(())
    }
}

impl Iso {
    /// What the entries of a record say, which has no Rock Ridge if none is used.
    pub(super) fn rock(&self, system_use: &[u8], left: &mut u32) -> Result<Rock, FsError> {
        let mut rock = Rock::default();
        let area = system_use.get(self.skip..).unwrap_or_default();
        self.each_entry(area, left, |entry| rock.take(entry))?;
        Ok(rock)
    }

    /// The same of the root's own record, where entries may be something else.
    pub(super) fn root_rock(&self, system_use: &[u8]) -> Result<Rock, FsError> {
        // [SUSP] 5.3: it stands behind an XA record, if there is one, which has 14 bytes.
        let mut areas = [0, 14].iter().filter_map(|&at| system_use.get(at..));
        let marked = areas.find(|area| area.starts_with(b"SP") && has(area, 4, &CHECK));
        let Some(area) = marked else {
            return Ok(Rock::default());
        };
        let mut rock = Rock::default();
        let mut left = MAX_ELSEWHERE_BYTES;
        self.each_entry(area, &mut left, |entry| rock.take(entry))?;
        Ok(rock)
    }
}

/// \[RRIP\] 4.1.6: of up to seven dates the one of modification, which only that of creation
/// precedes.
fn modified(data: &[u8]) -> Option<i64> {
    let (&flags, dates) = data.split_first()?;
    if flags & 0x02 == 0 {
        return None;
    }
    let is_long = flags & 0x80 != 0;
    let len: usize = if is_long { 17 } else { 7 };
    let at = if flags & 0x01 != 0 { len } else { 0 };
    let date = dates.get(at..at.checked_add(len)?)?;
    Some(if is_long {
        date::long(date)
    } else {
        date::short(date)
    })
}

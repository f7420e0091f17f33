//! The label and header of a physical volume.

use detente_block::{ReadError, Window};

use super::group::Group;
use super::{area, checksum};
use crate::fields::{has, le32, le64, read_if_inside, text};

const SECTOR: usize = 512;
/// \[LVM2\] `LABEL_SCAN_SECTORS`.
const LABEL_SECTORS: usize = 4;
/// \[LVM2\] There are at most two areas of metadata; lists in the header end with zeros.
const MAX_AREAS: usize = 16;

/// A physical volume.
pub(crate) struct PhysicalVolume {
    /// Its identity: 32 letters and digits.
    pub(crate) id: String,
    /// The newest group that its metadata describes; a volume may carry none.
    pub(crate) group: Option<Group>,
    /// What was wrong with it, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Reads what `window` says of itself; `None` if it is no physical volume, or a note why it is none
/// that can be used.
pub(crate) fn read(window: &Window) -> Result<Option<Result<PhysicalVolume, String>>, ReadError> {
    let Some(head) = read_if_inside(window, 0, LABEL_SECTORS * SECTOR)? else {
        return Ok(None);
    };
    let mut labels = (0_u64..).zip(head.chunks_exact(SECTOR));
    let Some((number, sector)) = labels.find(|(_, sector)| has(sector, 0, b"LABELONE")) else {
        return Ok(None);
    };
    let (id, areas) = match header(number, sector) {
        Ok(parsed) => parsed,
        Err(rule) => return Ok(Some(Err(rule.to_owned()))),
    };
    let (mut newest, mut notes) = (None::<Group>, Vec::new());
    for offset in areas {
        match area::read(window, offset)? {
            Ok(Some(group)) => {
                let newer = newest.as_ref().is_none_or(|own| own.seqno < group.seqno);
                newest = if newer { Some(group) } else { newest };
            }
            Ok(None) => {}
            Err(rule) => notes.push(format!("metadata at {offset:#x} is not used: {rule}")),
        }
    }
    let group = newest;
    Ok(Some(Ok(PhysicalVolume { id, group, notes })))
}

/// The identity, and where areas of metadata start. \[LVM2\] `struct label_header`, `pv_header`.
fn header(number: u64, sector: &[u8]) -> Result<(String, Vec<u64>), &'static str> {
    let covered = sector.get(20..).unwrap_or_default();
    if le32(sector, 16) != Some(checksum(covered)) {
        return Err("the checksum of its label is wrong");
    }
    if le64(sector, 8) != Some(number) {
        return Err("its label says that it belongs elsewhere");
    }
    if !has(sector, 24, b"LVM2 001") {
        return Err("its label is not of LVM2");
    }
    let at = le32(sector, 20).and_then(|at| usize::try_from(at).ok());
    let at = at.ok_or("its header lies outside the label")?;
    let id = text(sector, at, 32).filter(|id| id.len() == 32 && id.is_ascii());
    let id = id.ok_or("its header lies outside the label")?;
    // After the identity and the size: areas of data, then areas of metadata.
    let mut pairs = (0..MAX_AREAS).map_while(|index| {
        let at = at.checked_add(40)?.checked_add(index.checked_mul(16)?)?;
        Some((le64(sector, at)?, le64(sector, at.checked_add(8)?)?))
    });
    pairs.by_ref().find(|&(offset, _)| offset == 0);
    let areas = pairs.take_while(|&(offset, _)| offset != 0);
    Ok((id, areas.map(|(offset, _)| offset).collect()))
}

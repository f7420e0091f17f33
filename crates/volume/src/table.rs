//! What volumes a disk has.

mod gpt;
mod layout;
mod mbr;

use std::sync::Arc;

use detente_block::{BlockRead, ReadError, Window};

use crate::content::{Content, identify};
use crate::fields::read_if_inside;
use layout::Layout;

/// The kind of partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// GUID partition table.
    Gpt,
    /// Master boot record.
    Mbr,
    /// No table: the whole disk is one volume.
    None,
}

/// One volume of a disk: a partition, or the whole disk.
#[derive(Clone)]
pub struct Volume {
    /// The partition's number, from 1; 0 for a whole disk.
    pub number: u32,
    /// Where it starts on the disk, in bytes.
    pub offset: u64,
    /// GPT: the type GUID, lower case with hyphens. MBR: the type byte as `0x83`. Else empty.
    pub type_id: String,
    /// `PARTUUID` as Linux spells it: the GPT partition GUID, or `SSSSSSSS-PP` for MBR.
    pub partuuid: Option<String>,
    /// The GPT partition name, if any.
    pub name: Option<String>,
    /// Its bytes.
    pub window: Window,
    /// What it holds.
    pub content: Content,
}

/// Why a disk could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A read failed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A disk's volumes, and what was wrong with its table.
pub struct Survey {
    /// The kind of table.
    pub table: TableKind,
    /// The volumes that are sound, by number.
    pub volumes: Vec<Volume>,
    /// What was left out or worked around, a sentence each.
    pub notes: Vec<String>,
}

/// Lists the volumes of a disk.
///
/// # Errors
/// [`ScanError`] when the disk cannot be read; a damaged table yields what is sound of it.
pub fn scan(disk: &Arc<dyn BlockRead>) -> Result<(TableKind, Vec<Volume>), ScanError> {
    let survey = survey(disk)?;
    Ok((survey.table, survey.volumes))
}

/// Lists the volumes of a disk, and says what of its partition table had to be left out.
///
/// At most 1024 partitions are listed. A partition outside the disk, or over an earlier one, is
/// left out. Sectors of 512 bytes are assumed for MBR, 512 or 4096 (whichever fits) for GPT.
///
/// # Errors
/// [`ScanError`] when the disk cannot be read; a damaged table yields what is sound of it.
pub fn survey(disk: &Arc<dyn BlockRead>) -> Result<Survey, ScanError> {
    let Some(sector) = read_if_inside(disk.as_ref(), 0, 512)? else {
        return whole(disk, Vec::new());
    };
    let mut layout = Layout::new(disk);
    let record = mbr::Record::parse(&sector);
    if record.as_ref().is_some_and(mbr::Record::is_protective)
        && gpt::read(disk.as_ref(), &mut layout)?
    {
        return finish(TableKind::Gpt, layout);
    }
    let Some(record) = record else {
        return whole(disk, layout.notes);
    };
    // A FAT or NTFS boot sector ends in 0x55AA like an MBR: where an MBR has its entries, it has
    // program text. A boot sector whose fields make sense is no MBR.
    let content = identify(&Window::new(disk.clone(), 0, disk.len_bytes())?)?;
    if !record.is_protective()
        && (content.is_boot_sector() || (record.is_empty() && content != Content::Unknown))
    {
        return whole(disk, layout.notes);
    }
    mbr::read(disk.as_ref(), &record, &mut layout)?;
    finish(TableKind::Mbr, layout)
}

/// The disk without a table.
fn whole(disk: &Arc<dyn BlockRead>, notes: Vec<String>) -> Result<Survey, ScanError> {
    let window = Window::new(disk.clone(), 0, disk.len_bytes())?;
    let content = identify(&window)?;
    let volume = Volume {
        number: 0,
        offset: 0,
        type_id: String::new(),
        partuuid: None,
        name: None,
        window,
        content,
    };
    Ok(Survey {
        table: TableKind::None,
        volumes: vec![volume],
        notes,
    })
}

/// Looks into every partition.
fn finish(table: TableKind, layout: Layout<'_>) -> Result<Survey, ScanError> {
    let Layout {
        mut volumes, notes, ..
    } = layout;
    for volume in &mut volumes {
        volume.content = identify(&volume.window)?;
    }
    Ok(Survey {
        table,
        volumes,
        notes,
    })
}

//! The map as it is printed, an extent at a time.

use std::path::Path;

use detente_block::ReadError;
use detente_disk::{MapExtent, Mapped, Place};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::Format;
use crate::output::Output;

/// How much is gathered before it is printed.
const GATHERED_BYTES: usize = 64 << 10;

/// The answer in the making.
pub(super) struct Page<'a> {
    format: Format,
    files: Vec<String>,
    text: String,
    count: u64,
    out: &'a mut Output,
}

/// An extent for programs.
#[derive(Serialize)]
struct Extent {
    offset: u64,
    length: u64,
    depth: usize,
    kind: &'static str,
    file: Option<usize>,
    file_offset: Option<u64>,
    file_length: Option<u64>,
}

/// An extent as `qemu-img map --output json` prints it, in its order.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "QEMU's fields")]
struct QemuExtent {
    start: u64,
    length: u64,
    depth: usize,
    present: bool,
    zero: bool,
    data: bool,
    compressed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

impl<'a> Page<'a> {
    pub(super) fn new(
        format: Format,
        path: &Path,
        disk: &dyn Mapped,
        out: &'a mut Output,
    ) -> anyhow::Result<Self> {
        let files = disk.files().iter().map(|file| file.path.display());
        let files: Vec<String> = files.map(|path| path.to_string()).collect();
        let text = match format {
            Format::Text => format!("{:<20}{:<20}what\n", "offset", "length"),
            Format::Json => head(path, disk.len_bytes(), &files)?,
            Format::QemuJson => "[".to_owned(),
        };
        Ok(Self {
            format,
            files,
            text,
            count: 0,
            out,
        })
    }

    pub(super) fn add(&mut self, extent: &MapExtent) -> anyhow::Result<()> {
        let comma = if self.count == 0 { "" } else { "," };
        let line = match self.format {
            Format::Text => self.line(extent),
            Format::Json => format!("{comma}\n    {}", serde_json::to_string(&ours(extent))?),
            Format::QemuJson => {
                let gap = if self.count == 0 { "" } else { ",\n" };
                format!("{gap}{}", serde_json::to_string(&as_qemu(extent))?)
            }
        };
        self.text.push_str(&line);
        self.count = self.count.saturating_add(1);
        if self.text.len() >= GATHERED_BYTES {
            self.out.bytes(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }

    /// What is to be said at the end; an answer for `qemu-img`'s readers that is not whole stays
    /// open, as its own does.
    pub(super) fn finish(mut self, fault: Option<&ReadError>) -> anyhow::Result<()> {
        match self.format {
            Format::Text => {}
            Format::Json => {
                let fault = fault.map(ToString::to_string);
                let (complete, fault) = (fault.is_none(), json!(fault));
                self.text.push_str(&format!(
                    "\n  ],\n  \"complete\": {complete},\n  \"fault\": {fault}\n}}\n"
                ));
            }
            Format::QemuJson if fault.is_none() => self.text.push_str("]\n"),
            Format::QemuJson => {}
        }
        self.out.bytes(self.text.as_bytes())?;
        Ok(())
    }

    /// A line for people.
    fn line(&self, extent: &MapExtent) -> String {
        let name = |file: usize| self.files.get(file).map_or("", String::as_str);
        let what = match extent.place {
            Place::File { file, offset } => format!("data at {offset:#x} of {}", name(file.0)),
            Place::Compressed { file, offset, .. } => {
                format!("compressed, from {offset:#x} on, of {}", name(file.0))
            }
            Place::Zero {
                room: Some((file, offset)),
            } => {
                format!("zero, with room at {offset:#x} of {}", name(file.0))
            }
            Place::Zero { room: None } => "zero".to_owned(),
            Place::Unallocated => "nowhere".to_owned(),
        };
        let (offset, len) = (
            format!("{:#x}", extent.offset),
            format!("{:#x}", extent.len),
        );
        let what = crate::page::clean(&what);
        format!("{offset:<20}{len:<20}{what}\n")
    }
}

/// The document up to its extents.
fn head(path: &Path, virtual_size: u64, files: &[String]) -> anyhow::Result<String> {
    let image = Value::from(path.display().to_string());
    let files = serde_json::to_string(files)?;
    Ok(format!(
        "{{\n  \"schema\": \"detente/image-map/1\",\n  \"image\": {image},\n  \
         \"virtual_size_bytes\": {virtual_size},\n  \"files\": {files},\n  \"extents\": ["
    ))
}

fn ours(extent: &MapExtent) -> Extent {
    let (kind, place, file_length) = match extent.place {
        Place::File { file, offset } => ("data", Some((file, offset)), Some(extent.len)),
        Place::Compressed { file, offset, len } => ("compressed", Some((file, offset)), Some(len)),
        Place::Zero { room } => ("zero", room, room.map(|_| extent.len)),
        Place::Unallocated => ("unallocated", None, None),
    };
    Extent {
        offset: extent.offset,
        length: extent.len,
        depth: extent.depth,
        kind,
        file: place.map(|(file, _)| file.0),
        file_offset: place.map(|(_, offset)| offset),
        file_length,
    }
}

fn as_qemu(extent: &MapExtent) -> QemuExtent {
    let (present, data, compressed, offset) = match extent.place {
        Place::File { offset, .. } => (true, true, false, Some(offset)),
        Place::Compressed { .. } => (true, true, true, None),
        Place::Zero { room } => (true, false, false, room.map(|(_, offset)| offset)),
        Place::Unallocated => (false, false, false, None),
    };
    QemuExtent {
        start: extent.offset,
        length: extent.len,
        depth: extent.depth,
        present,
        zero: !data,
        data,
        compressed,
        offset,
    }
}

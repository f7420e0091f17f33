//! Opening a qcow2 file as a layer.

use std::sync::Arc;

use detente_block::Gate;

use super::reader::Qcow2;
use super::unsupported;
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
    let parent = disk.backing_name().map(|name| {
        let format = name.named.known_format();
        if let (None, Some(format)) = (format, &name.named.format) {
            let what = format!("a backing file of format {format:?}");
            return Err(unsupported(name.offset, what));
        }
        Ok(ParentRef {
            names: vec![name.named.name.clone()],
            at: name.offset,
            format,
            identities: Vec::new(),
        })
    });
    let parent = parent.transpose()?;
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

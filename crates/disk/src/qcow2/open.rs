//! Opening a qcow2 file as a layer.

use std::sync::Arc;

use detente_block::Gate;

use super::corrupt;
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
    let data_file = match disk.header.data_file()? {
        Some(name) => Some(open_data_file(&disk, name, &file, gate)?),
        None => None,
    };
    let mut opened = layer(file, disk);
    opened.files.extend(data_file);
    Ok(opened)
}

/// Opens `file` for what its header says: an external data file is left alone, so that nothing of
/// the guest's view can be read.
pub(crate) fn open_to_describe(file: ImageFile) -> Result<OpenedLayer, OpenError> {
    let disk = Qcow2::open(Arc::clone(&file.reader), None)?;
    disk.header.data_file()?;
    Ok(layer(file, disk))
}

fn open_data_file(
    disk: &Qcow2,
    name: &str,
    image: &ImageFile,
    gate: &dyn Gate,
) -> Result<ImageFile, OpenError> {
    let opened = gate.open(name)?;
    // Its tables would be the guest's to write.
    if image.is(&opened.path, &*opened.reader) {
        let at = disk.header.extensions.data_file_at;
        let rule = format!("the external data file {name:?} is the image itself");
        return Err(OpenError::Loop {
            path: image.path.clone(),
            error: corrupt(at, rule),
        });
    }
    Ok(ImageFile {
        path: opened.path,
        reader: opened.reader,
    })
}

fn layer(file: ImageFile, disk: Qcow2) -> OpenedLayer {
    let parent = disk.backing_name().map(|name| ParentRef {
        names: vec![name.named.name.clone()],
        at: name.offset,
        // One that we do not know is refused before the parent is looked for.
        format: name.named.known_format(),
        identities: Vec::new(),
    });
    OpenedLayer {
        map: Box::new(disk),
        files: vec![file],
        parent,
    }
}

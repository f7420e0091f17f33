//! Opening an image and the files that it rests on.

use std::path::Path;
use std::sync::Arc;

use detente_block::{BlockRead, Gate, ReadError};

use crate::layer_name::LayerName;
use crate::probe::probe;
use crate::qcow2::{BackingName, Qcow2};
use crate::{Format, Image, Layer, OpenError};

/// How many files a chain may have. Each costs memory and open files; a sane chain has a handful.
const MAX_LAYERS: usize = 16;

/// Opens the image at `path` (for the chain's record) whose bytes are `file`.
///
/// A file of no known format is raw. A backing file whose format the image states is taken as that,
/// any other is probed like the image itself. Whatever it names is opened through `gate`.
///
/// # Errors
/// [`OpenError`]; errors in a backing file name it. A chain of more than 16 files is refused.
pub fn open(path: &Path, file: Arc<dyn BlockRead>, gate: &dyn Gate) -> Result<Image, OpenError> {
    let mut layers = Vec::new();
    let reader = open_layer(
        Source {
            path,
            file,
            format: None,
        },
        gate,
        &mut layers,
    )?;
    Ok(Image { reader, layers })
}

/// A file of the chain before it is opened.
struct Source<'a> {
    path: &'a Path,
    file: Arc<dyn BlockRead>,
    /// As stated by the image that names it.
    format: Option<Format>,
}

fn open_layer(
    source: Source<'_>,
    gate: &dyn Gate,
    layers: &mut Vec<Layer>,
) -> Result<Arc<dyn BlockRead>, OpenError> {
    let Source { path, file, format } = source;
    let name = if layers.is_empty() {
        LayerName::top()
    } else {
        LayerName::backing(path)
    };
    let format = match format {
        Some(format) => format,
        None => probe(&*file).map_err(|error| name.on(error))?,
    };
    layers.push(Layer {
        path: path.to_path_buf(),
        format,
    });
    match format {
        Format::Raw => Ok(file),
        Format::Qcow2 => {
            let mut disk = Qcow2::open(file, name)?;
            if let Some(name) = disk.backing_name() {
                let backing = open_backing(name, gate, layers)?;
                disk.rest_on(backing);
            }
            Ok(Arc::new(disk))
        }
    }
}

fn open_backing(
    name: &BackingName,
    gate: &dyn Gate,
    layers: &mut Vec<Layer>,
) -> Result<Arc<dyn BlockRead>, OpenError> {
    let opened = gate.open(&name.name)?;
    let offset = name.offset;
    if layers.iter().any(|layer| layer.path == opened.path) {
        let rule = format!("the backing chain comes back to {}", opened.path.display());
        return Err(ReadError::Corrupt { offset, rule }.into());
    }
    if layers.len() >= MAX_LAYERS {
        let what = format!("a chain of more than {MAX_LAYERS} files");
        return Err(ReadError::Unsupported { offset, what }.into());
    }
    let source = Source {
        path: &opened.path,
        file: opened.reader,
        format: name.format,
    };
    open_layer(source, &*opened.gate, layers)
}

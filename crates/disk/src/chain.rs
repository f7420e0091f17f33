//! Opening an image and the files that it rests on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, Gate, GateError, Opened, ReadError};

use crate::layer::{LayerMap, OpenedLayer, ParentRef};
use crate::layer_name::LayerName;
use crate::map::ImageFile;
use crate::probe::probe;
use crate::raw::Raw;
use crate::stack::Stack;
use crate::{
    Details, Format, Image, Layer, OpenError, OpenOptions, Parents, qcow2, vhd, vhdx, vmdk,
};

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
    open_with(path, file, gate, &OpenOptions::default())
}

/// Opens an image as [`open`] does, but as `options` say.
///
/// # Errors
/// As [`open`]; [`ReadError::Unsupported`] when there is no such snapshot.
pub fn open_with(
    path: &Path,
    file: Arc<dyn BlockRead>,
    gate: &dyn Gate,
    options: &OpenOptions,
) -> Result<Image, OpenError> {
    let top = Source {
        path: path.to_path_buf(),
        file,
        format: options.format,
        snapshot: options.snapshot.clone(),
        purpose: Purpose::Read,
    };
    let opened = top.open(&LayerName::top(), gate)?;
    let mut layers = vec![opened.as_readable_layer(path, &LayerName::top())?];
    let mut chain = vec![opened.own_file()];
    let file = opened.own_file().reader;
    let mut parent = match options.parents {
        Parents::Follow => opened.parent,
        Parents::Ignore => None,
    };
    let top_format = layers.first().map(|layer| layer.format);
    let mut stack = Stack::new(opened.map, opened.files, LayerName::top());
    let mut above: Option<Box<dyn Gate>> = None;
    while let Some(wanted) = parent {
        let (source, below) = find(&wanted, above.as_deref().unwrap_or(gate), &chain)?;
        let name = LayerName::backing(&source.path);
        let opened = source.open(&name, &*below)?;
        check_identity(&wanted, &*opened.map, &source.path)?;
        let layer = opened.as_readable_layer(&source.path, &name)?;
        check_sectors(layers.last(), &layer, &wanted)?;
        layers.push(layer);
        chain.push(opened.own_file());
        stack.rest_on(opened.map, opened.files, name);
        parent = opened.parent;
        above = Some(below);
    }
    let stack = Arc::new(stack);
    let reader: Arc<dyn BlockRead> = match top_format {
        // Nothing to look up.
        Some(Format::Raw) => file,
        Some(_) | None => stack.clone(),
    };
    Ok(Image {
        reader,
        stack,
        layers,
    })
}

/// Opens one file alone, without what it rests on, and says what there is to say of it. The
/// arguments are those of [`open`]; the gate is asked for the extents of a VMDK, but not for the
/// external data file of a qcow2 image.
///
/// # Errors
/// As [`open`].
pub fn open_layer(
    path: &Path,
    file: Arc<dyn BlockRead>,
    gate: &dyn Gate,
) -> Result<Layer, OpenError> {
    open_layer_as(path, file, gate, None)
}

/// As [`open_layer`], but of this format, if one is given.
///
/// # Errors
/// As [`open`].
pub fn open_layer_as(
    path: &Path,
    file: Arc<dyn BlockRead>,
    gate: &dyn Gate,
    format: Option<Format>,
) -> Result<Layer, OpenError> {
    let top = Source {
        path: path.to_path_buf(),
        file,
        format,
        snapshot: None,
        purpose: Purpose::Describe,
    };
    Ok(top.open(&LayerName::top(), gate)?.as_layer(path))
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The guest's view.
    Read,
    /// What the file says of itself.
    Describe,
}

/// A file of the chain before it is opened.
struct Source {
    path: PathBuf,
    file: Arc<dyn BlockRead>,
    /// As stated by the image that names it.
    format: Option<Format>,
    /// The internal snapshot that is wanted.
    snapshot: Option<String>,
    purpose: Purpose,
}

impl Source {
    /// Opens the file as a layer; what it spreads over comes through `gate`.
    fn open(&self, name: &LayerName, gate: &dyn Gate) -> Result<OpenedLayer, OpenError> {
        let format = match self.format {
            Some(format) => format,
            None => probe(&*self.file).map_err(|error| name.on(error))?,
        };
        let own = ImageFile {
            path: self.path.clone(),
            reader: Arc::clone(&self.file),
        };
        if let (Some(snapshot), false) = (&self.snapshot, format == Format::Qcow2) {
            let format = format.qemu_name();
            return Err(ReadError::Unsupported {
                offset: 0,
                what: format!("the snapshot {snapshot:?} of a {format} image"),
            }
            .into());
        }
        let opened = match format {
            Format::Raw => Ok(OpenedLayer {
                map: Box::new(Raw::new(Arc::clone(&self.file))),
                files: vec![own],
                parent: None,
            }),
            Format::Qcow2 => match self.purpose {
                Purpose::Read => qcow2::open(own, gate, self.snapshot.as_deref()),
                Purpose::Describe => qcow2::open_to_describe(own),
            },
            Format::Vhd => vhd::open(own),
            Format::Vhdx => vhdx::open(own),
            Format::Vmdk => vmdk::open(own, gate),
        };
        opened.map_err(|error| match error {
            OpenError::Read(error) => OpenError::Read(name.on(error)),
            OpenError::Loop { path, error } => OpenError::Loop {
                path,
                error: name.on(error),
            },
            // What the file rests on is not opened here.
            OpenError::Gate(error) | OpenError::DataFile(error) => OpenError::DataFile(error),
        })
    }
}

impl OpenedLayer {
    /// The image, of all the files that it spreads over.
    fn own_file(&self) -> ImageFile {
        let own = self.files.first().expect("the image is its first file");
        own.clone()
    }

    fn as_layer(&self, path: &Path) -> Layer {
        let details = self.map.details();
        Layer {
            path: path.to_path_buf(),
            format: details.format(),
            virtual_size: self.map.virtual_size(),
            details,
        }
    }
}

impl OpenedLayer {
    /// The layer, unless it can only be described.
    fn as_readable_layer(&self, path: &Path, name: &LayerName) -> Result<Layer, ReadError> {
        let layer = self.as_layer(path);
        if let Details::Qcow2(details) = &layer.details {
            details
                .refuse_unreadable()
                .map_err(|error| name.on(error))?;
        }
        Ok(layer)
    }
}

/// The file that a layer rests on, and the gate for what that one names.
fn find(
    wanted: &ParentRef,
    gate: &dyn Gate,
    chain: &[ImageFile],
) -> Result<(Source, Box<dyn Gate>), OpenError> {
    let opened = open_first(&wanted.names, gate)?;
    let offset = wanted.at;
    let same = |file: &&ImageFile| file.is(&opened.path, &*opened.reader);
    if let Some(file) = chain.iter().find(same) {
        let rule = format!("the backing chain comes back to {}", file.path.display());
        let (above, depth) = (chain.last(), chain.len());
        let path = above.expect("a chain has a file").path.clone();
        let name = match depth {
            1 => LayerName::top(),
            _ => LayerName::backing(&path),
        };
        let error = name.on(ReadError::Corrupt { offset, rule });
        return Err(OpenError::Loop { path, error });
    }
    if chain.len() >= MAX_LAYERS {
        let what = format!("a chain of more than {MAX_LAYERS} files");
        return Err(ReadError::Unsupported { offset, what }.into());
    }
    let source = Source {
        path: opened.path,
        file: opened.reader,
        format: wanted.format,
        snapshot: None,
        purpose: Purpose::Read,
    };
    Ok((source, opened.gate))
}

/// Tries the names in turn. If none opens, the first one's error is the answer.
fn open_first(names: &[String], gate: &dyn Gate) -> Result<Opened, GateError> {
    let mut first = None;
    for name in names {
        match gate.open(name) {
            Ok(opened) => return Ok(opened),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.expect("a parent has a name"))
}

/// A parent that is not the one that the child was made on would yield nonsense.
/// \[MS-VHDX\] 2.6.2.4: a differencing disk has the logical sectors of its parent; whoever reads its
/// sector bitmaps with another size takes the wrong bytes.
fn check_sectors(
    child: Option<&Layer>,
    parent: &Layer,
    wanted: &ParentRef,
) -> Result<(), OpenError> {
    let sectors = |layer: &Layer| match &layer.details {
        Details::Vhdx(vhdx) => Some(vhdx.logical_sector_bytes),
        Details::Raw | Details::Qcow2(_) | Details::Vhd(_) | Details::Vmdk(_) => None,
    };
    let (Some(own), Some(other)) = (child.and_then(sectors), sectors(parent)) else {
        return Ok(());
    };
    if own == other {
        return Ok(());
    }
    let rule = format!(
        "logical sectors of {own} bytes, but {} has sectors of {other}",
        parent.path.display()
    );
    Err(ReadError::Corrupt {
        offset: wanted.at,
        rule,
    }
    .into())
}

fn check_identity(wanted: &ParentRef, parent: &dyn LayerMap, path: &Path) -> Result<(), OpenError> {
    if wanted.identities.is_empty() || wanted.identities.contains(&parent.identity()) {
        return Ok(());
    }
    let rule = format!(
        "the parent {} is not the one that this image was made on, or was written to since",
        path.display()
    );
    Err(ReadError::Corrupt {
        offset: wanted.at,
        rule,
    }
    .into())
}

//! Opening a VMDK file as a layer.

use std::sync::Arc;

use detente_block::{BlockRead, Gate, ReadError};

use super::cowd;
use super::descriptor::{Descriptor, ExtentKind, ExtentLine, MAX_BYTES};
use super::details::{VmdkDetails, VmdkExtent};
use super::extent::{Content, Extent, in_extent};
use super::field::read;
use super::grains::Grains;
use super::hosted::Hosted;
use super::reader::Vmdk;
use super::se_sparse;
use super::shape::{GrainKind, Shape};
use super::{SECTOR, corrupt};
use crate::layer::{Identity, OpenedLayer, ParentRef};
use crate::map::ImageFile;
use crate::{Format, OpenError};

/// \[VMDK\] `SPARSE_MAGICNUMBER`.
pub(crate) const HOSTED_MAGIC: [u8; 4] = *b"KDMV";
/// \[VMDK\] `COWDisk_Header`.
pub(crate) const COWD_MAGIC: [u8; 4] = *b"COWD";
/// What a descriptor file begins with.
pub(crate) const DESCRIPTOR_MAGIC: [u8; 21] = *b"# Disk DescriptorFile";

/// Opens `own` as a layer; the extents that it names come through `gate`.
pub(crate) fn open(own: ImageFile, gate: &dyn Gate) -> Result<OpenedLayer, OpenError> {
    let file = Arc::clone(&own.reader);
    let mut magic = [0; 4];
    let len = file.len_bytes();
    if len < SECTOR.min(4) {
        return Err(corrupt(0, "the file is too short for a VMDK").into());
    }
    file.read_exact_at(0, &mut magic)?;
    match magic {
        HOSTED_MAGIC => open_hosted(own, gate),
        COWD_MAGIC => {
            let shape = cowd::shape(&*file)?;
            one_extent(own, ExtentKind::VmfsSparse, shape, Descriptor::default())
        }
        _text => {
            let text = read(&*file, 0, len.min(MAX_BYTES), "descriptor")?;
            open_descriptor(own, Descriptor::parse(&text, 0)?, gate)
        }
    }
}

/// A hosted sparse extent is the disk, unless it only carries a descriptor.
fn open_hosted(own: ImageFile, gate: &dyn Gate) -> Result<OpenedLayer, OpenError> {
    let file = Arc::clone(&own.reader);
    let header = Hosted::read(&*file)?;
    let descriptor = embedded(&*file, &header)?;
    if header.capacity == 0 && !descriptor.extents.is_empty() {
        return open_descriptor(own, descriptor, gate);
    }
    one_extent(own, ExtentKind::Sparse, header.shape()?, descriptor)
}

/// The descriptor inside a sparse extent; empty if there is none, as in the extents of a split disk.
pub(super) fn embedded(file: &dyn BlockRead, header: &Hosted) -> Result<Descriptor, ReadError> {
    if header.descriptor_offset == 0 {
        return Ok(Descriptor::default());
    }
    let at = header.descriptor_offset.saturating_mul(SECTOR);
    let len = header.descriptor_size.saturating_mul(SECTOR).min(MAX_BYTES);
    Descriptor::parse(&read(file, at, len, "embedded descriptor")?, at)
}

/// A disk that is one sparse extent: the image itself.
fn one_extent(
    own: ImageFile,
    kind: ExtentKind,
    shape: Shape,
    descriptor: Descriptor,
) -> Result<OpenedLayer, OpenError> {
    let len = shape.capacity.saturating_mul(SECTOR);
    let details = vec![sparse_details(kind, None, len, &shape)];
    let extent = Extent {
        start: 0,
        len,
        name: None,
        file: 0,
        content: Content::Sparse(Box::new(Grains::new(Arc::clone(&own.reader), shape)?)),
    };
    layer(vec![own], vec![extent], details, descriptor)
}

/// A disk of the extents that a descriptor names.
fn open_descriptor(
    own: ImageFile,
    descriptor: Descriptor,
    gate: &dyn Gate,
) -> Result<OpenedLayer, OpenError> {
    if descriptor.extents.is_empty() {
        return Err(corrupt(descriptor.at, "the descriptor names no extents").into());
    }
    let mut files = Files {
        files: vec![own],
        names: vec![None],
    };
    let mut extents = Vec::new();
    let mut details = Vec::new();
    let mut start = 0_u64;
    for line in &descriptor.extents {
        let (extent, detail) = open_extent(line, start, &mut files, gate)?;
        start = start.saturating_add(extent.len);
        if i64::try_from(start).is_err() {
            return Err(corrupt(line.at, "the extents are more than 2^63 bytes").into());
        }
        // An empty one would hide the one behind it.
        if extent.len > 0 {
            extents.push(extent);
        }
        details.push(detail);
    }
    layer(files.files, extents, details, descriptor)
}

/// The files of the layer, each opened once.
struct Files {
    files: Vec<ImageFile>,
    /// As the descriptor names them.
    names: Vec<Option<String>>,
}

impl Files {
    /// The file of this name, and which it is.
    fn open(
        &mut self,
        name: &str,
        gate: &dyn Gate,
    ) -> Result<(usize, Arc<dyn BlockRead>), OpenError> {
        let known = self
            .names
            .iter()
            .position(|known| known.as_deref() == Some(name));
        let index = match known {
            Some(index) => index,
            None => {
                let opened = gate.open(name)?;
                self.files.push(ImageFile {
                    path: opened.path,
                    reader: opened.reader,
                });
                self.names.push(Some(name.to_owned()));
                self.files.len().saturating_sub(1)
            }
        };
        let file = self.files.get(index).expect("it was opened");
        Ok((index, Arc::clone(&file.reader)))
    }
}

fn open_extent(
    line: &ExtentLine,
    start: u64,
    files: &mut Files,
    gate: &dyn Gate,
) -> Result<(Extent, VmdkExtent), OpenError> {
    let len = line.sectors.saturating_mul(SECTOR);
    let named = |error| OpenError::Read(in_extent(error, &line.name));
    let (file, content, detail) = match line.kind {
        ExtentKind::Zero => (0, Content::Zero, plain_details(line, len)),
        ExtentKind::Flat => {
            let (file, reader) = files.open(&line.name, gate)?;
            let offset = line.offset.saturating_mul(SECTOR);
            if offset.saturating_add(len) > reader.len_bytes() {
                let rule = format!(
                    "the extent {} has {} bytes, too few for {len} from {offset:#x} on",
                    line.name,
                    reader.len_bytes()
                );
                return Err(corrupt(line.at, rule).into());
            }
            (
                file,
                Content::Flat { reader, offset },
                plain_details(line, len),
            )
        }
        ExtentKind::Sparse | ExtentKind::VmfsSparse | ExtentKind::SeSparse => {
            let (file, reader) = files.open(&line.name, gate)?;
            let shape = shape(line.kind, &*reader).map_err(named)?;
            if shape.capacity < line.sectors {
                let rule = format!(
                    "the extent {} has {} sectors, not {}",
                    line.name, shape.capacity, line.sectors
                );
                return Err(corrupt(line.at, rule).into());
            }
            let detail = sparse_details(line.kind, Some(line.name.clone()), len, &shape);
            let grains = Grains::new(reader, shape).map_err(named)?;
            (file, Content::Sparse(Box::new(grains)), detail)
        }
    };
    let extent = Extent {
        start,
        len,
        name: (line.kind != ExtentKind::Zero).then(|| line.name.clone()),
        file,
        content,
    };
    Ok((extent, detail))
}

fn shape(kind: ExtentKind, file: &dyn BlockRead) -> Result<Shape, ReadError> {
    match kind {
        ExtentKind::SeSparse => se_sparse::shape(file),
        // Some descriptors say SPARSE of both.
        ExtentKind::Sparse | ExtentKind::VmfsSparse | ExtentKind::Flat | ExtentKind::Zero => {
            let magic = read(file, 0, 4, "header")?;
            if magic == COWD_MAGIC {
                cowd::shape(file)
            } else {
                Hosted::read(file)?.shape()
            }
        }
    }
}

fn plain_details(line: &ExtentLine, len: u64) -> VmdkExtent {
    VmdkExtent {
        kind: line.kind.name(),
        name: (line.kind != ExtentKind::Zero).then(|| line.name.clone()),
        virtual_bytes: len,
        grain_bytes: None,
        compressed: false,
    }
}

fn sparse_details(kind: ExtentKind, name: Option<String>, len: u64, shape: &Shape) -> VmdkExtent {
    VmdkExtent {
        kind: kind.name(),
        name,
        virtual_bytes: len,
        grain_bytes: Some(shape.grain_bytes()),
        compressed: matches!(
            shape.kind,
            GrainKind::Hosted {
                compressed: true,
                ..
            }
        ),
    }
}

fn layer(
    files: Vec<ImageFile>,
    extents: Vec<Extent>,
    details: Vec<VmdkExtent>,
    descriptor: Descriptor,
) -> Result<OpenedLayer, OpenError> {
    let parent = parent(&descriptor)?;
    let size = extents
        .iter()
        .fold(0_u64, |size, extent| size.saturating_add(extent.len));
    let map = Vmdk {
        extents,
        size,
        details: VmdkDetails {
            create_type: descriptor.create_type,
            content_id: descriptor.content_id,
            parent_content_id: descriptor.parent_content_id,
            parent_name: descriptor.parent_name,
            extents: details,
        },
    };
    Ok(OpenedLayer {
        map: Box::new(map),
        files,
        parent,
    })
}

/// \[VMDK\] "parentFileNameHint": the parent's path, and `parentCID` what it must be.
fn parent(descriptor: &Descriptor) -> Result<Option<ParentRef>, ReadError> {
    let Some(content_id) = descriptor.parent_content_id else {
        return Ok(None);
    };
    let Some(name) = descriptor
        .parent_name
        .as_ref()
        .filter(|name| !name.is_empty())
    else {
        let rule = "the descriptor says what its parent is, but not where";
        return Err(corrupt(descriptor.at, rule));
    };
    Ok(Some(ParentRef {
        names: vec![name.replace('\\', "/")],
        at: descriptor.at,
        format: Some(Format::Vmdk),
        identities: vec![Identity::VmdkContent(content_id)],
    }))
}

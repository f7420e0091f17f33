//! Opening a VHDX file as a layer.

use std::sync::Arc;

use detente_block::ReadError;

use super::details::VhdxLog;
use super::reader::{ReplayedFile, Vhdx};
use super::structures::Structures;
use crate::layer::{Identity, OpenedLayer, ParentRef};
use crate::map::ImageFile;
use crate::{Format, OpenError};

/// Opens `own` as a layer.
pub(crate) fn open(own: ImageFile) -> Result<OpenedLayer, OpenError> {
    let structures = Structures::read(&*own.reader).map_err(ReadError::from)?;
    let parent = parent(&structures)?;
    let log = structures.details.log;
    let replayed = ReplayedFile {
        file: Arc::clone(&own.reader),
        structures: Arc::new(structures),
    };
    let path = own.path.clone();
    let mut files = vec![own];
    match log {
        VhdxLog::Empty => {}
        VhdxLog::Replayed { .. } => files.push(ImageFile {
            path,
            reader: Arc::new(replayed.clone()),
        }),
    }
    Ok(OpenedLayer {
        map: Box::new(Vhdx::new(replayed)),
        files,
        parent,
    })
}

/// \[MS-VHDX\] 2.6.2.6.3: the parent is a VHDX file whose `DataWriteGuid` is one of the linkages.
fn parent(structures: &Structures) -> Result<Option<ParentRef>, ReadError> {
    let Some(locator) = &structures.parent else {
        return Ok(None);
    };
    let linkages = locator.linkages.iter();
    Ok(Some(ParentRef {
        names: locator.names()?,
        at: locator.at,
        format: Some(Format::Vhdx),
        identities: linkages
            .map(|guid| Identity::VhdxDataWrite(guid.0))
            .collect(),
    }))
}

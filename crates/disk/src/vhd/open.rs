//! Opening a VHD file as a layer.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::bat::Bat;
use super::details::VhdDetails;
use super::fixed::Fixed;
use super::footer::at::CURRENT_SIZE;
use super::footer::{self, FoundFooter, MAX_BYTES, VhdDiskType};
use super::header::Header;
use super::parent::VhdParent;
use super::sparse::Sparse;
use super::{corrupt, unsupported};
use crate::OpenError;
use crate::layer::{LayerMap, OpenedLayer, ParentRef};
use crate::map::ImageFile;

/// Opens `own` as a layer.
pub(crate) fn open(own: ImageFile) -> Result<OpenedLayer, OpenError> {
    let file = Arc::clone(&own.reader);
    let found = footer::find(&*file)?;
    check_size(&found)?;
    let (map, parent): (Box<dyn LayerMap>, _) = match found.footer.disk_type {
        VhdDiskType::Fixed => (Box::new(open_fixed(file, &found)?), None),
        VhdDiskType::Dynamic | VhdDiskType::Differencing => {
            let (sparse, parent) = open_sparse(file, &found)?;
            (Box::new(sparse), parent)
        }
    };
    Ok(OpenedLayer {
        map,
        files: vec![own],
        parent,
    })
}

fn check_size(found: &FoundFooter) -> Result<(), ReadError> {
    let size = found.footer.virtual_size();
    if size > MAX_BYTES {
        let what = format!("a VHD of {size} bytes, more than 2040 GiB");
        return Err(unsupported(found.place(CURRENT_SIZE), what));
    }
    Ok(())
}

fn open_fixed(file: Arc<dyn BlockRead>, found: &FoundFooter) -> Result<Fixed, ReadError> {
    let size = found.footer.virtual_size();
    if size > found.data_end {
        let rule = format!(
            "the fixed disk of {size} bytes has only {} before its footer",
            found.data_end
        );
        return Err(corrupt(found.place(CURRENT_SIZE), rule));
    }
    let details = VhdDetails::new(&found.footer, None, None);
    Ok(Fixed::new(file, size, details))
}

fn open_sparse(
    file: Arc<dyn BlockRead>,
    found: &FoundFooter,
) -> Result<(Sparse, Option<ParentRef>), ReadError> {
    let size = found.footer.virtual_size();
    let header = Header::read(&*file, found)?;
    let parent = match found.footer.disk_type {
        VhdDiskType::Differencing => Some(VhdParent::read(&*file, &header)?),
        VhdDiskType::Fixed | VhdDiskType::Dynamic => None,
    };
    let wanted = parent.as_ref().map(|parent| parent.to_ref(&header));
    let details = VhdDetails::new(&found.footer, Some(header.block_size), parent);
    let bat = Bat::new(header, found.data_end);
    Ok((Sparse::new(file, bat, size, details), wanted))
}

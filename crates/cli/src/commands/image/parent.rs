//! The image that a new one rests on.

use std::path::{Component, Path, PathBuf};

use detente_disk::{
    Details, Image, Layer, OpenOptions, Qcow2Backing, Target, VhdxKind, VhdxParent,
};

use crate::disks;
use crate::failure::Failure;

/// An image that was opened, to be sure that it is one.
pub(super) struct Parent {
    path: PathBuf,
    layer: Layer,
}

impl Parent {
    pub(super) fn open(path: &Path, allowed: &[PathBuf]) -> Result<Self, Failure> {
        let image = disks::open_with(path, allowed, &OpenOptions::default())?;
        Ok(Self::of(path, &image))
    }

    /// One that is open already.
    pub(super) fn of(path: &Path, image: &Image) -> Self {
        let layer = image.layers.first().expect("an image has a file").clone();
        Self {
            path: path.to_path_buf(),
            layer,
        }
    }

    pub(super) fn virtual_size(&self) -> u64 {
        self.layer.virtual_size
    }

    /// Makes the new image at `child` rest on it, by `name` if one is given.
    pub(super) fn put_under(
        &self,
        target: &mut Target,
        child: &Path,
        name: Option<&str>,
    ) -> Result<(), Failure> {
        match (target, &self.layer.details) {
            (Target::Qcow2(spec), _) => {
                spec.backing = Some(Qcow2Backing {
                    path: self.name_for(child, name)?,
                    format: self.layer.format,
                });
                Ok(())
            }
            (Target::Vhdx(spec), Details::Vhdx(parent)) => {
                let path = self.name_for(child, name)?;
                if path.starts_with('/') {
                    return Err(Failure::usage(
                        format!("{} lies in another folder", self.path.display()),
                        "put the new image beside its parent, or above it",
                    ));
                }
                spec.logical_sector_bytes = parent.logical_sector_bytes;
                spec.kind = VhdxKind::Differencing(VhdxParent {
                    data_write_guid: parent.data_write_guid.0,
                    virtual_disk_id: parent.virtual_disk_id.0,
                    relative_path: format!(".\\{}", path.replace('/', "\\")),
                    absolute_path: None,
                });
                Ok(())
            }
            (Target::Raw | Target::Vhdx(_) | Target::Vhd(_), _) => Err(Failure::usage(
                format!("such an image cannot rest on {}", self.path.display()),
                "a qcow2 image can rest on any, a VHDX image on a VHDX image",
            )),
        }
    }

    /// What the child is to call it.
    fn name_for(&self, child: &Path, name: Option<&str>) -> Result<String, Failure> {
        match name {
            Some(name) => Ok(name.to_owned()),
            None => utf8(&self.seen_from(child)?),
        }
    }

    /// Its path from the child's folder, if it lies in there; else its whole path.
    fn seen_from(&self, child: &Path) -> Result<PathBuf, Failure> {
        let folder = match child.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        };
        let whole = |path: &Path| {
            path.canonicalize().map_err(|error| {
                let named = anyhow::Error::new(error).context(path.display().to_string());
                Failure::cannot_tell(named, Some("the folder must exist".to_owned()))
            })
        };
        let (path, folder) = (whole(&self.path)?, whole(folder)?);
        Ok(match path.strip_prefix(&folder) {
            Ok(inside) => inside.to_path_buf(),
            Err(_) => path,
        })
    }
}

/// As an image stores it. QEMU would take a colon in the first part for a protocol.
fn utf8(path: &Path) -> Result<String, Failure> {
    let first = path.components().next();
    let has_colon =
        matches!(first, Some(Component::Normal(name)) if name.to_string_lossy().contains(':'));
    match path.to_str() {
        Some(text) if has_colon => Ok(format!("./{text}")),
        Some(text) => Ok(text.to_owned()),
        None => Err(Failure::usage(
            format!(
                "{} is not UTF-8, which an image cannot name",
                path.display()
            ),
            "give it another name",
        )),
    }
}

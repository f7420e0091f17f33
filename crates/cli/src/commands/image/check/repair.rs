//! A sound copy of an image that is not.
//!
//! Nothing is mended in place: what can be reached is copied into a new image of the same kind, and
//! that is checked in turn.

use std::path::{Path, PathBuf};

use detente_copy::{ConvertOptions, ConvertReport, OnUnreadable, convert, target_like};
use detente_disk::{CheckReport, Details, Image, Target};

use super::super::source::Source;
use super::super::watcher::Watcher;
use super::super::written::{Names, failure};
use super::super::{progress, watcher};
use crate::failure::Failure;
use crate::{disks, interrupt};

/// The copy.
pub(super) struct Copy {
    pub(super) path: PathBuf,
    /// What became of the content.
    pub(super) report: ConvertReport,
    /// What its own check found.
    pub(super) check: CheckReport,
}

/// Makes the copy at `path`, which must not exist.
pub(super) fn copy(image: &Path, source: &Source, path: &Path) -> anyhow::Result<Copy> {
    let opened = source.open(image)?;
    let details = &opened.layers.first().expect("an image has a file").details;
    let target = alike(image, details)?;
    let cancel = interrupt::watch()?;
    let watcher = Watcher::new(&cancel);
    let options = ConvertOptions {
        on_unreadable: OnUnreadable::Zero,
        ..ConvertOptions::default()
    };
    let names = Names {
        source: Some(image),
        target: path,
    };
    let report = progress::shown(
        || watcher::reading(std::slice::from_ref(&watcher)),
        || convert(&opened, &target, path, &options, &watcher),
    );
    let report = report.map_err(|error| failure(names, error))?;
    let file = disks::open_file(path)?;
    let check = detente_disk::check_as(&*file, target.format())?;
    Ok(Copy {
        path: path.to_path_buf(),
        report,
        check,
    })
}

/// Whether a copy of the image can be of the image's own kind.
pub(super) fn can_be_made_anew(image: &Image) -> bool {
    let top = image.layers.first();
    top.is_some_and(|layer| target_like(&layer.details).is_some())
}

/// A new image of the same kind.
fn alike(image: &Path, details: &Details) -> Result<Target, Failure> {
    target_like(details).ok_or_else(|| {
        Failure::usage(
            format!("{} is of a format that is not written", image.display()),
            "`detente image convert --salvage` copies it into another format",
        )
    })
}

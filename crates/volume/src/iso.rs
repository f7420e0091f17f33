//! ISO 9660, its levels 1 to 3. \[ECMA-119\] the fourth edition; \[SUSP\] and \[RRIP\] the System Use
//! Sharing and Rock Ridge Interchange Protocols, IEEE P1281 and P1282; \[Joliet\] Microsoft's
//! specification of 1995; \[El Torito\] 1.0.
//!
//! Names are Rock Ridge's, else Joliet's, else the plain ones as Linux shows them: small letters
//! without `;1`. Compressed (zisofs), sparse and interleaved files are listed, and not opened. A
//! directory has at most 4 MiB, of which one is in memory, with at most 4 MiB of names elsewhere.

mod date;
mod descriptor;
mod directory;
mod file;
mod filesystem;
mod name;
mod node;
mod record;
mod rock;
mod susp;

pub(crate) use descriptor::identity;

use std::sync::Arc;

use detente_block::Window;

use crate::FsError;
use crate::names::Names;
use crate::pages::Pages;
use descriptor::Descriptors;
use node::{Node, own_record};

/// Which of its names an ISO 9660 is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsoNames {
    /// Rock Ridge: those of the files that were put in, with modes and links.
    RockRidge,
    /// Joliet: UTF-16.
    Joliet,
    /// The format's own, in small letters.
    Plain,
}

/// What there is to say of an ISO 9660 beside its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IsoState {
    /// The names that it is read by.
    pub names: IsoNames,
    /// Where its catalog of boot images starts, in bytes, if it has one: El Torito.
    pub boot_catalog: Option<u64>,
}

/// Says what `window` has beside its files. [`crate::Content`] says whether it is an ISO 9660.
///
/// # Errors
/// [`FsError`], as when it is opened.
pub fn iso_state(window: &Window) -> Result<IsoState, FsError> {
    let iso = Iso::open(window)?;
    Ok(IsoState {
        names: iso.names,
        boot_catalog: iso.boot_catalog,
    })
}

/// An open file system.
pub(crate) struct Iso {
    pages: Pages,
    /// Everything is placed in these.
    block_bytes: u64,
    names: IsoNames,
    /// \[SUSP\] 5.3: what stands before the entries of every record but the root's.
    skip: usize,
    root: Node,
    boot_catalog: Option<u64>,
    /// By the block of each directory.
    known: Names<u32, Node>,
}

impl Iso {
    /// Reads the descriptors, and of the root's own record whether there is Rock Ridge.
    pub(crate) fn open(window: &Window) -> Result<Arc<Self>, FsError> {
        let pages = Pages::new(window.clone());
        let descriptors = Descriptors::read(&pages)?;
        let mut iso = Self {
            pages,
            block_bytes: descriptors.block_bytes,
            names: IsoNames::Plain,
            skip: 0,
            root: Node::default(),
            boot_catalog: descriptors.boot_catalog,
            known: Names::default(),
        };
        let bytes = iso.record_at(descriptors.root)?;
        let own = own_record(&bytes)?;
        let rock = iso.root_rock(own.system_use)?;
        if rock.is_used() {
            iso.names = IsoNames::RockRidge;
            iso.skip = rock.skip;
            iso.root = iso.node(&own, rock)?;
        } else if let Some(joliet) = descriptors.joliet {
            iso.names = IsoNames::Joliet;
            iso.root = iso.first(joliet)?;
        } else {
            iso.root = iso.first(descriptors.root)?;
        }
        Ok(Arc::new(iso))
    }
}

/// The error of a broken rule.
fn corrupt(rule: impl Into<String>) -> FsError {
    FsError::Corrupt {
        kind: "ISO 9660",
        rule: rule.into(),
    }
}

/// The error of something that is sound but not read.
fn unsupported(what: impl Into<String>) -> FsError {
    FsError::Unsupported {
        kind: "ISO 9660",
        what: what.into(),
    }
}

//! What every boot loader's reader yields.

use crate::error::BootProblem;
use crate::facts::{DefaultReason, Loader, Place};

/// A boot loader and its menu.
pub(crate) struct Found {
    pub(crate) loader: Loader,
    pub(crate) config: Option<Place>,
    pub(crate) entries: Vec<Candidate>,
    /// The default's index in `entries`, and why.
    pub(crate) default: Option<(usize, DefaultReason)>,
    pub(crate) problem: Option<BootProblem>,
    pub(crate) notes: Vec<String>,
}

impl Found {
    pub(crate) fn nothing(loader: Loader, problem: BootProblem) -> Self {
        Self {
            loader,
            config: None,
            entries: Vec::new(),
            default: None,
            problem: Some(problem),
            notes: Vec::new(),
        }
    }
}

/// An entry of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) start: Start,
}

/// What an entry starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    Linux(LinuxStart),
    Uki(UkiStart),
    Other(String),
}

/// A kernel with its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinuxStart {
    pub(crate) kernel: FileRef,
    pub(crate) initramfs: Vec<FileRef>,
    pub(crate) command_line: String,
    /// GRUB puts `BOOT_IMAGE=` and the kernel's path, as spelled, before the command line.
    pub(crate) boot_image: Option<String>,
}

/// A unified kernel image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UkiStart {
    pub(crate) place: Place,
    pub(crate) command_line: String,
    pub(crate) release: Option<String>,
}

/// A file that a configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRef {
    /// As the configuration spells it.
    pub(crate) spelled: String,
    /// The device, in the loader's words.
    pub(crate) device: String,
    /// Where that is, if the device is there.
    pub(crate) place: Option<Place>,
}

//! The entries of the boot menu, each with its kernel and initramfs files.

use super::Proof;
use crate::facts::{
    DefaultEntry, DriverState, Entry, EntryKind, Facts, InitramfsImage, InitramfsRole, Kernel,
};

/// An entry that starts a Linux kernel.
#[derive(Debug)]
pub(crate) struct BootEntry<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) is_default: bool,
    pub(crate) kernel: Option<&'a Kernel>,
    pub(crate) images: Vec<&'a InitramfsImage>,
    /// Whether it loads an initramfs at all.
    pub(crate) has_initramfs: bool,
    pub(crate) command_line: Option<&'a str>,
}

/// How a kernel comes to a module before the root is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It is there, built in or in the initramfs.
    Reached,
    /// The kernel has it as a file, and no initramfs of the entry does.
    Absent(Vec<Proof>),
    /// The kernel has it as a file, and the entry has no initramfs.
    NoInitramfs,
    /// The kernel does not have it.
    NoDriver(Vec<String>),
    /// Why that is not known.
    Unknown(String),
}

/// The entries that start Linux kernels, in the menu's order.
pub(crate) fn all(facts: &Facts) -> Vec<BootEntry<'_>> {
    let entries = facts.boot.entries.iter().enumerate();
    entries
        .filter_map(|(index, entry)| one(facts, index, entry))
        .collect()
}

fn one<'a>(facts: &'a Facts, index: usize, entry: &'a Entry) -> Option<BootEntry<'a>> {
    let default = facts.boot.default.as_ref();
    let default = default.filter(|default| default.index == index);
    let (has_initramfs, own_line) = match &entry.kind {
        EntryKind::Linux {
            initramfs,
            command_line,
            ..
        } => (!initramfs.is_empty(), Some(command_line.as_str())),
        EntryKind::Uki { .. } => (true, None),
        EntryKind::Other { .. } => return None,
    };
    let line = default.and_then(|default| default.command_line.as_deref());
    Some(BootEntry {
        entry,
        is_default: default.is_some(),
        kernel: kernel(facts, index, default),
        images: images(facts, index, default),
        has_initramfs,
        command_line: line.or(own_line),
    })
}

fn kernel<'a>(
    facts: &'a Facts,
    index: usize,
    default: Option<&DefaultEntry>,
) -> Option<&'a Kernel> {
    let listed = facts
        .kernels
        .iter()
        .find(|kernel| kernel.entries.contains(&index));
    let release = || {
        let release = default?.kernel_release.as_ref()?;
        facts
            .kernels
            .iter()
            .find(|kernel| kernel.release == *release)
    };
    listed.or_else(release)
}

fn images<'a>(
    facts: &'a Facts,
    index: usize,
    default: Option<&DefaultEntry>,
) -> Vec<&'a InitramfsImage> {
    let named = |image: &&InitramfsImage| {
        default.is_some_and(|default| default.initramfs.contains(&image.place))
    };
    let own = |image: &&InitramfsImage| image.entries.contains(&index) || named(image);
    facts.initramfs_images.iter().filter(own).collect()
}

impl BootEntry<'_> {
    /// How its kernel comes to a module before the root is mounted.
    pub(crate) fn reach(&self, module: &str) -> Reach {
        let state = self.driver(module);
        if matches!(state, DriverState::Builtin { .. }) || self.holds(module) {
            return Reach::Reached;
        }
        match state {
            DriverState::Builtin { .. } => Reach::Reached,
            DriverState::Missing { searched } => Reach::NoDriver(searched),
            DriverState::Module { .. } if !self.has_initramfs => Reach::NoInitramfs,
            DriverState::Module { .. } => self.unread().map_or_else(
                || {
                    Reach::Absent(
                        self.images
                            .iter()
                            .map(|image| absent(image, module))
                            .collect(),
                    )
                },
                Reach::Unknown,
            ),
            DriverState::Unknown => Reach::Unknown(self.unread().unwrap_or_else(|| {
                format!(
                    "nothing says whether the kernel of {:?} has {module} built in",
                    self.entry.title
                )
            })),
        }
    }

    /// What is known of a driver of its kernel.
    pub(crate) fn driver(&self, module: &str) -> DriverState {
        self.kernel
            .map_or(DriverState::Unknown, |kernel| kernel.driver(module))
    }

    /// Whether an initramfs of its holds a module.
    pub(crate) fn holds(&self, module: &str) -> bool {
        let mut contents = self
            .images
            .iter()
            .filter_map(|image| image.contents.as_ref());
        contents.any(|contents| contents.holds(module))
    }

    /// The release of its kernel, or its title.
    pub(crate) fn name(&self) -> &str {
        self.kernel
            .map_or(&self.entry.title, |kernel| &kernel.release)
    }

    /// Why what is in its initramfs files is not known.
    pub(crate) fn unread(&self) -> Option<String> {
        if !self.has_initramfs {
            return None;
        }
        if self.images.is_empty() {
            return Some(format!(
                "the initramfs of {:?} was not looked at",
                self.entry.title
            ));
        }
        self.images.iter().find_map(|image| unread(image))
    }
}

fn unread(image: &InitramfsImage) -> Option<String> {
    if image.role == InitramfsRole::Microcode {
        return None;
    }
    let path = &image.place.path;
    match (&image.damage, &image.contents) {
        (Some(damage), _) => Some(format!("{path} could not be read to its end: {damage}")),
        (None, None) => Some(format!("the contents of {path} were not looked at")),
        (None, Some(_)) => None,
    }
}

fn absent(image: &InitramfsImage, module: &str) -> Proof {
    Proof::words(format!("{module} is not in {}", image.place))
        .on(&image.place)
        .key(module)
}

/// An initramfs that no entry of the menu loads, beside its kernel, as if one did.
pub(crate) fn of_image<'a>(facts: &'a Facts, image: &'a InitramfsImage) -> Option<BootEntry<'a>> {
    let release = image.kernel.as_ref()?;
    let kernel = facts
        .kernels
        .iter()
        .find(|kernel| kernel.release == *release)?;
    Some(BootEntry {
        entry: facts.boot.entries.first()?,
        is_default: false,
        kernel: Some(kernel),
        images: vec![image],
        has_initramfs: true,
        command_line: None,
    })
}

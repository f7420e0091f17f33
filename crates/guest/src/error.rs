//! Why a guest cannot be read, and what to do about it.

use detente_block::ReadError;
use detente_volume::{FsError, ScanError};

use crate::facts::{Place, VolumeId};

/// Why a guest could not be inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// No disk was given.
    #[error("no disk was given")]
    NoDisk,
    /// A disk without a single byte.
    #[error("disk {disk} is empty")]
    EmptyDisk {
        /// Which one, from 0.
        disk: usize,
    },
    /// A disk could not be read.
    #[error("cannot read disk {disk}")]
    Disk {
        /// Which one, from 0.
        disk: usize,
        /// What the layer below met.
        source: ScanError,
    },
    /// The storage failed under a volume.
    #[error("cannot read {volume}")]
    Storage {
        /// The volume.
        volume: VolumeId,
        /// What the layer below met.
        source: FsError,
    },
    /// The bytes of a volume are wrong.
    #[error("damaged file system on {volume}")]
    Corrupt {
        /// The volume.
        volume: VolumeId,
        /// The broken rule.
        source: FsError,
    },
    /// A volume is sound, and not something that we read.
    #[error("cannot read {volume}")]
    Unsupported {
        /// The volume.
        volume: VolumeId,
        /// What it is.
        source: FsError,
    },
    /// The root is encrypted.
    #[error("the root of this guest is encrypted: LUKS{version} on {volume}")]
    EncryptedRoot {
        /// The encrypted volume.
        volume: VolumeId,
        /// LUKS version.
        version: u16,
    },
    /// The root is on something that we recognise and do not read.
    #[error("the root of this guest is on {kind}, which is not read yet: {volume}")]
    UnsupportedRoot {
        /// `lvm2`, `xfs`, `btrfs`, ….
        kind: String,
        /// The volume.
        volume: VolumeId,
    },
    /// The root is on a device that could not be put together.
    #[error("the root of this guest is on {volume}, which is not read: {why}")]
    UnreadRoot {
        /// The device.
        volume: VolumeId,
        /// What keeps us from reading it.
        why: String,
        /// What it lies on and was not given, by the name that it has there.
        missing: Vec<String>,
    },
    /// There is no operating system, and a device that is not whole: the root must be on it.
    #[error("no operating system found, and {volume} is not whole: {} is on none of the disks", .missing.join(", "))]
    Incomplete {
        /// The device.
        volume: VolumeId,
        /// What it lies on and was not given, by the name that it has there.
        missing: Vec<String>,
    },
    /// There is no operating system, and what would be started has its root elsewhere.
    #[error(
        "no operating system found: the default entry {entry:?} has root={spec}, which is on none of the disks; {seen}"
    )]
    RootAway {
        /// The entry's title.
        entry: String,
        /// As the command line spells it.
        spec: String,
        /// The volumes that were seen, in words.
        seen: String,
    },
    /// There is no operating system.
    #[error("no operating system found; {seen}")]
    NoOperatingSystem {
        /// The volumes that were seen, in words.
        seen: String,
    },
    /// There is Windows.
    #[error("this guest is Windows ({evidence}), which is not read yet")]
    Windows {
        /// What shows it.
        evidence: Place,
    },
    /// Made for another processor.
    #[error("this guest is made for {architecture}, not for x86-64 ({path} on {volume} says so)")]
    NotX86_64 {
        /// Its name.
        architecture: String,
        /// Where that is written.
        path: String,
        /// The volume with it.
        volume: VolumeId,
    },
}

impl InspectError {
    /// Sorts a file system's error by its cause.
    pub(crate) fn on(volume: VolumeId, source: FsError) -> Self {
        match source {
            FsError::Corrupt { .. } | FsError::Read(ReadError::Corrupt { .. }) => {
                Self::Corrupt { volume, source }
            }
            FsError::Unsupported { .. } | FsError::Read(ReadError::Unsupported { .. }) => {
                Self::Unsupported { volume, source }
            }
            source => Self::Storage { volume, source },
        }
    }

    /// The way out, in a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoDisk => "name at least one disk image".to_owned(),
            Self::EmptyDisk { .. } => {
                "the file has no bytes: copy the image again and compare checksums".to_owned()
            }
            Self::Disk { .. } | Self::Storage { .. } => {
                "check that the image is complete and that its storage is healthy: `detente image \
                 check IMAGE` lists what is broken"
                    .to_owned()
            }
            Self::Corrupt { volume, .. } => format!(
                "repair the file system on {volume} with `fsck` on a copy of the disk, or let the \
                 guest shut down cleanly first"
            ),
            Self::Unsupported { .. } => {
                "use an image of this guest on a file system that is read: ext2, ext3, ext4, XFS, \
                 btrfs, FAT"
                    .to_owned()
            }
            Self::EncryptedRoot { .. } => {
                "make a copy of the guest without encryption, or run the tests inside the guest: \
                 keys are never asked for"
                    .to_owned()
            }
            Self::UnsupportedRoot { kind, .. } => format!(
                "use an image of this guest whose / is ext4, XFS or btrfs, on a partition or a \
                 volume of LVM; {kind} cannot be read by this version"
            ),
            Self::UnreadRoot { missing, .. } if missing.is_empty() => {
                "move / to a linear, striped or mirrored volume (`pvmove`, or a new volume and a \
                 copy), or inspect from inside the guest"
                    .to_owned()
            }
            Self::UnreadRoot { .. } | Self::Incomplete { .. } | Self::RootAway { .. } => {
                "give every disk of the machine in one call, the boot disk first".to_owned()
            }
            Self::NoOperatingSystem { .. } => {
                "give every disk of the machine, the one with / among them; an image of another \
                 format has to be converted first (`qemu-img convert -O qcow2 IN OUT`)"
                    .to_owned()
            }
            Self::Windows { .. } => "use a Linux guest with this version".to_owned(),
            Self::NotX86_64 { .. } => {
                "use the x86-64 (amd64) image of this system: others cannot be run here".to_owned()
            }
        };
        Some(hint)
    }
}

/// Why a guest would not boot by itself, or why we cannot tell how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootProblem {
    /// No boot loader was found.
    #[error(
        "no boot loader configuration found (looked for GRUB 2, systemd-boot, unified kernel images)"
    )]
    NoBootLoader,
    /// There is one that we do not read.
    #[error("the boot loader is {name}, which is not read yet ({evidence})")]
    UnknownBootLoader {
        /// Its name.
        name: String,
        /// What shows it.
        evidence: Place,
    },
    /// The configuration offers nothing.
    #[error("the boot loader offers no entry ({config})")]
    NoEntries {
        /// The configuration.
        config: Place,
    },
    /// The configuration could not be followed to its end.
    #[error("the boot loader's configuration cannot be followed ({config}): {rule}")]
    BrokenConfig {
        /// The configuration.
        config: Place,
        /// The rule that it breaks.
        rule: String,
    },
    /// The default entry starts something else.
    #[error("the default entry {entry:?} does not start a Linux kernel, but: {what}")]
    NotLinux {
        /// The entry's title.
        entry: String,
        /// The command in it.
        what: String,
    },
    /// The default entry names a device that is not there.
    #[error("the default entry {entry:?} reads {path} from {device}, and no such device is there")]
    NoSuchDevice {
        /// The entry's title.
        entry: String,
        /// What the entry calls the device.
        device: String,
        /// The file.
        path: String,
    },
    /// The kernel is missing.
    #[error("the kernel of the default entry {entry:?} is missing: {place}")]
    KernelMissing {
        /// The entry's title.
        entry: String,
        /// Where it should be.
        place: Place,
    },
    /// An initramfs is missing.
    #[error("the initramfs of the default entry {entry:?} is missing: {place}")]
    InitramfsMissing {
        /// The entry's title.
        entry: String,
        /// Where it should be.
        place: Place,
    },
    /// The kernel is not one.
    #[error("not an x86 Linux kernel: {place}: {rule}")]
    NotAKernel {
        /// The file.
        place: Place,
        /// What it lacks.
        rule: String,
    },
    /// The root device is not there.
    #[error(
        "the command line of the default entry {entry:?} has root={spec}, and no volume is that"
    )]
    RootNotFound {
        /// The entry's title.
        entry: String,
        /// As the command line spells it.
        spec: String,
    },
    /// The root device holds no operating system.
    #[error(
        "root={spec} of the default entry {entry:?} is {volume}, which has no operating system"
    )]
    RootEmpty {
        /// The entry's title.
        entry: String,
        /// As the command line spells it.
        spec: String,
        /// The volume.
        volume: VolumeId,
    },
}

impl BootProblem {
    /// A stable name.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::NoBootLoader => "boot.no-loader",
            Self::UnknownBootLoader { .. } => "boot.unknown-loader",
            Self::NoEntries { .. } => "boot.no-entries",
            Self::BrokenConfig { .. } => "boot.broken-config",
            Self::NotLinux { .. } => "boot.not-linux",
            Self::NoSuchDevice { .. } => "boot.no-such-device",
            Self::KernelMissing { .. } => "boot.kernel-missing",
            Self::InitramfsMissing { .. } => "boot.initramfs-missing",
            Self::NotAKernel { .. } => "boot.not-a-kernel",
            Self::RootNotFound { .. } => "boot.root-not-found",
            Self::RootEmpty { .. } => "boot.root-empty",
        }
    }

    /// Whether it is we who cannot tell; else the guest would not boot.
    #[must_use]
    pub fn could_not_tell(&self) -> bool {
        match self {
            Self::NoBootLoader
            | Self::UnknownBootLoader { .. }
            | Self::BrokenConfig { .. }
            | Self::NotLinux { .. } => true,
            Self::NoEntries { .. }
            | Self::NoSuchDevice { .. }
            | Self::KernelMissing { .. }
            | Self::InitramfsMissing { .. }
            | Self::NotAKernel { .. }
            | Self::RootNotFound { .. }
            | Self::RootEmpty { .. } => false,
        }
    }

    /// The way out, in a sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoBootLoader => "install GRUB 2 or systemd-boot in the guest; if /boot or the \
                                   EFI system partition is on another disk, give that disk too"
                .to_owned(),
            Self::UnknownBootLoader { name, .. } => {
                format!("install GRUB 2 or systemd-boot in the guest beside {name}")
            }
            Self::NoEntries { .. } | Self::BrokenConfig { .. } => {
                "write the configuration anew in the guest (`update-grub`, `grub2-mkconfig`, \
                 `kernel-install`)"
                    .to_owned()
            }
            Self::NotLinux { .. } => {
                "make an entry that starts Linux the default (`grub-set-default`, \
                 `bootctl set-default`)"
                    .to_owned()
            }
            Self::NoSuchDevice { .. } => "give every disk of the machine; if all are here, write \
                                          the configuration anew in the guest (`update-grub`)"
                .to_owned(),
            Self::KernelMissing { .. } | Self::NotAKernel { .. } => {
                "install the kernel package again in the guest, or make an entry the default \
                 whose kernel is there"
                    .to_owned()
            }
            Self::InitramfsMissing { .. } => "build it anew in the guest (`update-initramfs -c -k \
                                              all`, `dracut --regenerate-all`)"
                .to_owned(),
            Self::RootNotFound { .. } | Self::RootEmpty { .. } => {
                "give every disk of the machine; if all are here, correct root= in the boot \
                 loader's configuration (compare with `blkid`)"
                    .to_owned()
            }
        }
    }
}

/// Why the files that a guest boots with cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootFilesError {
    /// The guest would not boot, or we cannot tell how.
    #[error(transparent)]
    Problem(#[from] BootProblem),
    /// Larger than the caller allows.
    #[error("{place} has {len} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The file.
        place: Place,
        /// Its length.
        len: u64,
        /// The caller's limit.
        limit: u64,
    },
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] InspectError),
    /// A unified kernel image breaks the rules.
    #[error("not a unified kernel image: {place}: {rule}")]
    BrokenUki {
        /// The file.
        place: Place,
        /// What is wrong.
        rule: String,
    },
}

impl BootFilesError {
    /// The way out, in a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Problem(problem) => Some(problem.hint()),
            Self::TooLarge { .. } => {
                Some("make the initramfs smaller in the guest (MODULES=dep, hostonly)".to_owned())
            }
            Self::Read(error) => error.hint(),
            Self::BrokenUki { .. } => {
                Some("build the image anew in the guest (`kernel-install add`)".to_owned())
            }
        }
    }
}

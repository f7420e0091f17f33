//! Which volume becomes `/`, and why none of them can.

use detente_volume::Content;

use crate::boot::model::{Found, Start};
use crate::command_line;
use crate::device_spec::DeviceSpec;
use crate::error::{BootProblem, InspectError};
use crate::facts::{OperatingSystem, Place, RootDevice, VolumeId};
use crate::os_release;
use crate::volumes::{Held, Volumes};

/// The root, what it is, and how the default entry names it.
pub(crate) struct Root {
    pub(crate) volume: VolumeId,
    pub(crate) system: OperatingSystem,
    pub(crate) device: Option<RootDevice>,
    pub(crate) problem: Option<BootProblem>,
}

/// Finds the root: what the default entry names; failing that, the first volume with a system.
pub(crate) fn find(volumes: &Volumes, boot: &Found) -> Result<Root, InspectError> {
    let (entry, spec) = default_root(boot);
    let named = spec.as_deref().map(DeviceSpec::parse);
    let volume = match &named {
        Some(named) => volumes.resolve(named),
        // Without root= systemd takes the partition of this type.
        None => volumes
            .held
            .iter()
            .find(|held| held.is_discoverable_root())
            .map(|held| held.id),
    };
    if let Some(held) = volume.and_then(|id| volumes.get(id)) {
        refuse(held)?;
    }
    if let (Some(DeviceSpec::Mapped(_)), None) = (&named, volume) {
        refuse_any(volumes)?;
    }
    let device = spec.clone().map(|spec| RootDevice { spec, volume });
    if let Some(id) = volume
        && let Some(system) = os_release::find(volumes, id)?
    {
        return Ok(Root {
            volume: id,
            system,
            device,
            problem: None,
        });
    }
    let Some((id, system)) = first_system(volumes)? else {
        return Err(nothing(volumes)?);
    };
    let problem = spec.map(|spec| match volume {
        Some(volume) => BootProblem::RootEmpty {
            entry,
            spec,
            volume,
        },
        None => BootProblem::RootNotFound { entry, spec },
    });
    Ok(Root {
        volume: id,
        system,
        device,
        problem,
    })
}

/// The title of the default entry and the value of its `root=`.
fn default_root(boot: &Found) -> (String, Option<String>) {
    let default = boot
        .default
        .as_ref()
        .and_then(|(index, _)| boot.entries.get(*index));
    let Some(entry) = default else {
        return (String::new(), None);
    };
    let line = match &entry.start {
        Start::Linux(linux) => &linux.command_line,
        Start::Uki(uki) => &uki.command_line,
        Start::Other(_) => return (entry.title.clone(), None),
    };
    (
        entry.title.clone(),
        command_line::value(line, "root").filter(|spec| !spec.is_empty()),
    )
}

fn first_system(volumes: &Volumes) -> Result<Option<(VolumeId, OperatingSystem)>, InspectError> {
    for held in volumes.readable().filter(|held| !held.is_esp()) {
        if let Some(system) = os_release::find(volumes, held.id)? {
            return Ok(Some((held.id, system)));
        }
    }
    Ok(None)
}

/// Why this volume cannot be read as a root, if so.
fn refuse(held: &Held) -> Result<(), InspectError> {
    let volume = held.id;
    match &held.volume.content {
        Content::Luks { version, .. } => Err(InspectError::EncryptedRoot {
            volume,
            version: *version,
        }),
        Content::Other { kind, .. } => Err(InspectError::UnsupportedRoot {
            kind: (*kind).to_owned(),
            volume,
        }),
        // What claims to be ext4 may still not open: then a note says why.
        _ => Ok(()),
    }
}

/// The first volume that can hold a root which we cannot read, as an error.
fn refuse_any(volumes: &Volumes) -> Result<(), InspectError> {
    let can_hold = |held: &&Held| {
        matches!(
            held.kind(),
            "luks"
                | "lvm2"
                | "LVM2_member"
                | "xfs"
                | "btrfs"
                | "zfs"
                | "zfs_member"
                | "mdraid"
                | "linux_raid_member"
                | "bcachefs"
                | "f2fs"
                | "erofs"
        )
    };
    volumes.held.iter().filter(can_hold).try_for_each(refuse)
}

/// The error for a machine where no system was found.
fn nothing(volumes: &Volumes) -> Result<InspectError, InspectError> {
    if let Err(error) = refuse_any(volumes) {
        return Ok(error);
    }
    for esp in volumes.readable() {
        let evidence = Place {
            volume: esp.id,
            path: "/EFI/Microsoft/Boot/bootmgfw.efi".to_owned(),
        };
        if volumes.is_file(&evidence)? {
            return Ok(InspectError::Windows { evidence });
        }
    }
    let mut seen = volumes.in_words();
    for note in volumes.notes.iter().take(4) {
        seen.push_str("; ");
        seen.push_str(note);
    }
    Ok(InspectError::NoOperatingSystem { seen })
}

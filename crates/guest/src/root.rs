//! Which volume becomes `/`, and why none of them can.

use detente_volume::Content;

use crate::boot::model::{Found, Start};
use crate::command_line;
use crate::device_spec::DeviceSpec;
use crate::error::{BootProblem, InspectError};
use crate::facts::{Mount, OperatingSystem, Place, RootDevice, VolumeId};
use crate::files::Files;
use crate::joined::Joined;
use crate::volumes::{Held, Volumes};
use crate::{os_release, usr};

/// Subvolumes of one btrfs that are looked into.
const MAX_SUBVOLUMES: usize = 64;

/// The root, what it is, and how the default entry names it.
pub(crate) struct Root {
    pub(crate) volume: VolumeId,
    /// The folder of it that becomes `/`: of a btrfs, a subvolume.
    pub(crate) place: Place,
    pub(crate) system: OperatingSystem,
    pub(crate) device: Option<RootDevice>,
    pub(crate) problem: Option<BootProblem>,
    /// What the command line mounts at `/usr`.
    pub(crate) usr: Option<Mount>,
}

/// Finds the root: what the default entry names; failing that, the first volume with a system.
pub(crate) fn find(volumes: &Volumes, boot: &Found) -> Result<Root, InspectError> {
    let Named {
        entry,
        line,
        root: spec,
        flags,
    } = default_root(boot);
    let usr = usr::mount(volumes, line);
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
    if let (Some(DeviceSpec::Mapped(path)), None) = (&named, volume) {
        if let Some(seen) = volumes.unread(path) {
            return Err(InspectError::UnreadRoot {
                volume: seen.whole(),
                why: seen.facts.unread.clone().unwrap_or_default(),
                missing: seen.facts.missing.clone(),
            });
        }
        refuse_any(volumes)?;
    }
    let device = spec.clone().map(|spec| RootDevice { spec, volume });
    if let Some(id) = volume
        && let (place, Some(system)) = system(volumes, volumes.mounted(id, &flags), usr.as_slice())?
    {
        return Ok(Root {
            volume: id,
            place,
            system,
            device,
            problem: None,
            usr,
        });
    }
    let Some((place, system)) = first_system(volumes)? else {
        let away = spec.filter(|_| volume.is_none());
        return Err(nothing(volumes, away.map(|spec| (entry, spec)))?);
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
        volume: place.volume,
        place,
        system,
        device,
        problem,
        usr: None,
    })
}

/// The system at a place, with what is mounted below it.
fn system(
    volumes: &Volumes,
    place: Place,
    mounts: &[Mount],
) -> Result<(Place, Option<OperatingSystem>), InspectError> {
    let joined = Joined::new(volumes, place.clone(), mounts);
    let system = os_release::find(Files::new(&joined)).map_err(|error| joined.error(error))?;
    Ok((place, system))
}

/// What the default entry says of the root.
#[derive(Default)]
struct Named<'b> {
    /// Its title.
    entry: String,
    /// The whole command line.
    line: &'b str,
    /// The values of `root=` and `rootflags=`.
    root: Option<String>,
    flags: String,
}

fn default_root(boot: &Found) -> Named<'_> {
    let default = boot
        .default
        .as_ref()
        .and_then(|(index, _)| boot.entries.get(*index));
    let Some(default) = default else {
        return Named::default();
    };
    let entry = default.title.clone();
    let line = match &default.start {
        Start::Linux(linux) => &linux.command_line,
        Start::Uki(uki) => &uki.command_line,
        Start::Other(_) => {
            return Named {
                entry,
                ..Named::default()
            };
        }
    };
    Named {
        entry,
        line,
        root: command_line::value(line, "root").filter(|spec| !spec.is_empty()),
        flags: command_line::value(line, "rootflags").unwrap_or_default(),
    }
}

/// The first system on any volume: where it is mounted by itself, else in a subvolume.
fn first_system(volumes: &Volumes) -> Result<Option<(Place, OperatingSystem)>, InspectError> {
    for held in volumes.readable().filter(|held| !held.is_esp()) {
        let by_itself = std::iter::once(volumes.mounted(held.id, ""));
        let subvolumes = held.subvolumes.iter().flat_map(|own| &own.all);
        // Snapshots lie deeper; what a system is installed to does not.
        let subvolumes = subvolumes.filter(|own| !own.path.contains('/') && !own.read_only);
        let below = subvolumes.take(MAX_SUBVOLUMES).map(|own| Place {
            volume: held.id,
            path: format!("/{}", own.path),
        });
        for place in by_itself.chain(below) {
            if let (place, Some(system)) = system(volumes, place, &[])? {
                return Ok(Some((place, system)));
            }
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
    let is_luks = |held: &&Held| held.kind() == "luks";
    volumes.held.iter().filter(is_luks).try_for_each(refuse)?;
    if let Some(seen) = volumes.incomplete() {
        return Err(InspectError::Incomplete {
            volume: seen.whole(),
            missing: seen.facts.missing.clone(),
        });
    }
    let can_hold = |held: &&Held| {
        matches!(
            held.kind(),
            "lvm2"
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

/// The error for a machine where no system was found; `away` are the default entry and its root,
/// where that is on none of the disks.
fn nothing(
    volumes: &Volumes,
    away: Option<(String, String)>,
) -> Result<InspectError, InspectError> {
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
    Ok(match away {
        Some((entry, spec)) if volumes.unreadable.is_empty() => {
            InspectError::RootAway { entry, spec, seen }
        }
        Some(_) | None => InspectError::NoOperatingSystem { seen },
    })
}

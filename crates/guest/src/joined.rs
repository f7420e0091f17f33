//! The guest's tree as the running guest sees it: every mount at its place, links followed across
//! them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use detente_block::BlockRead;
use detente_volume::{DirEntry, FileKind, FileSystem, FsError, Metadata};

use crate::error::InspectError;
use crate::facts::{Mount, Place, VolumeId};
use crate::volumes::Volumes;

/// \[path_resolution(7)\] Linux follows 40 links, then gives up.
const MAX_LINKS: u32 = 40;
/// \[path_resolution(7)\] `PATH_MAX`; what links add is counted too.
const MAX_PATH_BYTES: usize = 4096;
/// A folder whose way is remembered; together at most 256 KiB.
const MAX_FOLDERS: usize = 512;
const MAX_FOLDER_BYTES: usize = 256;

/// All mounts of a guest as one file system. Paths are resolved component by component: an
/// absolute link starts at the guest's root, `..` may leave a mount, and a mount hides what lies
/// under it. At most 300 KiB are held beside what the file systems hold.
pub(crate) struct Joined<'v> {
    volumes: &'v Volumes,
    /// The root first; a later mount hides an earlier one at the same point.
    mounts: Vec<Mounted>,
    /// Folders as they were asked for, and where they are once links are followed.
    folders: Mutex<HashMap<String, String>>,
    /// Where the last error came from.
    failed: Mutex<VolumeId>,
}

/// A mount point without links and without `/` at its end, and what is there.
struct Mounted {
    point: String,
    place: Place,
}

impl<'v> Joined<'v> {
    /// The tree whose root is at `root`, with the mounts of `fstab` whose volumes are there.
    pub(crate) fn new(volumes: &'v Volumes, root: Place, fstab: &[Mount]) -> Self {
        let failed = Mutex::new(root.volume);
        let mut joined = Self {
            volumes,
            mounts: vec![Mounted {
                point: String::new(),
                place: root,
            }],
            folders: Mutex::default(),
            failed,
        };
        let mut below: Vec<&Mount> = fstab.iter().filter(|mount| is_below_root(mount)).collect();
        // A mount needs its point: parents come first, whatever the order of the lines.
        below.sort_by_key(|mount| depth(&mount.mount_point));
        for mount in below {
            joined.mount(mount);
        }
        joined
    }

    /// Adds a line of fstab; one that cannot be followed leaves the tree as it is.
    fn mount(&mut self, mount: &Mount) {
        let Some(place) = self.source(mount) else {
            return;
        };
        // systemd makes mount points that are not there.
        let point = self.resolve(&mount.mount_point, Last::Followed);
        let point = point.unwrap_or_else(|_| mount.mount_point.trim_end_matches('/').to_owned());
        self.mounts.push(Mounted { point, place });
        self.folders
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What a line of fstab mounts: a volume, or with `bind` another part of the tree.
    fn source(&self, mount: &Mount) -> Option<Place> {
        let bind = |option: &str| matches!(option, "bind" | "rbind");
        if mount.options.split(',').any(bind) {
            return self.place(&mount.spec).ok();
        }
        Some(self.volumes.mounted(mount.volume?, &mount.options))
    }

    /// Where a file of the guest is, links followed.
    pub(crate) fn place(&self, path: &str) -> Result<Place, FsError> {
        Ok(self.below(&self.resolve(path, Last::Followed)?))
    }

    /// The volumes in the tree with their mount points, the root first.
    pub(crate) fn mounts(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.mounts.iter().map(|Mounted { point, place }| {
            let shown = if point.is_empty() { "/" } else { point };
            (shown, place)
        })
    }

    /// The error of a read in this tree, with the volume where it came up.
    pub(crate) fn error(&self, source: FsError) -> InspectError {
        let volume = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        InspectError::on(volume, source)
    }

    /// The volume and path of a path without links.
    fn below(&self, path: &str) -> Place {
        let inside = |mounted: &&Mounted| {
            let rest = path.strip_prefix(mounted.point.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // The deepest counts; of two at one point the later.
        let mounted = self
            .mounts
            .iter()
            .filter(inside)
            .max_by_key(|mounted| mounted.point.len());
        let Some(Mounted { point, place }) = mounted else {
            let volume = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let path = path.to_owned();
            return Place { volume, path };
        };
        let rest = path.strip_prefix(point.as_str()).unwrap_or_default();
        let joined = format!("{}{rest}", place.path.trim_end_matches('/'));
        let path = if joined.is_empty() {
            "/".to_owned()
        } else {
            joined
        };
        Place {
            volume: place.volume,
            path,
        }
    }

    fn is_mount(&self, path: &str) -> bool {
        self.mounts.iter().any(|mounted| mounted.point == path)
    }

    /// Asks the file system at a path without links.
    fn ask<T>(
        &self,
        path: &str,
        question: impl FnOnce(&dyn FileSystem, &str) -> Result<T, FsError>,
    ) -> Result<T, FsError> {
        let place = self.below(path);
        // A volume that is not read is an empty folder; the facts say which one it is.
        let Some(fs) = self.volumes.fs(place.volume) else {
            return Err(not_found(path));
        };
        question(fs, &place.path).map_err(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = place.volume;
            renamed(error, path)
        })
    }

    /// A path without links, `.` and `..`; without `/` at its end, so the root is empty.
    fn resolve(&self, path: &str, last: Last) -> Result<String, FsError> {
        let trimmed = path.trim_end_matches('/');
        let (folder, name) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
        let start = self.folder(folder)?;
        self.walk(path, start, name, last)
    }

    /// [`Self::resolve`] of a folder; the way to it is remembered.
    fn folder(&self, folder: &str) -> Result<String, FsError> {
        let lock = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(folder) {
            return Ok(known.clone());
        }
        let found = self.walk(folder, String::new(), folder, Last::Followed)?;
        let mut folders = lock();
        if folder.len() <= MAX_FOLDER_BYTES && found.len() <= MAX_FOLDER_BYTES {
            if folders.len() >= MAX_FOLDERS {
                folders.clear();
            }
            folders.insert(folder.to_owned(), found.clone());
        }
        Ok(found)
    }

    /// Goes from the folder `at` along `rest`. Errors name `asked`.
    fn walk(&self, asked: &str, mut at: String, rest: &str, last: Last) -> Result<String, FsError> {
        let mut ahead = parts(rest)?;
        let mut links = 0_u32;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            let next = format!("{at}/{part}");
            if next.len() > MAX_PATH_BYTES {
                return Err(not_found(asked));
            }
            match self.link(&next, asked)? {
                Some(target) if !(ahead.is_empty() && last == Last::AsItIs) => {
                    links = links.saturating_add(1);
                    if links > MAX_LINKS {
                        let path = asked.to_owned();
                        return Err(FsError::TooManyLinks { path });
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    ahead.extend(parts(&target)?);
                }
                _ => at = next,
            }
        }
        Ok(at)
    }

    /// The target, if a link stands at `path`.
    fn link(&self, path: &str, asked: &str) -> Result<Option<String>, FsError> {
        if self.is_mount(path) {
            return Ok(None);
        }
        match self.ask(path, |fs, path| fs.read_link(path)) {
            Ok(target) => Ok(Some(target)),
            Err(FsError::WrongKind { .. }) => Ok(None),
            Err(FsError::NotFound { .. }) => Err(not_found(asked)),
            Err(error) => Err(error),
        }
    }

    /// Whether a volume that is not read is mounted right there.
    fn is_closed(&self, path: &str) -> bool {
        self.is_mount(path) && self.volumes.fs(self.below(path).volume).is_none()
    }
}

impl FileSystem for Joined<'_> {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        let found = self.resolve(path, Last::Followed)?;
        if self.is_closed(&found) {
            return Ok(Metadata {
                kind: FileKind::Directory,
                len: 0,
                mode: 0o755,
                modified_s: 0,
            });
        }
        self.ask(&found, |fs, path| fs.metadata(path))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let found = self.resolve(path, Last::Followed)?;
        if self.is_closed(&found) {
            return Ok(Vec::new());
        }
        self.ask(&found, |fs, path| fs.read_dir(path))
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        let found = self.resolve(path, Last::AsItIs)?;
        if found.is_empty() || self.is_mount(&found) {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted: "symbolic link",
            });
        }
        self.ask(&found, |fs, path| fs.read_link(path))
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        let found = self.resolve(path, Last::Followed)?;
        self.ask(&found, |fs, path| fs.open(path))
    }
}

/// What becomes of a link at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Followed,
    AsItIs,
}

/// The components of a path, the first one last.
fn parts(path: &str) -> Result<Vec<String>, FsError> {
    if path.len() > MAX_PATH_BYTES {
        return Err(not_found(path.get(..64).unwrap_or("a very long path")));
    }
    let parts = path.rsplit('/').filter(|part| !matches!(*part, "" | "."));
    Ok(parts.map(str::to_owned).collect())
}

fn not_found(path: &str) -> FsError {
    FsError::NotFound {
        path: path.to_owned(),
    }
}

/// The error with a path of the guest, not of the volume (a subvolume's name stands before that).
fn renamed(error: FsError, path: &str) -> FsError {
    let path = if path.is_empty() { "/" } else { path }.to_owned();
    match error {
        FsError::NotFound { .. } => FsError::NotFound { path },
        FsError::WrongKind { wanted, .. } => FsError::WrongKind { path, wanted },
        FsError::TooLong { len, limit, .. } => FsError::TooLong { path, len, limit },
        FsError::TooManyLinks { .. } => FsError::TooManyLinks { path },
        other => other,
    }
}

fn is_below_root(mount: &Mount) -> bool {
    mount.mount_point.starts_with('/') && depth(&mount.mount_point) > 0
}

fn depth(path: &str) -> usize {
    path.split('/').filter(|part| !part.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Files;
    use crate::tests::machine::{ESP, Machine};

    const FSTAB: &str = "UUID=B /boot ext4\nABCD /dev/x ext4\nUUID=ABCD-1234 /boot/efi vfat\n\
                         UUID=V /var ext4\n/var/lib /state none bind\n";

    /// A root, a /boot, an ESP and a /var that is not read.
    fn volumes() -> Volumes {
        let unread = detente_volume::Content::Other {
            kind: "zfs",
            uuid: Some("V".to_owned()),
        };
        Machine::new()
            .ext4(
                "R",
                &[
                    ("/etc/name", b"root"),
                    ("/boot/hidden", b"no"),
                    ("/abs", b"->/boot/grub/cfg"),
                    ("/usr/bin/sh", b"sh"),
                    ("/bin", b"->usr/bin"),
                    ("/loop", b"->/loop"),
                    ("/out", b"->../../../etc/name"),
                    ("/var/under", b"no"),
                ],
            )
            .ext4(
                "B",
                &[
                    ("/grub/cfg", b"menu"),
                    ("/up", b"->../etc/name"),
                    ("/root", b"->/etc/name"),
                    ("/esp", b"->/boot/efi/EFI"),
                    ("/efi/hidden", b"no"),
                ],
            )
            .fat(ESP, &[("/EFI/x", b"efi")])
            .volume("", unread, None)
            .volumes()
    }

    fn with<T>(look: impl FnOnce(&Joined<'_>) -> T) -> T {
        let volumes = volumes();
        let mut fstab = crate::fstab::parse(FSTAB);
        for mount in &mut fstab {
            mount.volume = volumes.resolve(&crate::device_spec::DeviceSpec::parse(&mount.spec));
        }
        let root = Place {
            volume: volumes.held[0].id,
            path: "/".to_owned(),
        };
        look(&Joined::new(&volumes, root, &fstab))
    }

    fn check(path: &str, expect: Option<&str>) {
        let text = with(|joined| Files::new(joined).text(path).unwrap());
        assert_eq!(text.as_deref(), expect, "{path}");
    }

    #[test]
    fn a_path_crosses_mounts_and_links() {
        check("/etc/name", Some("root"));
        check("/boot/grub/cfg", Some("menu"));
        check("//boot//./grub/cfg", Some("menu"));
        check("/boot/hidden", None);
        check("/boot/efi/EFI/x", Some("efi"));
        check("/boot/efi/hidden", None);
        check("/boot/../etc/name", Some("root"));
        check("/abs", Some("menu"));
        check("/bin/sh", Some("sh"));
        check("/boot/up", Some("root"));
        check("/boot/root", Some("root"));
        check("/boot/esp/x", Some("efi"));
        check("/out", Some("root"));
        check("/loop", None);
        check("/etc/name/x", None);
    }

    #[test]
    fn a_volume_that_is_not_read_hides_what_lies_under_it() {
        check("/var/under", None);
        with(|joined| {
            assert_eq!(joined.read_dir("/var").unwrap(), []);
            assert_eq!(joined.metadata("/var").unwrap().kind, FileKind::Directory);
        });
    }

    #[test]
    fn a_place_is_on_its_own_volume() {
        with(|joined| {
            let place = joined.place("/boot/esp/x").unwrap();
            assert_eq!(place.to_string(), "/EFI/x on disk 0 partition 3");
            let place = joined.place("/boot").unwrap();
            assert_eq!(place.to_string(), "/ on disk 0 partition 2");
        });
    }

    #[test]
    fn links_and_folders_are_told_apart() {
        with(|joined| {
            assert_eq!(joined.read_link("/bin").unwrap(), "usr/bin");
            assert!(joined.read_link("/boot").is_err());
            assert!(joined.read_link("/").is_err());
            let error = joined.read("/loop", 9).unwrap_err();
            assert!(matches!(error, FsError::TooManyLinks { path } if path == "/loop"));
        });
    }
}

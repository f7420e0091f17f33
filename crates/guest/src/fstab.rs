//! `/etc/fstab`, and the tree of volumes that it makes.

use crate::device_spec::DeviceSpec;
use crate::error::InspectError;
use crate::facts::{Mount, Place, VolumeId};
use crate::volumes::Volumes;

/// A longer file is not read.
const MAX_BYTES: u64 = 256 * 1024;
/// More lines than any machine mounts.
const MAX_LINES: usize = 256;

/// The mounts, in the order of the file.
pub(crate) fn read(volumes: &Volumes, root: VolumeId) -> Result<Vec<Mount>, InspectError> {
    let text = volumes
        .text(root, "/etc/fstab", MAX_BYTES)?
        .unwrap_or_default();
    let mut mounts = parse(&text);
    for mount in &mut mounts {
        mount.volume = volumes.resolve(&DeviceSpec::parse(&mount.spec));
    }
    Ok(mounts)
}

/// [fstab(5)]: fields parted by blanks; `\040` stands for one.
pub(crate) fn parse(text: &str) -> Vec<Mount> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mount = |line: &str| {
        let mut fields = line.split_whitespace().map(unescape);
        let (spec, mount_point) = (fields.next()?, fields.next()?);
        let kind = fields.next().unwrap_or_else(|| "auto".to_owned());
        let options = fields.next().unwrap_or_else(|| "defaults".to_owned());
        Some(Mount {
            spec,
            mount_point,
            kind,
            options,
            volume: None,
        })
    };
    lines.filter_map(mount).take(MAX_LINES).collect()
}

fn unescape(field: &str) -> String {
    let mut text = field.to_owned();
    for (code, plain) in [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ] {
        text = text.replace(code, plain);
    }
    text
}

/// The guest's own paths: which volume a path is on.
pub(crate) struct Tree {
    /// Mount points without a `/` at their end, the longest first.
    mounts: Vec<(String, VolumeId)>,
    root: VolumeId,
}

impl Tree {
    pub(crate) fn new(root: VolumeId, fstab: &[Mount]) -> Self {
        let below_root = |mount: &Mount| {
            let point = mount.mount_point.trim_end_matches('/');
            let is_path = point.starts_with('/') && point.len() > 1;
            is_path
                .then_some(())
                .and(mount.volume)
                .map(|volume| (point.to_owned(), volume))
        };
        let mut mounts: Vec<_> = fstab.iter().filter_map(below_root).collect();
        mounts.sort_by_key(|(point, _)| std::cmp::Reverse(point.len()));
        Self { mounts, root }
    }

    /// Where a volume is mounted below the root.
    pub(crate) fn mount_point(&self, volume: VolumeId) -> Option<&str> {
        self.mounts
            .iter()
            .rfind(|(_, own)| *own == volume)
            .map(|(point, _)| point.as_str())
    }

    /// Where a path of the running guest is.
    pub(crate) fn place(&self, path: &str) -> Place {
        for (point, volume) in &self.mounts {
            if let Some(rest) = path.strip_prefix(point.as_str())
                && (rest.is_empty() || rest.starts_with('/'))
            {
                let path = if rest.is_empty() { "/" } else { rest };
                return Place {
                    volume: *volume,
                    path: path.to_owned(),
                };
            }
        }
        Place {
            volume: self.root,
            path: path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_comments_and_blanks_in_names() {
        let mounts =
            parse("# c\nUUID=1 / ext4 errors=remount-ro 0 1\n\n/dev/sdb1 /my\\040data\n x\n");
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].options, "errors=remount-ro");
        assert_eq!(mounts[1].mount_point, "/my data");
        assert_eq!(mounts[1].kind, "auto");
    }

    #[test]
    fn a_path_belongs_to_the_deepest_mount() {
        let id = |partition| VolumeId::new(0, partition);
        let mut fstab = parse("UUID=1 / ext4\nUUID=2 /boot ext4\nUUID=3 /boot/efi/ vfat\n");
        for (mount, number) in fstab.iter_mut().zip(1..) {
            mount.volume = Some(id(number));
        }
        let tree = Tree::new(id(1), &fstab);
        let check = |path: &str, number, inside: &str| {
            assert_eq!(
                tree.place(path),
                Place {
                    volume: id(number),
                    path: inside.to_owned()
                }
            );
        };
        check("/boot/vmlinuz", 2, "/vmlinuz");
        check("/boot/efi/EFI", 3, "/EFI");
        check("/bootstrap", 1, "/bootstrap");
        check("/boot", 2, "/");
    }
}

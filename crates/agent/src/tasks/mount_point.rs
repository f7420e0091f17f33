//! What is mounted as the root.

/// A line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootMount {
    /// `major:minor`; major 0 where the file system has no single device.
    pub(super) device: String,
    /// `ext4`.
    pub(super) filesystem: String,
    /// What was mounted, `/dev/vda2`.
    pub(super) source: String,
}

/// The mount that is seen at `/`: the last one, since later mounts hide earlier ones.
pub(super) fn root(mountinfo: &str) -> Option<RootMount> {
    mountinfo.lines().filter_map(parse).next_back()
}

/// proc(5): id, parent, device, root, **point**, options, optional fields, `-`, type, source.
fn parse(line: &str) -> Option<RootMount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(2);
    let device = before.next()?.to_owned();
    if before.nth(1)? != "/" {
        return None;
    }
    let mut after = after.split(' ');
    let (filesystem, source) = (after.next()?.to_owned(), after.next()?.to_owned());
    Some(RootMount {
        device,
        filesystem,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::root;

    const ROOTFS: &str = "1 1 0:2 / / rw - rootfs rootfs rw\n";
    const SAMPLE: &str = "26 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n\
        27 26 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw\n";

    #[test]
    fn the_last_mount_at_the_root_counts() {
        let mount = root(&[ROOTFS, SAMPLE].concat()).unwrap();
        assert_eq!(
            (&*mount.device, &*mount.filesystem, &*mount.source),
            ("254:1", "ext4", "/dev/vda1")
        );
    }

    #[test]
    fn many_optional_fields_do_no_harm() {
        let line = "26 1 0:31 /@ / rw shared:1 master:7 - btrfs /dev/sda2 rw";
        assert_eq!(root(line).unwrap().source, "/dev/sda2");
    }

    #[test]
    fn spoiled_lines_are_left_out() {
        assert_eq!(
            root("26 1 254:1 / / rw\n26 1\n\n26 1 254:1 / / rw - ext4"),
            None
        );
    }
}

//! Volumes of their own, on loop devices: root alone can mount them.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::row::Volume;
use crate::tool::Tool;

/// Room for the largest set of sources and both outputs; the file is sparse.
const BYTES: u64 = 20 << 30;

/// A mounted volume, gone when dropped.
pub(super) struct Mounted {
    folder: PathBuf,
    file: PathBuf,
}

impl Mounted {
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Tool::new("umount").arg(&self.folder).capture();
        let _ = std::fs::remove_dir(&self.folder);
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Makes and mounts a volume.
pub(super) fn mount(scratch: &Path, volume: Volume) -> anyhow::Result<Mounted> {
    let name = volume.name();
    let mounted = Mounted {
        folder: scratch.join(name),
        file: scratch.join(format!("{name}.img")),
    };
    let file = File::create(&mounted.file).context("the volume's file")?;
    file.set_len(BYTES).context("the volume's file")?;
    std::fs::create_dir(&mounted.folder).context("the volume's folder")?;
    let make = match volume {
        Volume::Ext4 => Tool::new("mkfs.ext4").args(["-q", "-F"]),
        Volume::Xfs => Tool::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]),
        Volume::Btrfs => Tool::new("mkfs.btrfs").arg("-q"),
    };
    make.arg(&mounted.file).capture().context("not made")?;
    Tool::new("mount")
        .args(["-o", "loop"])
        .args([&mounted.file, &mounted.folder])
        .capture()
        .context("not mounted (root is wanted for that)")?;
    Ok(mounted)
}

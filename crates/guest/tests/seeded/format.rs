//! File systems, made of trees by the usual tools.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use detente_samples::{ROOT, Tree, run, tool};

const MIB: u64 = 1 << 20;

/// The kind of a file system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Ext4,
    Xfs,
    Btrfs,
    Fat,
}

impl Format {
    /// The name in fstab.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Fat => "vfat",
        }
    }

    /// [`make`](Self::make), and where it is.
    pub(crate) fn made(self, files: &Tree, image: &Path, mib: u64) -> PathBuf {
        self.make(files, image, mib);
        image.to_owned()
    }

    /// An ext4 with these files somewhere on a disk; `tree` is a folder for them.
    pub(crate) fn ext4_on(files: &Tree, tree: &Path, disk: &Path, offset: u64, mib: u64) {
        files.lay_out(tree);
        run(tool("mke2fs")
            .args(["-q", "-F", "-t", "ext4", "-U", ROOT])
            .args(["-E", &format!("offset={offset}"), "-d"])
            .args([tree, disk])
            .arg(format!("{mib}M")));
    }

    /// A file system with these files; XFS and btrfs are as large as they have to be. Its UUID is
    /// [`ROOT`], FAT's `ABCD-1234`.
    pub(crate) fn make(self, files: &Tree, image: &Path, mib: u64) {
        let tree = image.with_extension("tree");
        files.lay_out(&tree);
        let size = |mib: u64| File::create(image).unwrap().set_len(mib * MIB).unwrap();
        match self {
            Self::Ext4 => run(tool("mke2fs")
                .args(["-q", "-t", "ext4", "-U", ROOT, "-d"])
                .args([&tree, image])
                .arg(format!("{mib}M"))),
            Self::Xfs => {
                // Smaller ones are no longer made.
                size(300);
                let list = image.with_extension("list");
                fs::write(&list, protofile(&tree)).unwrap();
                run(tool("mkfs.xfs")
                    .args(["-q", "-m", &format!("uuid={ROOT}"), "-p"])
                    .args([&list, image]));
            }
            Self::Btrfs => {
                size(256);
                run(tool("mkfs.btrfs")
                    .args(["-q", "-U", ROOT, "--rootdir"])
                    .args([&tree, image]));
            }
            Self::Fat => {
                size(mib);
                run(tool("mformat")
                    .arg("-i")
                    .arg(image)
                    .args(["-N", "abcd1234", "::"]));
                let mut folders: Vec<PathBuf> = children(&tree);
                folders.retain(|path| path.is_dir());
                run(tool("mcopy")
                    .arg("-i")
                    .arg(image)
                    .arg("-s")
                    .args(folders)
                    .arg("::/"));
            }
        }
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// [mkfs.xfs(8)], `-p`: no boot program, no sizes, then the root with what is in it.
fn protofile(tree: &Path) -> String {
    let mut text = "/none\n0 0\nd--755 0 0\n".to_owned();
    list(tree, &mut text);
    text + "$\n"
}

fn list(folder: &Path, text: &mut String) {
    for path in children(folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let own = path.display();
        if let Ok(target) = fs::read_link(&path) {
            text.push_str(&format!("{name} l--777 0 0 {}\n", target.display()));
        } else if path.is_dir() {
            text.push_str(&format!("{name} d--755 0 0\n"));
            list(&path, text);
            text.push_str("$\n");
        } else {
            text.push_str(&format!("{name} ---644 0 0 {own}\n"));
        }
    }
}

//! A machine that is about to be made: the files of its volumes, and how its disks are set up.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, FileBackend};
use detente_samples::{Label, Tree, run, tool};

use crate::format::Format;

const MIB: u64 = 1 << 20;
/// What LVM writes before the first extent; see `lvm/make.sh`.
const HEAD_BYTES: u64 = 128 << 10;
/// How large the root is on LVM, and the part of it that is on the first volume of `split`.
const ROOT_BYTES: u64 = 160 * MIB;
const SPLIT_BYTES: u64 = 80 * MIB;

/// A partition behind the root.
#[derive(Clone)]
pub(crate) struct Part {
    /// Its type as sfdisk calls it.
    pub(crate) kind: &'static str,
    /// What begins it.
    pub(crate) content: Vec<u8>,
}

/// What the root lies on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// A partition.
    Plain,
    /// A logical volume on one physical one.
    Lvm,
    /// The same, and another logical volume on a second disk.
    LvmWithHome,
    /// A logical volume on two disks.
    LvmSplit,
}

/// The second disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// The one that LVM is on as well, if it is.
    OfLvm,
    /// That one is not given.
    Away,
    /// Another one with nothing on it.
    Empty,
}

/// The machine.
#[derive(Clone)]
pub(crate) struct Machine {
    /// The files of the root.
    pub(crate) root: Tree,
    pub(crate) format: Format,
    /// How large its file system is, where that is ext4.
    pub(crate) root_mib: u64,
    pub(crate) on: On,
    /// The files of the EFI system partition, if there is one.
    pub(crate) esp: Option<Tree>,
    pub(crate) label: Label,
    /// What the first sector's code says when it fails.
    pub(crate) boot_code: &'static str,
    /// Whether the root is marked as what a BIOS starts.
    pub(crate) active: bool,
    pub(crate) behind: Vec<Part>,
    /// How large the first disk is at least.
    pub(crate) disk_bytes: u64,
    pub(crate) second: Second,
    /// Whether the root was in use when the image was taken.
    pub(crate) in_use: bool,
    /// The file with the entry that starts, whose arguments end with `quiet`.
    pub(crate) menu: &'static str,
    /// The initramfs of that entry, and of the other one.
    pub(crate) initramfs: [String; 2],
    /// Makes an initramfs of these drivers for a kernel.
    pub(crate) maker: fn(&str, &[&str]) -> Vec<u8>,
    /// The kernel that starts, and the other one.
    pub(crate) releases: [&'static str; 2],
    /// Drivers that the kernel has in itself.
    pub(crate) builtin: &'static [&'static str],
}

impl Machine {
    /// With a file in the root.
    pub(crate) fn put(&mut self, path: &str, text: impl AsRef<[u8]>) {
        self.root = std::mem::take(&mut self.root).file(path, text.as_ref());
    }

    /// With lines at the end of a file of the root.
    pub(crate) fn append(&mut self, path: &str, text: &str) {
        let whole = self.root.text(path) + text;
        self.put(path, whole);
    }

    /// With other words at the first place in a file of the root where these stand.
    pub(crate) fn replace(&mut self, path: &str, words: &str, by: &str) {
        let whole = self.root.text(path);
        assert!(whole.contains(words), "{path} has no {words}");
        self.put(path, whole.replacen(words, by, 1));
    }

    /// Without a file of the root.
    pub(crate) fn remove(&mut self, path: &str) {
        self.root = std::mem::take(&mut self.root).without(path);
    }

    /// With an argument more for the kernel that starts.
    pub(crate) fn argument(&mut self, argument: &str) {
        self.replace(self.menu, " quiet", &format!(" quiet {argument}"));
    }

    /// Changes the files of the EFI system partition.
    pub(crate) fn on_esp(&mut self, change: impl FnOnce(Tree) -> Tree) {
        self.esp = self.esp.take().map(change);
    }

    /// Makes the disks in a folder.
    pub(crate) fn disks(&self, place: &Path) -> Vec<Arc<dyn BlockRead>> {
        let root = place.join("root");
        if self.is_made_in_place() {
            // A file of that size, for the table alone.
            let size = self.root_mib * MIB;
            File::create(&root).unwrap().set_len(size).unwrap();
        } else {
            self.format.make(&self.root, &root, self.root_mib);
        }
        if self.in_use {
            // e2fsprogs: as the kernel leaves it between mount and unmount.
            run(tool("debugfs")
                .args(["-w", "-R", "feature needs_recovery"])
                .arg(&root));
        }
        let mut paths = vec![self.first_disk(place, &root)];
        match self.second {
            Second::OfLvm => paths.extend(self.second_disk(place, &root)),
            Second::Away => (),
            Second::Empty => {
                let second = place.join("second");
                File::create(&second).unwrap().set_len(2 * MIB).unwrap();
                paths.push(second);
            }
        }
        let open = |path: &PathBuf| Arc::new(FileBackend::open(path).unwrap()) as _;
        paths.iter().map(open).collect()
    }

    /// Whether the root is made on the disk itself, which spares copying most of a volume of zeros.
    fn is_made_in_place(&self) -> bool {
        self.format == Format::Ext4 && self.on == On::Plain && !self.in_use
    }

    fn first_disk(&self, place: &Path, root: &Path) -> PathBuf {
        let mut parts: Vec<(&str, PathBuf)> = Vec::new();
        if let Some(esp) = &self.esp {
            parts.push(("uefi", Format::Fat.made(esp, &place.join("esp"), 8)));
        }
        parts.push(match self.on {
            On::Plain => ("linux", root.to_owned()),
            On::Lvm | On::LvmWithHome | On::LvmSplit => ("lvm", self.physical(place, root)),
        });
        for (index, part) in self.behind.iter().enumerate() {
            let path = place.join(format!("part-{index}"));
            fs::write(&path, &part.content).unwrap();
            parts.push((part.kind, path));
        }
        let disk = place.join("disk");
        let root_at = usize::from(self.esp.is_some());
        let starts = self.table(&disk, place, &parts, root_at);
        for (index, ((_, path), start)) in parts.iter().zip(starts).enumerate() {
            if index == root_at && self.is_made_in_place() {
                let tree = place.join("root.tree");
                Format::ext4_on(&self.root, &tree, &disk, start, self.root_mib);
            } else {
                copy(path, &disk, 0, start, u64::MAX);
            }
        }
        let code = File::options().write(true).open(&disk).unwrap();
        code.write_all_at(self.boot_code.as_bytes(), 200).unwrap();
        disk
    }

    /// Makes the table, and says where the partitions begin.
    fn table(
        &self,
        disk: &Path,
        place: &Path,
        parts: &[(&str, PathBuf)],
        root_at: usize,
    ) -> Vec<u64> {
        let mut script = match self.label {
            Label::Dos => "label: dos\n".to_owned(),
            Label::Gpt => "label: gpt\n".to_owned(),
        };
        let (mut end, mut starts) = (1, Vec::new());
        for (index, (kind, path)) in parts.iter().enumerate() {
            let mib = fs::metadata(path).unwrap().len().div_ceil(MIB).max(1);
            script.push_str(&format!("start={end}MiB, size={mib}MiB, type={kind}"));
            if self.active && index == root_at {
                script.push_str(", bootable");
            }
            script.push('\n');
            starts.push(end * MIB);
            end += mib;
        }
        let layout = place.join("layout");
        fs::write(&layout, script).unwrap();
        // The last MiB is for the second copy of a GPT.
        let bytes = self.disk_bytes.max((end + 1) * MIB);
        File::create(disk).unwrap().set_len(bytes).unwrap();
        run(tool("sfdisk")
            .arg("-q")
            .arg(disk)
            .stdin(File::open(&layout).unwrap()));
        starts
    }

    /// The first physical volume.
    fn physical(&self, place: &Path, root: &Path) -> PathBuf {
        let (head, mib, root_bytes) = match self.on {
            On::LvmWithHome => (&include_bytes!("lvm/two-a.zst")[..], 176, ROOT_BYTES),
            On::LvmSplit => (&include_bytes!("lvm/split-a.zst")[..], 96, SPLIT_BYTES),
            On::Plain | On::Lvm => (&include_bytes!("lvm/one.zst")[..], 176, ROOT_BYTES),
        };
        let path = volume(&place.join("physical"), head, mib * MIB);
        copy(root, &path, 0, HEAD_BYTES, root_bytes);
        path
    }

    fn second_disk(&self, place: &Path, root: &Path) -> Option<PathBuf> {
        let path = place.join("second-physical");
        match self.on {
            On::Plain | On::Lvm => None,
            On::LvmWithHome => Some(volume(&path, include_bytes!("lvm/two-b.zst"), 8 * MIB)),
            On::LvmSplit => {
                volume(&path, include_bytes!("lvm/split-b.zst"), 96 * MIB);
                copy(root, &path, SPLIT_BYTES, HEAD_BYTES, SPLIT_BYTES);
                Some(path)
            }
        }
    }
}

fn volume(path: &Path, head: &[u8], bytes: u64) -> PathBuf {
    fs::write(path, zstd::decode_all(head).unwrap()).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
    path.to_owned()
}

/// Copies what is not zero.
fn copy(from: &Path, to: &Path, skip: u64, at: u64, limit: u64) {
    let (mut from, to) = (
        File::open(from).unwrap(),
        File::options().write(true).open(to).unwrap(),
    );
    std::io::Seek::seek(&mut from, std::io::SeekFrom::Start(skip)).unwrap();
    let mut from = from.take(limit);
    let zeros = vec![0; 256 << 10];
    let (mut buffer, mut at) = (zeros.clone(), at);
    loop {
        let len = from.read(&mut buffer).unwrap();
        let Some(bytes) = buffer.get(..len).filter(|bytes| !bytes.is_empty()) else {
            return;
        };
        if bytes != &zeros[..len] {
            to.write_all_at(bytes, at).unwrap();
        }
        at += u64::try_from(len).unwrap();
    }
}

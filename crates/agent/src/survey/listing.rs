//! What lies in the initramfs: read once, before it is emptied.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::alias::{self, Alias};
use crate::sysfs;

/// More modules than any distribution builds.
const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 12;
/// A kernel has about fifty.
const MAX_BUSES: usize = 512;
/// A whole distribution's `modules.alias` is about 1.5 MiB.
const MAX_ALIAS_BYTES: u64 = 4 << 20;

/// The modules of the initramfs.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Modules that lie there, sorted.
    pub(crate) modules: Vec<String>,
    /// Modules that are built in, sorted.
    pub(crate) builtin: Vec<String>,
    /// What they want to drive.
    pub(crate) aliases: Vec<Alias>,
    /// Whether there was more than we wanted to read.
    pub(crate) truncated: bool,
    /// Whether there is no initramfs but ours.
    pub(crate) kernel_only: bool,
}

impl Listing {
    /// Looks below `root`.
    pub(crate) fn of(root: &Path) -> Self {
        let mut modules = BTreeSet::new();
        let mut builtin = BTreeSet::new();
        let mut truncated = false;
        let mut alias_files = Vec::new();
        for kernel in kernels(root) {
            truncated |= walk(&kernel, &mut modules);
            let text = bounded_text(&kernel.join("modules.builtin"));
            builtin.extend(
                text.lines()
                    .filter_map(|line| module_name(line.rsplit('/').next()?)),
            );
            alias_files.push(kernel.join("modules.alias"));
        }
        let aliases = alias_files
            .iter()
            .flat_map(|file| alias::parse(&bounded_text(file), |module| modules.contains(module)))
            .collect();
        let (modules, builtin) = (modules.into_iter().collect(), builtin.into_iter().collect());
        Self {
            modules,
            builtin,
            aliases,
            truncated,
            kernel_only: false,
        }
    }

    /// What is built into a kernel that has loaded no module yet, as `sys` shows it: whatever has
    /// parameters, and the drivers of every bus.
    pub(crate) fn of_kernel(sys: &Path) -> Self {
        let mut builtin: BTreeSet<String> = sysfs::names(sys.join("module"), MAX_FILES)
            .into_iter()
            .collect();
        for bus in sysfs::names(sys.join("bus"), MAX_BUSES) {
            let drivers = sys.join("bus").join(bus).join("drivers");
            builtin.extend(
                sysfs::names(drivers, MAX_FILES)
                    .iter()
                    .map(|name| module_of_driver(name)),
            );
        }
        Self {
            builtin: builtin.into_iter().collect(),
            kernel_only: true,
            ..Self::default()
        }
    }
}

/// Drivers are called like their modules, but for the one of SCSI disks (Linux, drivers/scsi/sd.c).
fn module_of_driver(name: &str) -> String {
    match name {
        "sd" => "sd_mod".to_owned(),
        name => name.replace('-', "_"),
    }
}

/// The directories of modules, one for each kernel, each once (`/lib` is often a link).
fn kernels(root: &Path) -> BTreeSet<PathBuf> {
    let places = ["lib/modules", "usr/lib/modules"].map(|place| root.join(place));
    let entries = places
        .into_iter()
        .filter_map(|place| fs::read_dir(place).ok())
        .flatten()
        .flatten();
    entries
        .take(16)
        .filter_map(|entry| fs::canonicalize(entry.path()).ok())
        .collect()
}

/// Collects the names of modules; says whether there were too many files.
fn walk(directory: &Path, modules: &mut BTreeSet<String>) -> bool {
    let mut left = MAX_FILES;
    let mut todo = vec![(directory.to_owned(), 0_usize)];
    while let Some((directory, depth)) = todo.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Some(fewer) = left.checked_sub(1) else {
                return true;
            };
            left = fewer;
            // The type of the entry itself: links (`build`, `source`) are not followed.
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_directory && depth < MAX_DEPTH {
                todo.push((entry.path(), depth.saturating_add(1)));
            }
            modules.extend(module_name(&entry.file_name().to_string_lossy()));
        }
    }
    false
}

/// `virtio-blk.ko.xz` is `virtio_blk`; what is no module has no name.
fn module_name(file: &str) -> Option<String> {
    let plain = [".xz", ".zst", ".gz"]
        .iter()
        .find_map(|end| file.strip_suffix(end))
        .unwrap_or(file);
    Some(plain.strip_suffix(".ko")?.replace('-', "_"))
}

fn bounded_text(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        let _ = file.take(MAX_ALIAS_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Listing, module_name};

    #[test]
    fn module_names_come_from_file_names() {
        assert_eq!(module_name("virtio-blk.ko"), Some("virtio_blk".into()));
        assert_eq!(module_name("ext4.ko.xz"), Some("ext4".into()));
        assert_eq!(module_name("nvme.ko.zst"), Some("nvme".into()));
        assert_eq!(module_name("modules.dep"), None);
        assert_eq!(module_name("ext4.ko.bz2"), None);
    }

    #[test]
    fn a_tree_is_listed_whether_or_not_lib_is_a_link() {
        let root = tempfile::tempdir().unwrap();
        let kernel = root.path().join("usr/lib/modules/6.1.0/kernel/drivers");
        fs::create_dir_all(kernel.join("block")).unwrap();
        fs::write(kernel.join("block/virtio_blk.ko"), "").unwrap();
        fs::write(
            kernel.join("../../modules.builtin"),
            "kernel/drivers/char/hw-random.ko\nx\n",
        )
        .unwrap();
        fs::write(
            kernel.join("../../modules.alias"),
            "alias virtio:d00000002v* virtio_blk\n",
        )
        .unwrap();
        std::os::unix::fs::symlink("usr/lib", root.path().join("lib")).unwrap();
        let listing = Listing::of(root.path());
        assert_eq!(listing.modules, ["virtio_blk"]);
        assert_eq!(listing.builtin, ["hw_random"]);
        assert_eq!(listing.aliases.len(), 1);
        assert!(!listing.truncated);
    }

    #[test]
    fn a_kernel_shows_what_is_built_into_it() {
        let sys = tempfile::tempdir().unwrap();
        for folder in [
            "module/nvme_core",
            "bus/pci/drivers/nvme",
            "bus/pci/drivers/virtio-pci",
            "bus/scsi/drivers/sd",
            "bus/virtio/devices",
        ] {
            fs::create_dir_all(sys.path().join(folder)).unwrap();
        }
        let listing = Listing::of_kernel(sys.path());
        assert_eq!(
            listing.builtin,
            ["nvme", "nvme_core", "sd_mod", "virtio_pci"]
        );
        assert!(listing.kernel_only && listing.modules.is_empty());
    }

    #[test]
    fn an_initramfs_without_modules_is_an_empty_listing() {
        let root = tempfile::tempdir().unwrap();
        let listing = Listing::of(root.path());
        assert!(listing.modules.is_empty() && listing.builtin.is_empty());
    }
}

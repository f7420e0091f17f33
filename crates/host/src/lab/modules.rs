//! The kernel modules that the lab needs, with what they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What the lab needs. QEMU's translator shows AMD's virtualization, never Intel's.
pub(crate) const WANTED: [&str; 5] = [
    "virtio_pci",
    "virtio_console",
    "virtio_scsi",
    "sd_mod",
    "kvm_amd",
];

/// The largest module that is read: with debugging symbols some have 10 MiB.
const MODULE_LIMIT: u64 = 64 << 20;

/// Folders below each other in a tree of modules.
const DEPTH_LIMIT: usize = 16;

/// A module, as the kernel loads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Where the modules are, in loading order; built-in ones are left out.
pub(crate) fn paths(tree: &Path) -> Result<Vec<PathBuf>, String> {
    Ok(resolve(tree)?.into_iter().map(|(path, _)| path).collect())
}

/// The modules in loading order.
pub(crate) fn load(tree: &Path) -> Result<Vec<Module>, String> {
    Ok(resolve(tree)?
        .into_iter()
        .map(|(_, module)| module)
        .collect())
}

fn resolve(tree: &Path) -> Result<Vec<(PathBuf, Module)>, String> {
    let mut files = BTreeMap::new();
    index(tree, &mut files, 0);
    let builtin = fs::read_to_string(tree.join("modules.builtin")).unwrap_or_default();
    let mut resolver = Resolver {
        files,
        builtin: builtin
            .lines()
            .filter_map(|line| module_name(Path::new(line)))
            .collect(),
        seen: BTreeSet::new(),
        order: Vec::new(),
    };
    for name in WANTED {
        resolver.add(name)?;
    }
    Ok(resolver.order)
}

struct Resolver {
    files: BTreeMap<String, PathBuf>,
    builtin: BTreeSet<String>,
    seen: BTreeSet<String>,
    order: Vec<(PathBuf, Module)>,
}

impl Resolver {
    /// Adds a module behind what it depends on.
    fn add(&mut self, name: &str) -> Result<(), String> {
        if self.builtin.contains(name) || !self.seen.insert(name.to_owned()) {
            return Ok(());
        }
        let path = self
            .files
            .get(name)
            .cloned()
            .ok_or_else(|| format!("it has no module {name}"))?;
        let bytes = read(&path).map_err(|error| format!("module {name}: {error}"))?;
        for needed in depends(&bytes) {
            self.add(&needed)?;
        }
        let name = name.to_owned();
        self.order.push((path, Module { name, bytes }));
        Ok(())
    }
}

/// `kvm_amd` of `kernel/arch/x86/kvm/kvm-amd.ko.xz`.
fn module_name(path: &Path) -> Option<String> {
    let (name, rest) = path.file_name()?.to_str()?.split_once(".ko")?;
    matches!(rest, "" | ".gz" | ".xz" | ".zst").then(|| name.replace('-', "_"))
}

fn index(folder: &Path, files: &mut BTreeMap<String, PathBuf>, depth: usize) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // A link may lead to the sources, or in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth < DEPTH_LIMIT {
                index(&path, files, depth + 1);
            }
        } else if let Some(name) = module_name(&path) {
            files.insert(name, path);
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let reader: Box<dyn Read> = match extension {
        Some("gz") => Box::new(flate2::read::GzDecoder::new(file)),
        Some("xz") => Box::new(liblzma::read::XzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::new(file)?),
        Some(_) | None => Box::new(file),
    };
    let mut bytes = Vec::new();
    reader.take(MODULE_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the module's own `.modinfo` says in `depends=a,b`: entries that end with NUL.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|bytes| bytes == KEY) else {
        return Vec::new();
    };
    let rest = module.get(at + KEY.len()..).unwrap_or_default();
    let end = rest.iter().position(|&byte| byte == 0).unwrap_or(0);
    String::from_utf8_lossy(rest.get(..end).unwrap_or_default())
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(modules: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("kernel/drivers");
        fs::create_dir_all(&folder).unwrap();
        for (name, needs) in modules {
            let bytes = format!("ELF\0license=GPL\0depends={needs}\0retpoline=Y\0");
            fs::write(folder.join(name), bytes).unwrap();
        }
        root
    }

    #[test]
    fn what_a_module_depends_on_comes_before_it_and_once() {
        let root = tree(&[
            ("virtio.ko", ""),
            ("virtio_pci.ko", "virtio"),
            ("virtio_console.ko", "virtio"),
            ("virtio_scsi.ko", "scsi_mod,virtio"),
            ("scsi_mod.ko", ""),
            ("sd_mod.ko", "scsi_mod"),
            ("kvm-amd.ko", "kvm,ccp"),
            ("kvm.ko", "irqbypass"),
            ("irqbypass.ko", ""),
        ]);
        fs::write(root.path().join("modules.builtin"), "kernel/x/ccp.ko\n").unwrap();
        let names: Vec<String> = load(root.path())
            .unwrap()
            .into_iter()
            .map(|module| module.name)
            .collect();
        assert_eq!(
            names,
            [
                "virtio",
                "virtio_pci",
                "virtio_console",
                "scsi_mod",
                "virtio_scsi",
                "sd_mod",
                "irqbypass",
                "kvm",
                "kvm_amd"
            ]
        );
    }

    #[test]
    fn a_module_that_is_nowhere_is_named() {
        let root = tree(&[("virtio_pci.ko", "virtio")]);
        assert!(load(root.path()).unwrap_err().contains("virtio"));
    }

    #[test]
    fn modules_that_depend_on_each_other_end() {
        let root = tree(&[("virtio_pci.ko", "virtio"), ("virtio.ko", "virtio_pci")]);
        assert!(load(root.path()).unwrap_err().contains("virtio_console"));
    }

    #[test]
    fn names_of_compressed_modules_are_known() {
        for name in [
            "kvm-amd.ko",
            "kvm-amd.ko.xz",
            "kvm-amd.ko.zst",
            "kvm-amd.ko.gz",
        ] {
            assert_eq!(module_name(Path::new(name)).as_deref(), Some("kvm_amd"));
        }
        assert_eq!(module_name(Path::new("modules.order")), None);
        assert_eq!(module_name(Path::new("x.ko.bak")), None);
    }
}

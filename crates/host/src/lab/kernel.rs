//! The kernel that the lab runs: this host's own, or one from the distribution's package.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::modules::{self, Module};
use crate::HostError;

/// A kernel that has what the lab needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabKernel {
    /// Its release: `6.1.0-56-cloud-amd64`.
    pub release: String,
    /// Where it comes from, in words.
    pub origin: String,
    /// Its image.
    pub(crate) image: PathBuf,
    /// The folder of its modules.
    pub(crate) modules: PathBuf,
}

/// The folder below the cache folder where fetched kernels are.
const CACHED: &str = "lab-kernel";

/// Where modules are below a root, by the layouts of old and new distributions.
const MODULE_FOLDERS: [&str; 2] = ["lib/modules", "usr/lib/modules"];

/// The option without which KVM shows no Hyper-V hardware; kernels before 6.8 do not have it.
const OPTION: &str = "CONFIG_KVM_HYPERV";

/// Where fetched kernels are kept.
pub(crate) fn cache_folder(cache: &Path) -> PathBuf {
    cache.join(CACHED)
}

/// The best kernel of this host, or one that was fetched before.
///
/// # Errors
/// [`HostError::Missing`] with the way out.
pub fn find(cache: &Path) -> Result<LabKernel, HostError> {
    let running = rustix::system::uname();
    let running = running.release().to_string_lossy().into_owned();
    let mut refused = Vec::new();
    let roots = std::iter::once((PathBuf::from("/"), "this host's own".to_owned()))
        .chain(fetched(&cache_folder(cache)));
    for (root, origin) in roots {
        match find_below(&root, &origin, &running) {
            Ok(kernel) => return Ok(kernel),
            Err(reasons) => refused.extend(reasons),
        }
    }
    let why = if refused.is_empty() {
        "this host has no kernel in /boot".to_owned()
    } else {
        refused.join("; ")
    };
    Err(HostError::Missing {
        what: format!("a kernel for the lab ({why})"),
        remedy: "`detente lab up --fetch-kernel` fetches the distribution's package and unpacks \
                 it into the cache, without installing it"
            .to_owned(),
    })
}

/// The packages that were fetched, newest first.
fn fetched(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found: Vec<(PathBuf, String)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            (!name.starts_with('.')).then(|| (entry.path(), format!("from package {name}")))
        })
        .collect();
    found.sort();
    found.reverse();
    found
}

/// The running kernel if it is there and serves, else the one whose name is last.
pub(crate) fn find_below(
    root: &Path,
    origin: &str,
    running: &str,
) -> Result<LabKernel, Vec<String>> {
    let mut releases: Vec<(bool, String, PathBuf)> = MODULE_FOLDERS
        .iter()
        .filter_map(|folder| fs::read_dir(root.join(folder)).ok())
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let release = entry.file_name().into_string().ok()?;
            Some((release == running, release, entry.path()))
        })
        .collect();
    releases.sort();
    let mut refused = Vec::new();
    for (_, release, modules) in releases.into_iter().rev() {
        match check(root, &release, &modules) {
            Ok(image) => {
                return Ok(LabKernel {
                    release,
                    origin: origin.to_owned(),
                    image,
                    modules,
                });
            }
            Err(why) => refused.push(format!("{release}: {why}")),
        }
    }
    Err(refused)
}

/// Whether a kernel serves; gives its image.
fn check(root: &Path, release: &str, modules: &Path) -> Result<PathBuf, String> {
    let images = [
        root.join(format!("boot/vmlinuz-{release}")),
        modules.join("vmlinuz"),
    ];
    let image = images
        .into_iter()
        .find(|image| File::open(image).is_ok())
        .ok_or("its image is not there, or not readable for us")?;
    let configs = [
        root.join(format!("boot/config-{release}")),
        modules.join("config"),
    ];
    for config in configs {
        let text = fs::read_to_string(config).unwrap_or_default();
        if text.contains(OPTION) && !text.contains(&format!("{OPTION}=y")) {
            return Err(format!("it is built without {OPTION}"));
        }
    }
    modules::paths(modules).map(|_| image)
}

impl LabKernel {
    /// The modules that the lab loads, in order.
    pub(crate) fn load_modules(&self) -> Result<Vec<Module>, HostError> {
        modules::load(&self.modules).map_err(|detail| HostError::Failed {
            action: "reading the lab kernel's modules",
            detail,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let modules = root.path().join("lib/modules/6.1.0-1");
        fs::create_dir_all(&modules).unwrap();
        fs::create_dir(root.path().join("boot")).unwrap();
        fs::write(root.path().join("boot/vmlinuz-6.1.0-1"), "image").unwrap();
        let builtin: String = modules::WANTED
            .iter()
            .map(|name| format!("kernel/{name}.ko\n"))
            .collect();
        fs::write(modules.join("modules.builtin"), builtin).unwrap();
        root
    }

    #[test]
    fn a_kernel_with_everything_built_in_serves() {
        let root = root();
        let kernel = find_below(root.path(), "here", "").unwrap();
        assert_eq!(kernel.release, "6.1.0-1");
        assert!(kernel.image.ends_with("boot/vmlinuz-6.1.0-1"));
        assert!(kernel.load_modules().unwrap().is_empty());
    }

    #[test]
    fn a_kernel_without_its_image_does_not() {
        let root = root();
        fs::remove_file(root.path().join("boot/vmlinuz-6.1.0-1")).unwrap();
        let refused = find_below(root.path(), "here", "").unwrap_err();
        assert!(refused[0].contains("image"), "{refused:?}");
    }

    #[test]
    fn a_kernel_without_kvm_does_not() {
        let root = root();
        let builtin = root.path().join("lib/modules/6.1.0-1/modules.builtin");
        let text = fs::read_to_string(&builtin).unwrap();
        fs::write(&builtin, text.replace("kvm_amd", "kvm_intel")).unwrap();
        let refused = find_below(root.path(), "here", "").unwrap_err();
        assert!(refused[0].contains("kvm_amd"), "{refused:?}");
    }

    #[test]
    fn a_kernel_whose_kvm_knows_no_hyperv_does_not() {
        let root = root();
        let config = root.path().join("boot/config-6.1.0-1");
        fs::write(&config, "# CONFIG_KVM_HYPERV is not set\n").unwrap();
        assert!(find_below(root.path(), "here", "").is_err());
        fs::write(&config, "CONFIG_KVM_HYPERV=y\n").unwrap();
        assert!(find_below(root.path(), "here", "").is_ok());
        // Before 6.8 there is no such option.
        fs::write(&config, "CONFIG_KVM=m\n").unwrap();
        assert!(find_below(root.path(), "here", "").is_ok());
    }
}

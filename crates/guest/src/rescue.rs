//! Modules for a boot on hardware whose drivers the guest's initramfs lacks, out of the guest's
//! own disk.
//!
//! They are for the boot in which a guest is prepared, and for no other: what makes the guest boot
//! by itself afterwards is its own initramfs, made anew. Which initramfs it is and what is in it
//! plays no part, decision 0023: whoever starts the guest has the modules loaded, in the order of
//! [`Rescue::modules`], before the guest's own init runs.

mod depends;
mod error;
mod list;
mod wanted;

use detente_initramfs::unpack_stream;

use crate::check::Profile;
use crate::facts::{DriverState, Kernel};
use crate::files::Files;
use crate::guest::Guest;
use depends::Depends;

pub use error::RescueError;

/// More than any disk and file system need together.
const MAX_MODULES: usize = 96;
/// Ten times the longest module of a distribution's kernel, unpacked.
const MAX_MODULE_BYTES: u64 = 48 << 20;
/// All of them together.
const MAX_ALL_BYTES: u64 = 128 << 20;

/// What is loaded before the guest's own init.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// The kernel whose modules they are: that of the default entry.
    pub kernel: String,
    /// The modules, in the order in which they are loaded; none where the kernel has all of it in
    /// its image. One may fail to load: it may be for another processor.
    pub modules: Vec<RescueModule>,
}

/// A module.
#[derive(Clone, PartialEq, Eq)]
pub struct RescueModule {
    /// Its name, with `_` for `-`.
    pub name: String,
    /// Where it is in the running guest.
    pub path: String,
    /// What the kernel is given: never compressed, with its signature if it has one.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for RescueModule {
    /// A length in place of bytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RescueModule")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Guest {
    /// The modules that this guest's default kernel needs to find its root on a profile's hardware.
    ///
    /// # Errors
    /// [`RescueError`]: the kernel is not known or lacks a driver, or a module cannot be read.
    pub fn rescue(&self, profile: Profile) -> Result<Rescue, RescueError> {
        let facts = self.facts();
        let kernel = default_kernel(facts).ok_or(RescueError::NoKernel)?;
        let folder = kernel.modules_folder.as_deref();
        let tree = self.tree();
        let files = Files::new(&*tree);
        let depends = match folder {
            Some(folder) => Depends::read(files, folder)?,
            None => Depends::default(),
        };
        let mut order = depends::Order::new(&depends);
        for module in wanted::modules(facts, profile) {
            match kernel.driver(module.name) {
                DriverState::Builtin { .. } => {}
                DriverState::Module { .. } => order.add(module.name),
                DriverState::Missing { .. } if module.needed => {
                    return Err(RescueError::NoDriver {
                        kernel: kernel.release.clone(),
                        module: module.name,
                    });
                }
                // Of what is known by no name, the kernel knows more than we do.
                DriverState::Missing { .. } | DriverState::Unknown => {
                    order.add(module.name);
                }
            }
        }
        let folder = folder.unwrap_or_default();
        Ok(Rescue {
            kernel: kernel.release.clone(),
            modules: read_all(files, folder, order.finish())?,
        })
    }
}

/// The kernel that starts if nobody chooses another.
fn default_kernel(facts: &crate::facts::Facts) -> Option<&Kernel> {
    let default = facts.boot.default.as_ref()?.index;
    let mut kernels = facts.kernels.iter();
    kernels.find(|kernel| kernel.entries.contains(&default))
}

fn read_all(
    files: Files<'_>,
    folder: &str,
    order: Vec<depends::Ordered>,
) -> Result<Vec<RescueModule>, RescueError> {
    let mut left = MAX_ALL_BYTES;
    let mut modules = Vec::new();
    for ordered in order.into_iter().take(MAX_MODULES) {
        let path = format!("{folder}/{}", ordered.path);
        let limit = MAX_MODULE_BYTES.min(left);
        let bytes = read(files, &path, limit)?;
        left = left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        modules.push(RescueModule {
            name: ordered.name,
            path,
            bytes,
        });
    }
    Ok(modules)
}

/// A module as the kernel takes it: kernels before 5.17 know none that is compressed, and others
/// only where they were built so.
fn read(files: Files<'_>, path: &str, limit: u64) -> Result<Vec<u8>, RescueError> {
    let stored = files.read(path, limit)?;
    let stored = stored.ok_or_else(|| RescueError::NoModule {
        path: path.to_owned(),
    })?;
    if stored.starts_with(b"\x7fELF") {
        return Ok(stored);
    }
    unpack_stream(&stored, limit).map_err(|source| RescueError::Packed {
        path: path.to_owned(),
        source,
    })
}

/// For the exerciser.
pub(crate) fn exercise(bytes: &[u8]) {
    depends::exercise(bytes);
}

#[cfg(test)]
mod tests;

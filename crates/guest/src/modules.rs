//! The kernel modules in an initramfs.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use detente_initramfs::{BlockReader, Limits, walk};

use crate::error::InspectError;
use crate::facts::{InitramfsModules, Place};
use crate::volumes::Volumes;

/// More modules than any kernel has.
const MAX_MODULES: usize = 20_000;

/// The modules of all files together; `None`, with a note, where there is no initramfs.
pub(crate) fn list(
    volumes: &Volumes,
    files: &[Place],
    notes: &mut Vec<String>,
) -> Result<Option<InitramfsModules>, InspectError> {
    let (mut modules, mut entries) = (BTreeSet::new(), 0_u64);
    let mut read_any = false;
    for place in files {
        let Some(fs) = volumes.fs(place.volume) else {
            continue;
        };
        let on = |source| InspectError::on(place.volume, source);
        let reader = BlockReader::new(fs.open(&place.path).map_err(on)?);
        let mut visit = |entry: &detente_initramfs::Entry, _: &mut dyn std::io::Read| {
            entries = entries.saturating_add(1);
            if let Some(name) = module_name(&entry.name)
                && modules.len() < MAX_MODULES
            {
                modules.insert(name);
            }
            ControlFlow::Continue(())
        };
        match walk(reader, &Limits::default(), &mut visit) {
            Ok(_) => read_any = true,
            // A damaged initramfs still has what was read of it.
            Err(error) => notes.push(format!("{place} is not read to its end: {error}")),
        }
    }
    let any = read_any || entries > 0;
    Ok(any.then(|| InitramfsModules {
        modules: modules.into_iter().collect(),
        entries,
    }))
}

/// `virtio_blk` of `…/virtio_blk.ko.xz`; the kernel takes `-` and `_` for the same.
fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    let (name, rest) = file.split_once(".ko")?;
    matches!(rest, "" | ".xz" | ".zst" | ".gz").then(|| name.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_names_lose_folder_ending_and_hyphens() {
        let name = |path| module_name(path);
        assert_eq!(
            name("lib/modules/6.1/kernel/virtio-rng.ko.xz").as_deref(),
            Some("virtio_rng")
        );
        assert_eq!(name("a.ko").as_deref(), Some("a"));
        assert_eq!(name("lib/modules/6.1/modules.dep"), None);
        assert_eq!(name("x.kobject"), None);
    }
}

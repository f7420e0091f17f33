//! The key of a recipe: a digest of everything that decides what is built.
//!
//! The packages themselves are not in it. Images stay as they are until the
//! recipe changes or `target/images` is removed.

use std::fs;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::Workshop;
use super::disk::{ESP_MIB, SIZES};
use super::guest::{Guest, Kind};
use super::kernels::{self, Product};

/// The key of the shared root tree.
pub(crate) fn rootfs() -> anyhow::Result<String> {
    digest(&["packages.txt", "rootfs.sh", "variants"], "")
}

/// The key of one guest.
pub(crate) fn guest(guest: &Guest) -> anyhow::Result<String> {
    let rootfs = rootfs()?;
    let facts = format!("{guest:?} {ESP_MIB} {SIZES:?} {rootfs}");
    match guest.kind {
        Kind::Server { .. } => digest(
            &[
                "guest.sh",
                "grub-probe",
                "grub-mkrelpath",
                "spoil-virtio",
                "overlay",
            ],
            &facts,
        ),
        Kind::Hostile => digest(&["hostile.sh", "hostile"], &facts),
        Kind::Shaped { .. } => shaped(guest.name, &facts),
        Kind::Prepare { .. } => prepare(guest.name, &facts),
    }
}

/// The key of the packages that the guests for `detente prepare` need.
pub(crate) fn prepare_packages() -> anyhow::Result<String> {
    let mut recipes = vec!["prepare/fetch.sh".to_owned()];
    for guest in super::prepare::GUESTS {
        recipes.push(format!("prepare/{}/packages", guest.name));
    }
    recipes.push("prepare/update/packages".to_owned());
    let recipes: Vec<&str> = recipes.iter().map(String::as_str).collect();
    digest(&recipes, &rootfs()?)
}

/// The recipe itself, its files, and what it shares with others.
fn prepare(name: &str, facts: &str) -> anyhow::Result<String> {
    let own = [format!("prepare/{name}.sh"), format!("prepare/{name}")];
    let shared = ["prepare/lib.sh", "grub-probe", "grub-mkrelpath", "overlay"];
    let recipes: Vec<&str> = own.iter().map(String::as_str).chain(shared).collect();
    digest(&recipes, facts)
}

/// The recipe itself, its files, and what all of them share.
fn shaped(name: &str, facts: &str) -> anyhow::Result<String> {
    let own = [format!("shaped/{name}.sh"), format!("shaped/{name}")];
    let shared = ["shaped/lib.sh", "shaped/rpm.sh", "shaped/ndb.pl"];
    let recipes: Vec<&str> = own.iter().map(String::as_str).chain(shared).collect();
    digest(&recipes, facts)
}

/// The key of something that is made of a kernel.
pub(crate) fn product(product: &Product) -> anyhow::Result<String> {
    let facts = format!("{product:?}");
    match product.kind {
        kernels::Kind::Lab => digest(&["lab-kernel.sh"], &facts),
        kernels::Kind::Tiny => digest(&["tiny.sh", "tiny"], &facts),
    }
}

fn digest(recipes: &[&str], facts: &str) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(facts);
    for recipe in recipes {
        add(&mut hasher, &Workshop::recipes().join(recipe), recipe)?;
    }
    Ok(hex(&hasher.finalize()))
}

/// Adds a file, or a folder's files in the order of their names.
fn add(hasher: &mut Sha256, path: &Path, name: &str) -> anyhow::Result<()> {
    if path.is_symlink() {
        let target =
            fs::read_link(path).with_context(|| format!("cannot read {}", path.display()))?;
        hasher.update(format!("\n{name} -> {}\n", target.display()));
        return Ok(());
    }
    if !path.is_dir() {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        hasher.update(format!("\n{name} {}\n", content.len()));
        hasher.update(content);
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    names
        .iter()
        .try_for_each(|child| add(hasher, &path.join(child), &format!("{name}/{child}")))
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::guest::GUESTS;
    use super::super::prepare;

    #[test]
    fn every_guest_has_a_key_of_its_own_that_stays() {
        let keys = || -> Vec<String> {
            let guests = GUESTS.iter().chain(prepare::GUESTS);
            guests.map(|guest| super::guest(guest).unwrap()).collect()
        };
        assert_eq!(keys(), keys());
        let distinct: std::collections::BTreeSet<_> = keys().into_iter().collect();
        assert_eq!(distinct.len(), GUESTS.len() + prepare::GUESTS.len());
    }
}

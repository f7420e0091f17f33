//! What several families ask: modules before and after the root is mounted.

use crate::check::entry::{BootEntry, Reach};
use crate::check::{Looked, Proof, View};
use crate::facts::DriverState;

/// What a rule says when no kernel is known.
pub(super) const NO_ENTRY: &str = "which kernel starts is not known";

/// A module that the initramfs of the entry that starts does not have, though its kernel does.
pub(super) fn absent_by_default(view: &View<'_>, module: &str) -> Looked {
    match view.default_entry() {
        Some(entry) => absent(entry, module),
        None => Looked::gap(NO_ENTRY),
    }
}

/// The same for the other entries.
pub(super) fn absent_elsewhere(view: &View<'_>, modules: &[&str]) -> Looked {
    let mut looked = Looked::fine();
    let default = view.default_entry();
    // A recovery entry loads what the first one loads: nothing is to be said of it again.
    let same = |entry: &&BootEntry<'_>| default.is_some_and(|own| own.images == entry.images);
    for entry in view.other_entries().filter(|entry| !same(entry)) {
        for module in modules {
            looked = looked.and(absent(entry, module));
        }
    }
    // Several entries may share an initramfs.
    looked.proofs.sort();
    looked.proofs.dedup();
    looked.gaps.sort();
    looked.gaps.dedup();
    looked
}

/// The same for one entry.
pub(super) fn absent(entry: &BootEntry<'_>, module: &str) -> Looked {
    match entry.reach(module) {
        Reach::Reached | Reach::NoInitramfs | Reach::NoDriver(_) => Looked::fine(),
        Reach::Absent(proofs) => Looked::found(proofs),
        Reach::Unknown(why) => Looked::gap(why),
    }
}

/// Drivers that the kernel that starts does not have, in whatever form.
pub(super) fn no_driver(view: &View<'_>, modules: &[&str]) -> Looked {
    let Some(entry) = view.default_entry() else {
        return Looked::gap(NO_ENTRY);
    };
    let mut looked = Looked::fine();
    for module in modules {
        looked = looked.and(match entry.driver(module) {
            DriverState::Missing { searched } => Looked::found([missing(entry, module, &searched)]),
            DriverState::Unknown if !entry.holds(module) => Looked::gap(format!(
                "nothing says whether kernel {} has {module}",
                entry.name()
            )),
            DriverState::Builtin { .. } | DriverState::Module { .. } | DriverState::Unknown => {
                Looked::fine()
            }
        });
    }
    looked
}

fn missing(entry: &BootEntry<'_>, module: &str, searched: &[String]) -> Proof {
    let proof = Proof::words(format!("kernel {} has no {module}", entry.name())).key(module);
    match searched.first() {
        Some(file) => proof.file(file),
        None => proof,
    }
}

/// The arguments of these names, as they are given to the kernel that starts.
pub(super) fn arguments_named(view: &View<'_>, names: &[&str]) -> Looked {
    if view.default_entry().is_none() {
        return Looked::gap(NO_ENTRY);
    }
    let given = view.arguments();
    let named = given
        .iter()
        .filter(|own| names.contains(&own.name.as_str()));
    Looked::found(named.map(|own| own.proof(view)))
}

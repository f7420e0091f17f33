//! Whole disks for the tests: an EFI system partition and a root.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend};
use detente_samples::{Label, Partition, Tree, can_make_uefi_disks};

/// The files of a sound guest; `None` if a tool is missing: then `test` is named.
pub(crate) fn sound(test: &str) -> Option<Tree> {
    can_make_uefi_disks(test).then(Tree::debian)
}

/// A disk with this root.
pub(crate) fn disk(tree: &Tree) -> Arc<dyn BlockRead> {
    with_root(tree.ext4(24))
}

/// A disk whose second partition begins with these bytes.
pub(crate) fn with_root(content: Vec<u8>) -> Arc<dyn BlockRead> {
    let root = Partition {
        kind: "linux",
        content,
        mib: 24,
    };
    let bytes = detente_samples::disk(Label::Gpt, &[detente_samples::esp(), root]);
    Arc::new(MemoryBackend::new(bytes))
}

/// For messages: which file of the repository this is about.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

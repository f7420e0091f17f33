//! The guests that behave badly: small disks made of a kernel and a script.

use std::path::Path;

use super::disk;
use super::guest::Guest;

/// Fills a hostile guest's disk; its kernel comes from the shared root tree.
pub(crate) fn fill(rootfs: &Path, work: &Path, raw: &Path, guest: &Guest) -> anyhow::Result<()> {
    disk::script("hostile.sh", rootfs, work, raw, guest)
        .env("NAME", guest.name)
        .run_quietly("")
}

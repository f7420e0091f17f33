//! Reads sample disks through the public interface.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod assembly;
mod btrfs;
mod content;
mod ext4;
mod fat;
mod features;
mod iso;
mod luks;
mod support;
mod table;
mod xfs;
mod xfs_spoiled;

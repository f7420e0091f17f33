//! Small guests for tests: made on the spot by the usual tools, enough to be read, never booted.
//!
//! For `dev-dependencies` alone: everything here panics where a tool fails, and says aloud what
//! is skipped where one is missing. Nothing here knows our readers, so that what they read comes
//! from somebody else.
//!
//! ```
//! use detente_samples::{Tree, program};
//!
//! let aarch64 = Tree::debian().file("sbin/init", &program(183));
//! if detente_samples::can_make_ext4("an_example") {
//!     assert_eq!(aarch64.ext4(8).len(), 8 << 20);
//! }
//! ```
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says aloud what it skips"
)]

mod disk;
mod harm;
mod heads;
mod numbers;
mod seeds;
mod tool;
mod tree;

pub use disk::{Label, Partition, disk, esp};
pub use harm::{MOST, harmless, took_at_most_kib};
pub use heads::{initramfs, kernel, luks, program};
pub use numbers::{Numbers, spoil};
pub use seeds::Seeds;
pub use tool::{can_make_disks, can_make_ext4, can_make_uefi_disks, can_use, run, tool};
pub use tree::{ROOT, Tree};

//! The package databases of Linux guests: what is installed, without running anything of it.
//!
//! RPM's headers in all three of its stores (sqlite, ndb, Berkeley DB), dpkg's `status`, apk's
//! `installed`, pacman's `desc`; and which of two versions is newer by the rules of each. Databases
//! of hundreds of megabytes are read by position, in order, and never held: a reader uses 5 MiB at
//! most ([`MAX_PAGES`], [`MAX_PACKAGES`] and [`MAX_TEXT_BYTES`] bound its work). Nothing is verified
//! that a package manager signs or sums up.
//!
//! Sources: \[RPM\] its manual, "Package format" and "Tags"; \[SQLite\] "Database File Format";
//! \[NDB\] and \[BDB\] what their modules name; deb-control(5), deb-version(7), rpm-version(7),
//! apk-package(5), vercmp(8).
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use detente_block::MemoryBackend;
//! use detente_packages::{VersionScheme, each_dpkg};
//!
//! let status = "Package: hyperv-daemons\nStatus: install ok installed\n\
//!               Version: 6.1.112-1\nArchitecture: amd64\n";
//! let mut seen = Vec::new();
//! each_dpkg(&MemoryBackend::new(status.into()), &mut |package| {
//!     seen.extend(package);
//!     ControlFlow::Continue(())
//! })?;
//!
//! assert_eq!(seen[0].to_string(), "hyperv-daemons 6.1.112-1 amd64");
//! assert!(VersionScheme::Dpkg.compare(&seen[0].full_version(), "6.1.99-1").is_gt());
//! # Ok::<(), detente_packages::DatabaseError>(())
//! ```

#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod apk;
mod bdb;
mod dpkg;
mod error;
mod exercise;
mod fields;
mod header;
mod limits;
mod lines;
mod ndb;
mod package;
mod pacman;
mod record;
mod rpm;
mod sqlite;
mod text;
mod version;
mod windows;

pub use apk::each_apk;
pub use dpkg::each_dpkg;
pub use error::{Corruption, DatabaseError, Limit, Unsupported};
#[doc(hidden)]
pub use exercise::exercise;
pub use limits::{MAX_PACKAGES, MAX_PAGES, MAX_TEXT_BYTES};
pub use package::{Package, State};
pub use pacman::read_pacman;
pub use rpm::{RpmDatabase, RpmStore, Visitor, count_rpm, each_rpm};
pub use version::VersionScheme;

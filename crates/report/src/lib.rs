//! What people read of a run: one self-contained page, TAP, the differences from an earlier run,
//! and what the words in them mean.
//!
//! Everything that a guest or a folder says is hostile: names are looked up in the manifest and
//! nowhere else, text is cleaned and cut, pictures are bounded, and the page allows no script and
//! no reference to anything outside it.
//!
//! ```
//! use detente_evidence::Outcome;
//! use detente_report::words;
//!
//! let explained = words::outcome(Outcome::NotRun);
//! assert_eq!(explained.word, "not_run");
//! assert_eq!(words::find("NOT_RUN"), [explained]);
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod console;
mod difference;
mod document;
mod folder;
mod page;
mod picture;
mod tap;
mod text;
mod timeline;
pub mod words;

pub use detente_evidence::{Coverage, Hardware, System, coverage};
pub use difference::{CaseChange, Differences, MeasurementChange, SettingChange, differences};
pub use document::ReportDocument;
pub use folder::{Change, Folder, OpenError, Opened, open};
pub use page::{RenderError, html};
pub use tap::tap;

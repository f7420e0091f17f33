//! What vendors say of guests on platforms: statements as data, each with its source.
//!
//! [`support()`] answers for a guest release and a platform. It repeats documents and judges nothing:
//! what no document says is [`SupportStatus::Unknown`], never *unsupported*. It is about support,
//! not about readiness, and takes no part in either. Time is that of the data (`asOf`), not today.
//!
//! ```
//! use detente_program::{Guest, SupportStatus, platform, support};
//!
//! let guest = Guest::linux("rhel", "9.4");
//! let host = platform("ws2022").expect("it is in the facts");
//! let support = support(&guest, host);
//! assert_eq!(support.status, SupportStatus::SupportedWithConditions);
//! assert!(support.statements.iter().all(|own| !own.sources.is_empty()));
//! ```
#![forbid(unsafe_code)]

mod data;
mod hyperv;
mod kvm;
mod lifecycle;
mod platform;
mod release;
mod support;
mod windows;

pub use data::DOCUMENTS;
pub use lifecycle::name as guest_name;
pub use platform::{Platform, PlatformKind, platform, platforms};
pub use release::Guest;
pub use support::{Source, Statement, Support, SupportStatus, support};

//! The messages that guest and bus exchange.

mod version;

pub use version::Version;

//! Would this guest run over there: rules over [`Facts`](crate::Facts), and what they find.
//!
//! [`check`] reads no image: whatever it says is proved by facts that were gathered before. A rule
//! is data ([`Rule`]); the table of all of them is [`rules()`]. What the facts do not tell (the
//! contents of an initramfs, say) is *not looked at*, and never ready.
//!
//! Readiness is what can be known without booting. It is neither a validation (what was seen while
//! running) nor anybody's support.

mod aspect;
mod command_line;
mod disk_name;
mod engine;
mod entry;
mod finding;
mod network_name;
mod profile;
mod readiness;
mod rule;
mod rules;
#[cfg(test)]
mod tests;
mod unread;
mod view;

pub use aspect::{Aspect, State};
pub(crate) use disk_name::DiskName;
pub use engine::check;
pub use finding::{Finding, Gap, Proof};
pub use profile::{LeftOut, Profile, UnknownProfile, fitting};
pub use readiness::{AspectState, Boots, ProfileReadiness, Readiness};
pub use rule::{Basis, By, Looked, Rule, Severity};
pub use rules::{rule, rules};
pub use unread::check_unread;
pub use view::View;

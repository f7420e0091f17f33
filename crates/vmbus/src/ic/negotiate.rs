//! The negotiation: what the host offers, and what the guest picks.
//!
//! The body counts framework and message versions (16 bits each, then 32 reserved), and lists them,
//! frameworks first. The guest answers in the same place with counts of one and its choice, or with
//! counts of zero when it knows none; its answer says a body of 16 bytes, whatever follows.

use std::fmt;

use super::fields::u16_at;
use super::header::{IcVersion, Malformed};

/// The versions of the framework: Windows Server 2012 and later, and 2008.
pub(super) const FRAMEWORKS: &[IcVersion] = &[IcVersion::new(3, 0), IcVersion::new(1, 0)];

/// Where the list of versions starts.
const LIST_AT: usize = 8;

/// What host and guest agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Of the framework that all components share.
    pub framework: IcVersion,
    /// Of this component's messages.
    pub message: IcVersion,
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (framework {})", self.message, self.framework)
    }
}

/// The body of the question.
pub(super) fn question(messages: &[IcVersion]) -> Vec<u8> {
    let count = |versions: &[IcVersion]| {
        u16::try_from(versions.len())
            .expect("a component has a handful of versions")
            .to_le_bytes()
    };
    let mut body = Vec::new();
    body.extend_from_slice(&count(FRAMEWORKS));
    body.extend_from_slice(&count(messages));
    body.extend_from_slice(&[0; 4]);
    for version in FRAMEWORKS.iter().chain(messages) {
        body.extend_from_slice(&version.to_bytes());
    }
    body
}

/// What the guest picked, or `None` when it knows none of them.
pub(super) fn choice(body: &[u8], messages: &[IcVersion]) -> Result<Option<Versions>, Malformed> {
    let counts = u16_at(body, 0).zip(u16_at(body, 2));
    let (frameworks, named) = counts.ok_or(Malformed::NoVersions)?;
    match (frameworks, named) {
        (0, 0) => return Ok(None),
        (1, 1) => {}
        _ => {
            return Err(Malformed::VersionCount {
                frameworks,
                messages: named,
            });
        }
    }
    let list = body.get(LIST_AT..).ok_or(Malformed::NoVersions)?;
    let pick = |at: usize, offered: &[IcVersion]| {
        let chosen = IcVersion::at(list, at).ok_or(Malformed::NoVersions)?;
        if offered.contains(&chosen) {
            Ok(chosen)
        } else {
            Err(Malformed::NotOffered { chosen })
        }
    };
    Ok(Some(Versions {
        framework: pick(0, FRAMEWORKS)?,
        message: pick(4, messages)?,
    }))
}

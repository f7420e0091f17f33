//! Dependencies point down: `block` ← `formats` ← `engines` ← `validation` and
//! `service` ← `cli`. Within a tier only the edges that the design names.

use super::Finding;
use super::workspace::{Crate, Workspace};

/// A tier, by how far up it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tier {
    Block,
    Formats,
    Engines,
    Validation,
    Service,
    Cli,
    Xtask,
}

/// The edges between neighbours that the design allows, user first.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("detente-hyperv", "detente-vmbus"),
    ("detente-agent", "detente-plan"),
    ("detente-host", "detente-plan"),
    ("detente-validate", "detente-plan"),
    ("detente-validate", "detente-host"),
    ("detente-store", "detente-program"),
    ("detente-server", "detente-program"),
    ("detente-server", "detente-store"),
];

impl Tier {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "block" => Self::Block,
            "formats" => Self::Formats,
            "engines" => Self::Engines,
            "validation" => Self::Validation,
            "service" => Self::Service,
            "cli" => Self::Cli,
            "xtask" => Self::Xtask,
            _ => return None,
        })
    }

    /// Validation and service are side by side; xtask is apart from all.
    fn height(self) -> Option<u8> {
        match self {
            Self::Block => Some(0),
            Self::Formats => Some(1),
            Self::Engines => Some(2),
            Self::Validation | Self::Service => Some(3),
            Self::Cli => Some(4),
            Self::Xtask => None,
        }
    }

    fn may_use(self, other: Self) -> bool {
        matches!((self.height(), other.height()), (Some(own), Some(others)) if own > others)
    }
}

/// Finds crates without a tier and edges that point up or across.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace
        .crates
        .iter()
        .flat_map(|user| check_crate(workspace, user))
        .collect()
}

fn check_crate(workspace: &Workspace, user: &Crate) -> Vec<Finding> {
    let Some(tier) = tier(user) else {
        let name = &user.name;
        return vec![Finding::Broken(format!(
            "{name} states no tier in [package.metadata.detente], or an unknown one"
        ))];
    };
    let used = workspace
        .crates
        .iter()
        .filter(|candidate| user.dependencies.contains(&candidate.name));
    used.filter_map(|used| {
        let below = self::tier(used)?;
        let neighbours =
            NEIGHBOURS.contains(&(user.name.as_str(), used.name.as_str())) && tier == below;
        (!neighbours && !tier.may_use(below)).then(|| {
            Finding::Broken(format!(
                "{} ({tier:?}) depends on {} ({below:?}): edges point down only",
                user.name, used.name
            ))
        })
    })
    .collect()
}

fn tier(named: &Crate) -> Option<Tier> {
    Tier::parse(named.tier.as_deref()?)
}

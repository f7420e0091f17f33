//! The hosts, looked for when they are wanted.

use detente_host::Host;
use detente_host::local::AccelerationChoice;
use detente_machine::Profile;
use detente_validate::Column;
use detente_validate::prepare::HostFinder;

use crate::commands::validate::hosts::Hosts;
use crate::failure::Failure;

/// Hosts that were found.
pub(super) struct Found(Hosts);

impl Found {
    /// None yet.
    pub(super) fn new(choice: AccelerationChoice) -> Self {
        Self(Hosts::none(choice))
    }

    /// The profile with its host.
    pub(super) fn column(&self, profile: Profile) -> Result<Column<'_>, Failure> {
        self.0.column(profile)
    }
}

impl HostFinder for Found {
    fn find(&self, profile: Profile) -> Result<&dyn Host, String> {
        let column = self.0.column(profile);
        column
            .map(|column| column.host)
            .map_err(|failure| format!("{:#}", failure.error))
    }
}

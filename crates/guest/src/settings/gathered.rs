//! All facts that are read from the configuration of a guest.

use detente_volume::FsError;

use super::arguments::Arguments;
use crate::facts::{Network, Security, Services, StorageConfig, Time};
use crate::files::Files;
use crate::services::{self, units::Units};
use crate::{network, security, storage_config, time};

/// The facts of the configuration.
pub(crate) struct Gathered {
    pub(crate) network: Network,
    pub(crate) time: Time,
    pub(crate) services: Services,
    pub(crate) security: Security,
    pub(crate) storage: StorageConfig,
}

impl Gathered {
    /// Reads them. What cannot be understood becomes a note.
    pub(crate) fn from(
        files: Files<'_>,
        arguments: &Arguments,
        notes: &mut Vec<String>,
    ) -> Result<Self, FsError> {
        let units = Units::read(files)?;
        Ok(Self {
            network: network::gather(files, arguments, notes)?,
            time: time::gather(files, &units)?,
            services: services::gather(files, &units, arguments, notes)?,
            security: security::gather(files, arguments)?,
            storage: storage_config::gather(files, arguments)?,
        })
    }
}

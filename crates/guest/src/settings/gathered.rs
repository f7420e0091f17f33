//! All facts that are read from the configuration of a guest.

use detente_volume::FsError;

use super::arguments::Arguments;
use crate::facts::{Network, Security, Services, StorageConfig, Time};
use crate::files::Files;
use crate::network;

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
        Ok(Self {
            network: network::gather(files, arguments, notes)?,
            time: Time::default(),
            services: Services::default(),
            security: Security::default(),
            storage: StorageConfig::default(),
        })
    }
}

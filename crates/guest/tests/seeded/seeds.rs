//! The seeds, a family a file.

pub(crate) mod arguments;
pub(crate) mod chain;
pub(crate) mod disks;
pub(crate) mod drivers;
pub(crate) mod firmware;
pub(crate) mod initramfs;
pub(crate) mod network;
pub(crate) mod refused;
pub(crate) mod secure_boot;
pub(crate) mod services;
pub(crate) mod volumes;

use crate::seed::Seed;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Seed> {
    [
        chain::SEEDS,
        drivers::SEEDS,
        initramfs::SEEDS,
        refused::SEEDS,
        disks::SEEDS,
        volumes::SEEDS,
        network::SEEDS,
        firmware::SEEDS,
        secure_boot::SEEDS,
        arguments::SEEDS,
        services::SEEDS,
    ]
    .into_iter()
    .flatten()
}

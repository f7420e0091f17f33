//! Cases that change the machine while it runs: devices come, grow and go, and time stands still.

mod cards;
mod disks;
mod extras;
mod file;
mod guest_agent;
pub(super) mod operating;
mod pause;
mod sizes;
mod state;

pub(crate) use extras::extras;

pub(super) use cards::{cable, hot_card};
pub(super) use disks::{discarded_disk, growing_disk, hot_disk, read_only_disk};
pub(super) use guest_agent::{alive, facts};
pub(super) use pause::pause;
pub(super) use sizes::{balloon, memory, processor};
pub(super) use state::{restored, snapshot};

//! Preparing a guest for other hardware: its own tools do it, inside it, on an overlay that becomes
//! the output.
//!
//! [`carry_out()`] boots the guest on hardware that it supports by `check`, has the agent do a plan's
//! steps, turns it off, looks at the result, copies it and gives it its name. The journal is whole
//! beside it before that. [`undo()`] takes the changes back by a boot of the same kind.
//!
//! The preparing boot starts no more of the guest than its tools need: every local file system is
//! mounted, and no service runs.

mod attempt;
mod background;
mod boot;
mod carry_out;
mod disks;
mod error;
mod files;
mod hardware;
mod initramfs_environment;
mod jobs;
mod machines;
mod names;
mod observer;
mod outcome;
mod outputs;
mod publish;
mod quick_boot;
mod request;
mod result;
mod shutdown;
mod steps;
mod talk;
mod tree;
mod undo;
mod work;

pub use carry_out::carry_out;
pub use error::{PrepareError, Tried};
pub use observer::{PrepareEvent, PrepareObserver};
pub use outcome::{
    Action, Difference, Differences, DiskMade, How, MachineUsed, PrepareOutcome, RESULT_SCHEMA,
    StillBroken, Took,
};
pub use publish::{SettleError, Settled};
pub use request::{
    Destination, HostFinder, OnBootFailure, PrepareRequest, Surroundings, UndoRequest,
};
pub use undo::{read_journal, undo};
pub use work::settle_folder;

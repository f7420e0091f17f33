//! What comes, goes or changes while the guest runs: disks, cards, processors, memory, time.

use serde::{Deserialize, Serialize};

/// Looks for a disk by its serial number, and does something with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseDisk {
    /// The serial number.
    pub serial: String,
    /// How long what is waited for may take.
    pub wait_ms: u64,
    /// What to do.
    pub step: DiskStep,
}

/// What is done with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum DiskStep {
    /// Wait until it is there, write from its start on, sync, and read back past the cache. There is
    /// no partition: the whole disk is used.
    Write {
        /// How much.
        bytes: u64,
        /// Seeds the content.
        seed: u64,
    },
    /// Wait until it is there and so long, and read from its start on.
    Read {
        /// How much.
        bytes: u64,
        /// The least length that is waited for.
        at_least_bytes: u64,
    },
    /// Wait until it is there, try to write its first page, and read from its start on.
    TryToWrite {
        /// How much is read.
        bytes: u64,
    },
    /// Tell it that nothing on it is needed any more (`BLKDISCARD`).
    Discard,
    /// Wait until it is gone.
    AwaitGone,
}

/// What came of [`UseDisk`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUsed {
    /// The disk, `vdb`; `None` if there was none to the end.
    pub disk: Option<String>,
    /// Its length.
    pub len_bytes: u64,
    /// Whether the kernel calls it read-only.
    pub read_only: bool,
    /// How long was waited for it: to come, to be long enough, to go.
    pub waited_ms: u64,
    /// SHA-256 of what was written, hex.
    pub written_sha256: Option<String>,
    /// SHA-256 of what was read, hex.
    pub read_sha256: Option<String>,
    /// Why a write, or a discard, was refused, if it was.
    pub refused: Option<String>,
}

/// Waits for a network card's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitCard {
    /// The card, `52:54:00:…`.
    pub mac: String,
    /// The state.
    pub state: CardState,
    /// How long it may take.
    pub wait_ms: u64,
}

/// A state of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardState {
    /// It has an interface with a driver, which was brought up where the guest did not, and a
    /// carrier.
    Up,
    /// Its carrier is there.
    Carrier,
    /// Its carrier is not.
    NoCarrier,
    /// It is not there.
    Gone,
}

/// What was seen of a card at last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its interface, `None` if there is none.
    pub interface: Option<String>,
    /// Its driver, `_` for `-`.
    pub driver: String,
    /// Whether it has a carrier; `None` where the kernel does not say, as for an interface that is
    /// down.
    pub carrier: Option<bool>,
    /// Whether the state came that was waited for.
    pub came: bool,
    /// How long it took, or was waited.
    pub waited_ms: u64,
}

/// Processors, after some were waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorsGrown {
    /// Processors that the kernel knows, at last.
    pub present: u32,
    /// Those that run.
    pub online: u32,
    /// Those that the guest left to be brought up, and the agent did.
    pub brought_up: Vec<u32>,
    /// New ones that the agent has itself run on.
    pub ran_on: Vec<u32>,
    /// How far the wall clock moved against the time since boot, in milliseconds.
    pub clock_shift_ms: i64,
    /// Whether a clock ever went backwards.
    pub backwards: bool,
    /// How long was waited.
    pub waited_ms: u64,
}

/// Memory, after more was waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryGrown {
    /// `MemTotal`, in bytes.
    pub total_bytes: u64,
    /// Blocks that the guest left to be brought up, and the agent did.
    pub brought_up: u32,
    /// Whether enough came.
    pub came: bool,
    /// How long was waited.
    pub waited_ms: u64,
}

/// What the guest's clocks say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestClock {
    /// The wall clock, since 1970.
    pub wall_ms: i64,
    /// `CLOCK_MONOTONIC`.
    pub monotonic_ms: u64,
    /// Programs that keep the clock right and run: `chronyd`, `systemd-timesyncd`.
    pub keepers: Vec<String>,
}

/// A watchdog that was started and is not fed any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watchdog {
    /// What it calls itself; `None` if there is none.
    pub identity: Option<String>,
    /// How long it waits to be fed.
    pub timeout_s: u32,
}

/// Numbered records, found again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsRead {
    /// The disk, `None` if there was none.
    pub disk: Option<String>,
    /// How many records from the first on are whole.
    pub whole_from_first: u64,
}

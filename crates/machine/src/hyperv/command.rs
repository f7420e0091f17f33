//! What the host asks of the machine.

use serde::{Deserialize, Serialize};

use super::config::{Controller, DiskConfig, MachineConfig};

/// A command with the number that its answer repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Chosen by the host.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub command: Command,
}

/// What the host asks. Each is answered by one [`Event::Answered`](super::Event::Answered).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Make the machine and let it run; once, and first.
    Start {
        /// The version of the protocol that the host speaks.
        protocol: u32,
        /// The machine.
        config: Box<MachineConfig>,
    },
    /// Ask the guest to power itself off, through its shutdown service.
    PowerOff,
    /// Ask the guest to restart itself.
    Restart,
    /// Say how things are.
    Status,
    /// Add a disk to the SCSI controller.
    AddDisk {
        /// The disk.
        disk: DiskConfig,
    },
    /// Take a disk away.
    RemoveDisk {
        /// What it hangs on.
        controller: Controller,
        /// Its number there.
        lun: u8,
    },
    /// The file behind a disk has another length now.
    ResizeDisk {
        /// What it hangs on.
        controller: Controller,
        /// Its number there.
        lun: u8,
        /// The new length.
        len_bytes: u64,
    },
    /// Ask the guest's daemon for, or tell it, key-value pairs.
    Kvp {
        /// What.
        request: KvpRequest,
    },
    /// Freeze the guest's file systems, through its daemon.
    Freeze,
    /// Thaw them.
    Thaw,
    /// Tell the guest the time, and that it is to take it.
    SyncTime,
    /// Type on the keyboard (US layout).
    Type {
        /// The text; `\n` is Enter.
        text: String,
    },
    /// End the machine however it is, and leave.
    Quit,
}

/// What is asked of the guest's key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum KvpRequest {
    /// The value of a key.
    Get {
        /// The pool: 0 external, 1 guest, 2 auto, 3 auto external, 4 auto internal.
        pool: u8,
        /// The key.
        key: String,
    },
    /// Set a key.
    Set {
        /// The pool.
        pool: u8,
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// Take a key away.
    Delete {
        /// The pool.
        pool: u8,
        /// The key.
        key: String,
    },
    /// Every key of a pool.
    Enumerate {
        /// The pool.
        pool: u8,
    },
}

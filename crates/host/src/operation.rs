//! What can be done to a machine while it runs, beside its power button.

use std::path::PathBuf;

/// Something done to a running machine from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Stand still; the guest's time does too.
    Pause,
    /// Go on.
    Resume,
    /// Press the reset button.
    Reset,
    /// Send a non-maskable interrupt.
    InjectNmi,
    /// Press Ctrl, Alt and Delete on the keyboard.
    PressCtrlAltDelete,
    /// Keep the whole state of the machine, memory and its first disks, in their overlays. Disks
    /// that were plugged in are left out.
    SaveState {
        /// How many disks.
        disks: usize,
    },
    /// Go back to the state that was kept, and let go of it.
    RestoreState {
        /// How many disks were kept.
        disks: usize,
    },
    /// Plug the network card's cable in or out.
    SetLink {
        /// Whether it is in.
        up: bool,
    },
    /// Plug a disk into an empty slot.
    PlugDisk {
        /// What it is called from now on.
        name: String,
        /// Where its bytes are.
        source: DiskSource,
        /// Whether the guest may only read it.
        read_only: bool,
        /// Whether the file gives back what the guest discards.
        discards: bool,
        /// The serial number that the guest sees.
        serial: String,
        /// The slot, from 0.
        slot: u8,
    },
    /// Make a plugged-in disk longer.
    GrowDisk {
        /// Its name.
        name: String,
        /// The new length.
        bytes: u64,
    },
    /// Take a plugged-in disk away. [`Removed`](crate::MachineEvent::Removed) tells when the guest
    /// let go of it; then [`Operation::ForgetDisk`].
    UnplugDisk {
        /// Its name.
        name: String,
    },
    /// Close the file of a disk that was taken away.
    ForgetDisk {
        /// Its name.
        name: String,
    },
    /// Plug a network card into an empty slot. Nothing answers behind it.
    PlugCard {
        /// What it is called from now on.
        name: String,
        /// Its hardware address.
        mac: [u8; 6],
        /// The slot, from 0.
        slot: u8,
    },
    /// Take a plugged-in card away; told by [`Removed`](crate::MachineEvent::Removed).
    UnplugCard {
        /// Its name.
        name: String,
    },
    /// Plug in a processor.
    PlugProcessor,
    /// Plug in memory.
    PlugMemory {
        /// How much; a multiple of 128.
        mib: u64,
    },
    /// Ask the guest, through its balloon, to live with so much memory.
    SetMemory {
        /// How much.
        mib: u64,
    },
    /// Say how much memory the balloon leaves the guest.
    ReadMemory,
    /// Say how much of a plugged-in disk's file is really stored.
    ReadStored {
        /// Its name.
        name: String,
    },
    /// From now on writes of a disk of the machine go into a new overlay; what is below stays as it
    /// is.
    Snapshot {
        /// The disk, counted from 0.
        disk: usize,
        /// An empty qcow2 overlay above nothing, of the disk's length.
        overlay: PathBuf,
    },
}

/// Where the bytes of a disk are that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskSource {
    /// In a raw file.
    File(PathBuf),
    /// With a server of NBD, at this Unix socket.
    Socket(PathBuf),
}

/// What came of an [`Operation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operated {
    /// It was done, or begun where an event tells the end.
    Done,
    /// The answer to a question for bytes.
    Bytes(u64),
}

//! What single test cases want beside a profile's own hardware.

use crate::Firmware;

/// Devices and room beside a profile's own. The default is none: the machine of the profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// Empty PCI Express slots, where devices can be plugged in while the machine runs.
    pub slots: u8,
    /// Whether there is a virtio memory balloon.
    pub balloon: bool,
    /// Whether there is a watchdog (i6300ESB); when it is not fed, the machine is reset.
    pub watchdog: bool,
    /// Whether there is a port for the QEMU guest agent, where the profile has virtio-serial.
    pub guest_agent: bool,
    /// Empty sockets, where processors can be plugged in.
    pub empty_sockets: u32,
    /// How much memory can be plugged in, in MiB.
    pub pluggable_memory_mib: u64,
    /// What a reset does.
    pub on_reset: OnReset,
    /// What starts the kernel; where it is no direct boot, nothing is looked for in
    /// [`DirectBoot`](crate::DirectBoot).
    pub firmware: Firmware,
    /// What the machine only says that it has done (a fault).
    pub pretended: PretendedSet,
}

/// What a machine does when it is reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnReset {
    /// It ends, and tells: a guest that resets for ever must not run for ever.
    #[default]
    Ends,
    /// It starts again.
    Restarts,
}

/// Something that a machine says it has done, and has not: a fault that the guest cannot see, so
/// that only who looks finds it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pretended {
    /// A disk is taken away.
    UnpluggedDisk,
    /// A disk has grown.
    GrownDisk,
    /// What the guest discards of a disk is given back.
    Discarding,
    /// The guest may only read a disk.
    ReadOnly,
    /// A card is plugged in.
    PluggedCard,
    /// The cable is out.
    Link,
    /// A processor is plugged in.
    PluggedProcessor,
    /// Memory is plugged in.
    PluggedMemory,
    /// The balloon has another size.
    Balloon,
    /// The machine stands still.
    Pause,
    /// A snapshot is taken.
    Snapshot,
    /// The machine goes back to a state that was kept.
    Restored,
    /// The machine is reset.
    Reset,
    /// What the guest flushes is durable: told to whoever serves its disks.
    Flush,
    /// The watchdog resets the machine.
    Watchdog,
    /// There is a device that a panic is told to.
    PanicDevice,
    /// The firmware starts whatever boot loader the disk has.
    AnyBootLoader,
    /// The firmware enforces Secure Boot.
    SecureBoot,
    /// The firmware trusts a stranger alone.
    StrangerAlone,
    /// Frames beyond the usual length are carried.
    LongFrames,
    /// The machine has a UUID.
    Uuid,
    /// Memory keeps what is written: the agent is told to flip a bit.
    Memory,
    /// The disk keeps what is written: the agent is told to overwrite a part.
    DiskContent,
    /// A port carries what is sent: who sends flips a bit.
    PortContent,
    /// Support data arrives as it was sent: who receives it flips a bit.
    SupportData,
}

impl Pretended {
    fn bit(self) -> u32 {
        match self {
            Self::UnpluggedDisk => 1 << 0,
            Self::GrownDisk => 1 << 1,
            Self::Discarding => 1 << 2,
            Self::ReadOnly => 1 << 3,
            Self::PluggedCard => 1 << 4,
            Self::Link => 1 << 5,
            Self::PluggedProcessor => 1 << 6,
            Self::PluggedMemory => 1 << 7,
            Self::Balloon => 1 << 8,
            Self::Pause => 1 << 9,
            Self::Snapshot => 1 << 10,
            Self::Restored => 1 << 11,
            Self::Reset => 1 << 12,
            Self::Flush => 1 << 13,
            Self::Watchdog => 1 << 14,
            Self::PanicDevice => 1 << 15,
            Self::AnyBootLoader => 1 << 16,
            Self::SecureBoot => 1 << 17,
            Self::StrangerAlone => 1 << 18,
            Self::LongFrames => 1 << 19,
            Self::Uuid => 1 << 20,
            Self::Memory => 1 << 21,
            Self::DiskContent => 1 << 22,
            Self::PortContent => 1 << 23,
            Self::SupportData => 1 << 24,
        }
    }
}

/// Several of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PretendedSet(u32);

impl PretendedSet {
    /// Adds one.
    pub fn insert(&mut self, pretended: Pretended) {
        self.0 |= pretended.bit();
    }

    /// Whether one is among them.
    #[must_use]
    pub fn contains(self, pretended: Pretended) -> bool {
        self.0 & pretended.bit() != 0
    }
}

//! What single test cases want beside a profile's own hardware.

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
    /// What the machine only says that it has done (a fault).
    pub pretended: Option<Pretended>,
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
    /// A disk is plugged in.
    PluggedDisk,
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
}

//! Enumerations of the cmdlets', with the numbers that they have there.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lenient::{NameOrNumber, host_enum};

/// What a machine does (`VMState`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It runs: 2.
    Running,
    /// It is off: 3.
    Off,
    /// Its state is on disk: 6.
    Saved,
    /// It stands still: 9.
    Paused,
    /// Something else, most of it on the way from one to another.
    Other(String),
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Running => "Running",
            Self::Off => "Off",
            Self::Saved => "Saved",
            Self::Paused => "Paused",
            Self::Other(name) => name,
        })
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match NameOrNumber::deserialize(deserializer)? {
            NameOrNumber::Number(2) => Self::Running,
            NameOrNumber::Number(3) => Self::Off,
            NameOrNumber::Number(6) => Self::Saved,
            NameOrNumber::Number(9) => Self::Paused,
            NameOrNumber::Number(number) => Self::Other(number.to_string()),
            NameOrNumber::Name(name) => match name.as_str() {
                "Running" => Self::Running,
                "Off" => Self::Off,
                "Saved" => Self::Saved,
                "Paused" => Self::Paused,
                _ => Self::Other(name),
            },
        })
    }
}

host_enum! {
    /// Whether something is on (`OnOffState`).
    OnOff {
        /// It is.
        On = 0,
        /// It is not.
        Off = 1,
    }
}

host_enum! {
    /// What a drive is attached to (`ControllerType`).
    ControllerType {
        /// Emulated, in generation 1.
        IDE = 0,
        /// Synthetic.
        SCSI = 1,
    }
}

host_enum! {
    /// How a disk's file is laid out (`VhdType`).
    VhdType {
        /// Nobody knows.
        Unknown = 0,
        /// Everything has its place.
        Fixed = 2,
        /// What holds something has its place.
        Dynamic = 3,
        /// It rests on another file.
        Differencing = 4,
    }
}

host_enum! {
    /// Which networks within a network pass (`VMNetworkAdapterVlanMode`).
    VlanMode {
        /// Frames pass as they are.
        Untagged = 0,
        /// One network; the guest sees no tags.
        Access = 1,
        /// Several; the guest sees tags.
        Trunk = 2,
        /// A private one.
        Private = 3,
    }
}

host_enum! {
    /// Which checkpoints are made (`CheckpointType`).
    CheckpointType {
        /// None.
        Disabled = 2,
        /// With the guest's help, or the state of memory.
        Production = 3,
        /// With the guest's help.
        ProductionOnly = 4,
        /// The state of memory.
        Standard = 5,
    }
}

host_enum! {
    /// What happens when the host starts (`StartAction`).
    StartAction {
        /// Nothing.
        Nothing = 2,
        /// It starts if it ran.
        StartIfRunning = 3,
        /// It starts.
        Start = 4,
    }
}

host_enum! {
    /// What happens when the host stops (`StopAction`).
    StopAction {
        /// It is turned off.
        TurnOff = 2,
        /// Its state is saved.
        Save = 3,
        /// The guest is shut down.
        ShutDown = 4,
    }
}

host_enum! {
    /// What a machine of generation 1 is started from (`BootDevice`).
    BootDevice {
        /// A floppy disk.
        Floppy = 0,
        /// A CD or DVD.
        CD = 1,
        /// A disk.
        IDE = 2,
        /// The network, by the emulated card.
        LegacyNetworkAdapter = 3,
        /// The network.
        NetworkAdapter = 4,
        /// A disk.
        VHD = 5,
    }
}

host_enum! {
    /// What an entry of a boot order is (`VMBootSourceType`).
    BootSourceType {
        /// Nobody knows.
        Unknown = 0,
        /// A disk or a drive.
        Drive = 1,
        /// The network.
        Network = 2,
        /// A program on an EFI system partition.
        File = 3,
    }
}

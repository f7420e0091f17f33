//! Machines as a Hyper-V host describes them.
//!
//! [`SCRIPT`] is a read-only PowerShell script that its operator runs on the host; it writes an
//! [`Inventory`]. Nothing else opens a host's own files: `.vmcx` is a format that Microsoft does not
//! publish, and exports of it say no more than the script does. A folder with the disks and the
//! inventory is what `detente convert` takes.
//!
//! [`VirtualMachine::to_spec`] makes the neutral definition of one; [`crate::kit`] goes the other way.
//!
//! ```
//! use detente_machine::hyperv_inventory::Inventory;
//!
//! let json = br#"{"schema": "detente/hyperv-inventory/1", "machines":
//!   {"name": "web", "generation": 2, "processor": {"count": 2},
//!    "memory": {"startup_bytes": 1073741824}, "firmware": {"secure_boot": 1}}}"#;
//! let inventory = Inventory::from_json(json)?;
//! let (spec, _) = inventory.machines[0].to_spec()?;
//! assert_eq!(spec.processors.count, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod lenient;
mod model;
mod services;
mod to_spec;
mod values;

pub use document::{Inventory, InventoryError, InventoryHost};
pub use model::{
    AdapterVlan, AssignedDevice, BootSource, Checkpoints, ComPort, DvdDrive, Firmware,
    HardDiskDrive, Memory, NetworkAdapter, Processor, Security, Service, VirtualMachine,
};
pub use services::{service_id, service_of};
pub use values::{
    BootDevice, BootSourceType, CheckpointType, ControllerType, OnOff, StartAction, State,
    StopAction, VhdType, VlanMode,
};

/// The script that writes an inventory: the same bytes for everybody.
pub const SCRIPT: &str = include_str!("../scripts/Get-DetenteInventory.ps1");

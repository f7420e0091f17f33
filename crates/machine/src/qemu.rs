//! QEMU's arguments for a [`MachineSpec`](crate::MachineSpec).

//! Lends the guest's memory to the kernel.

#![expect(unsafe_code, reason = "the kernel is given addresses of ours")]

use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::VmFd;
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

use super::error::{KvmError, refused};
use super::memory::Memory;

/// A virtual machine's descriptor, and the memory that the kernel uses for as long as it is open.
#[derive(Debug)]
pub(super) struct VmWithMemory {
    // Fields are dropped in this order: the descriptor goes before the memory does.
    vm: VmFd,
    memory: Memory,
}

impl VmWithMemory {
    /// Gives `memory` to the virtual machine.
    pub(super) fn new(vm: VmFd, memory: Memory) -> Result<Self, KvmError> {
        let what = "take the guest's memory";
        for (slot, region) in (0..).zip(memory.map().iter()) {
            let start: GuestAddress = region.start_addr();
            let host = memory
                .map()
                .get_host_address(start)
                .map_err(|error| KvmError::Memory {
                    bytes: region.len(),
                    why: error.to_string(),
                })?;
            let described = kvm_userspace_memory_region {
                slot,
                flags: 0,
                guest_phys_addr: start.0,
                memory_size: region.len(),
                userspace_addr: u64::try_from(host.addr()).unwrap_or(u64::MAX),
            };
            // SAFETY: `host` is the start of a mapping of `region.len()` bytes that `memory` owns.
            // We keep `memory` until the descriptor is closed, nothing of ours holds references
            // into it but for the length of an atomic access, and processors, which keep the
            // virtual machine alive in the kernel, hold a clone of the same mapping.
            unsafe { vm.set_user_memory_region(described) }.map_err(refused(what))?;
        }
        Ok(Self { vm, memory })
    }

    /// The descriptor.
    pub(super) fn fd(&self) -> &VmFd {
        &self.vm
    }

    /// The memory.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }
}

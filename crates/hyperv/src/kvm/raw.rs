//! The two ioctls for which `kvm-ioctls` has no function.

#![expect(unsafe_code, reason = "KVM is spoken to by ioctls")]

use std::io;
use std::os::fd::AsRawFd;

use kvm_bindings::{CpuId, KVM_MAX_CPUID_ENTRIES, KVMIO, kvm_cpuid2, kvm_hyperv_eventfd};
use kvm_ioctls::{Kvm, VmFd};
use vmm_sys_util::eventfd::EventFd;
use vmm_sys_util::ioctl::{ioctl_with_mut_ptr, ioctl_with_ref};
use vmm_sys_util::{ioctl_iow_nr, ioctl_iowr_nr};

use super::error::KvmError;

ioctl_iowr_nr!(KVM_GET_SUPPORTED_HV_CPUID, KVMIO, 0xc1, kvm_cpuid2);
ioctl_iow_nr!(KVM_HYPERV_EVENTFD, KVMIO, 0xbd, kvm_hyperv_eventfd);

/// The flag of `KVM_HYPERV_EVENTFD` that takes an eventfd away.
const DEASSIGN: u32 = 1;

/// The leaves of Hyper-V's range that this kernel can show.
pub(super) fn supported_hyperv_cpuid(kvm: &Kvm) -> Result<CpuId, KvmError> {
    let what = "list Hyper-V's CPUID leaves";
    let mut list = CpuId::new(KVM_MAX_CPUID_ENTRIES).map_err(|_| KvmError::TooMany {
        what: "CPUID",
        entries: KVM_MAX_CPUID_ENTRIES,
    })?;
    // SAFETY: the pointer is to a `kvm_cpuid2` whose `nent` says how many entries lie behind it in
    // the same allocation, and the kernel writes no more than those. `kvm` is /dev/kvm, which is
    // what this ioctl is for. The list is ours alone until the call is over.
    let status = unsafe {
        ioctl_with_mut_ptr(
            kvm,
            KVM_GET_SUPPORTED_HV_CPUID(),
            list.as_mut_fam_struct_ptr(),
        )
    };
    if status != 0 {
        return Err(KvmError::Refused {
            what,
            source: io::Error::last_os_error(),
        });
    }
    Ok(list)
}

/// Lets the kernel write to `event` when the guest signals on `connection`.
pub(super) fn assign_signal(vm: &VmFd, connection: u32, event: &EventFd) -> Result<(), KvmError> {
    signal(
        vm,
        connection,
        event.as_raw_fd(),
        0,
        "watch a channel's signal",
    )
}

/// Takes that away again.
pub(super) fn release_signal(vm: &VmFd, connection: u32) -> Result<(), KvmError> {
    signal(vm, connection, -1, DEASSIGN, "forget a channel's signal")
}

fn signal(
    vm: &VmFd,
    conn_id: u32,
    fd: i32,
    flags: u32,
    what: &'static str,
) -> Result<(), KvmError> {
    let argument = kvm_hyperv_eventfd {
        conn_id,
        fd,
        flags,
        padding: [0; 3],
    };
    // SAFETY: `vm` is a virtual machine's descriptor, and the kernel only reads the argument, which
    // is of the type that this ioctl takes and lives until the call is over.
    let status = unsafe { ioctl_with_ref(vm, KVM_HYPERV_EVENTFD(), &argument) };
    if status != 0 {
        return Err(KvmError::Refused {
            what,
            source: io::Error::last_os_error(),
        });
    }
    Ok(())
}

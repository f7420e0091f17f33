//! Whether KVM can show Hyper-V's interrupt controller here.

use kvm_ioctls::Kvm;

/// `KVM_CAP_HYPERV_SYNIC2` (Linux, include/uapi/linux/kvm.h).
const HYPERV_SYNIC2: u64 = 148;

/// Why not, if not.
pub(super) fn refused() -> Option<String> {
    let kvm = match Kvm::new() {
        Ok(kvm) => kvm,
        Err(error) => return Some(format!("/dev/kvm cannot be opened: {error}")),
    };
    (kvm.check_extension_raw(HYPERV_SYNIC2) <= 0).then(|| {
        "the kernel's KVM was built without Hyper-V's interrupt controller (CONFIG_KVM_HYPERV)"
            .to_owned()
    })
}

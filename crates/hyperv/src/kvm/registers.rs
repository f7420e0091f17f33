//! How a processor starts, in KVM's structs.

use kvm_bindings::{Msrs, kvm_fpu, kvm_msr_entry, kvm_regs, kvm_segment, kvm_sregs};
use kvm_ioctls::VcpuFd;

use super::error::{KvmError, refused};
use crate::loader::{EntryState, Segment};

/// IA32_MTRR_DEF_TYPE: MTRRs on, everything is write-back. Linux warns where it is not.
const MTRR_DEFAULT: (u32, u64) = (0x2FF, 0x806);
/// IA32_MISC_ENABLE: fast string operations, as every processor has since long.
const MISC_ENABLE: (u32, u64) = (0x1A0, 1);
/// What the guest may write to the crash control register: "notify".
const CRASH_CONTROL: (u32, u64) = (0x4000_0105, 1 << 63);

/// Sets what every processor starts with.
pub(super) fn set_common(vcpu: &VcpuFd) -> Result<(), KvmError> {
    let what = "set a processor's model registers";
    let entries = [MTRR_DEFAULT, MISC_ENABLE, CRASH_CONTROL].map(|(index, data)| kvm_msr_entry {
        index,
        data,
        ..Default::default()
    });
    let msrs = Msrs::from_entries(&entries).map_err(|_| KvmError::TooMany {
        what: "the list of registers",
        entries: entries.len(),
    })?;
    let set = vcpu.set_msrs(&msrs).map_err(refused(what))?;
    if set != entries.len() {
        return Err(KvmError::Missing {
            what: "MTRRs, IA32_MISC_ENABLE or crash registers",
        });
    }
    let fpu = kvm_fpu {
        fcw: 0x37F,
        mxcsr: 0x1F80,
        ..Default::default()
    };
    vcpu.set_fpu(&fpu).map_err(refused("set a processor's FPU"))
}

/// Sets where the first processor starts.
pub(super) fn set_entry(vcpu: &VcpuFd, state: &EntryState) -> Result<(), KvmError> {
    let mut special = vcpu
        .get_sregs()
        .map_err(refused("read a processor's registers"))?;
    set_special(&mut special, state);
    vcpu.set_sregs(&special)
        .map_err(refused("set a processor's segments"))?;
    let general = kvm_regs {
        rip: state.rip,
        rsi: state.rsi,
        rsp: state.rsp,
        rflags: state.rflags,
        ..Default::default()
    };
    vcpu.set_regs(&general)
        .map_err(refused("set a processor's registers"))
}

fn set_special(special: &mut kvm_sregs, state: &EntryState) {
    special.cr0 = state.cr0;
    special.cr3 = state.cr3;
    special.cr4 = state.cr4;
    special.efer = state.efer;
    special.gdt.base = state.gdt.base;
    special.gdt.limit = state.gdt.limit;
    special.idt.base = state.idt.base;
    special.idt.limit = state.idt.limit;
    special.cs = segment(&state.cs);
    let data = segment(&state.ds);
    [special.ds, special.es, special.fs, special.gs, special.ss] = [data; 5];
    special.tr = segment(&state.tr);
}

fn segment(from: &Segment) -> kvm_segment {
    kvm_segment {
        base: from.base,
        limit: from.limit,
        selector: from.selector,
        type_: from.kind,
        present: from.present,
        s: from.s,
        db: from.db,
        l: from.l,
        g: from.g,
        ..Default::default()
    }
}

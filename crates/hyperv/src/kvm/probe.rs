//! Whether this computer's KVM can run the machine: asked, and tried.

use detente_block::with_causes;
use kvm_bindings::{
    KVM_CAP_HYPERV_ENFORCE_CPUID, KVM_CAP_HYPERV_EVENTFD, KVM_CAP_HYPERV_SYNIC2,
    KVM_CAP_IRQFD_RESAMPLE, KVM_CAP_SYS_HYPERV_CPUID,
};
use serde::Serialize;

use super::Memory;
use super::cpuid::Shape;
use super::error::KvmError;
use super::vcpu::{Access, Exit};
use super::vm::{self, Vm};
use crate::loader;
use crate::memory_map::Span;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The name of the document.
    pub schema: &'static str,
    /// Whether the machine runs here.
    pub usable: bool,
    /// What was found, for people.
    pub sentence: String,
    /// What is missing, by the names of the kernel's documentation.
    pub missing: Vec<&'static str>,
}

/// What the machine needs of KVM beside the oldest things.
const NEEDED: [(u32, &str); 5] = [
    (KVM_CAP_HYPERV_SYNIC2, "KVM_CAP_HYPERV_SYNIC2"),
    (KVM_CAP_HYPERV_EVENTFD, "KVM_CAP_HYPERV_EVENTFD"),
    (KVM_CAP_HYPERV_ENFORCE_CPUID, "KVM_CAP_HYPERV_ENFORCE_CPUID"),
    (KVM_CAP_SYS_HYPERV_CPUID, "KVM_CAP_SYS_HYPERV_CPUID"),
    (KVM_CAP_IRQFD_RESAMPLE, "KVM_CAP_IRQFD_RESAMPLE"),
];

/// Where the tried instructions lie.
const CODE: u64 = 0x8000;
/// The port at which they say the sum.
const PORT: u16 = 0xE0;
/// 41h plus 1, said at the port, again and again.
const INSTRUCTIONS: [u8; 8] = [
    0xB0, 0x41, // mov al, 41h
    0x04, 0x01, // add al, 1
    0xE6, 0xE0, // out E0h, al
    0xEB, 0xFC, // jmp to the out
];
/// How often the processor may come back before it has said anything.
const TRIES: u32 = 100;

/// Asks KVM what it has, and lets a guest add two numbers.
#[must_use]
pub fn probe() -> Report {
    let missing: Vec<&'static str> = match vm::open() {
        Ok(kvm) => NEEDED
            .iter()
            .filter(|(capability, _)| kvm.check_extension_raw(u64::from(*capability)) <= 0)
            .map(|(_, name)| *name)
            .collect(),
        Err(error) => return report(Vec::new(), Err(with_causes(&error))),
    };
    let outcome = if missing.is_empty() {
        try_out()
    } else {
        Ok(())
    };
    report(missing, outcome)
}

fn report(missing: Vec<&'static str>, outcome: Result<(), String>) -> Report {
    let without_hyperv = missing.iter().any(|name| name.contains("HYPERV"));
    let sentence = match (&outcome, missing.as_slice()) {
        (Err(why), _) => why.clone(),
        (Ok(()), []) => "KVM has what the machine needs, and ran a guest".to_owned(),
        (Ok(()), names) if without_hyperv => format!(
            "this kernel's KVM lacks {}: it is built without CONFIG_KVM_HYPERV, or is older than 5.14",
            names.join(", ")
        ),
        (Ok(()), names) => format!("this kernel's KVM lacks {}", names.join(", ")),
    };
    Report {
        schema: "detente/hyperv-probe/1",
        usable: outcome.is_ok() && missing.is_empty(),
        sentence,
        missing,
    }
}

/// Makes a machine and lets it say 42h.
fn try_out() -> Result<(), String> {
    match said() {
        Ok(Some(0x42)) => Ok(()),
        Ok(Some(other)) => Err(format!(
            "KVM ran a guest, and it added 41h and 1 to {other:02x}h"
        )),
        Ok(None) => Err("KVM made a guest, and it did not come to add 41h and 1".to_owned()),
        Err(error) => Err(with_causes(&error)),
    }
}

fn said() -> Result<Option<u8>, KvmError> {
    let memory = Memory::new(&[Span {
        start: 0,
        len: 0x10_0000,
    }])?;
    let written = detente_vmbus::GuestMemory::write(&memory, CODE, &INSTRUCTIONS)
        .and_then(|()| loader::write_tables(&memory));
    assert!(written.is_ok(), "the memory was made a line above");
    let shape = Shape {
        profile: detente_machine::hyperv::CpuidProfile::default(),
        processors: 1,
        crash_registers: true,
        hide_xsave: false,
    };
    let (_vm, vcpus) = Vm::new(shape, memory)?;
    let Some(mut vcpu) = vcpus.into_iter().next() else {
        return Ok(None);
    };
    vcpu.set_entry(&loader::EntryState::at(CODE))?;
    let mut said = None;
    for _ in 0..TRIES {
        let exit = vcpu.run(|port, access| {
            if let (PORT, Access::Out(bytes)) = (port, access) {
                said = bytes.first().copied();
            }
            Exit::Again
        })?;
        if said.is_some() || exit != Exit::Again {
            break;
        }
    }
    Ok(said)
}

//! The virtual machine: memory, interrupt controllers, processors, and the bus's lines to them.

use std::sync::Arc;

use kvm_bindings::{
    CpuId, KVM_CAP_HYPERV_ENFORCE_CPUID, KVM_CAP_HYPERV_SYNIC2, KVM_MAX_CPUID_ENTRIES,
    kvm_cpuid_entry2, kvm_enable_cap,
};
use kvm_ioctls::{Kvm, VmFd};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

use super::cpuid::{self, Shape};
use super::error::{KvmError, refused};
use super::memory::Memory;
use super::raw;
use super::region::VmWithMemory;
use super::registers;
use super::routes;
use super::vcpu::Vcpu;

/// Where KVM keeps three pages of its own, on Intel: below the interrupt controllers' end, where no
/// memory is.
const TSS: usize = 0xFFFB_D000;

/// A virtual machine. Clones are the same machine.
#[derive(Debug, Clone)]
pub struct Vm {
    inner: Arc<VmWithMemory>,
    lines: Arc<[Line]>,
}

/// The bus's line to one processor.
#[derive(Debug)]
struct Line {
    raise: EventFd,
    end_of_message: EventFd,
}

impl Vm {
    /// Makes a machine of this shape with this memory, and its processors.
    ///
    /// # Errors
    /// [`KvmError`].
    pub fn new(shape: Shape, memory: Memory) -> Result<(Self, Vec<Vcpu>), KvmError> {
        let kvm = open()?;
        check_processors(&kvm, shape.processors)?;
        let vm = kvm.create_vm().map_err(refused("make a virtual machine"))?;
        vm.set_tss_address(TSS)
            .map_err(refused("place its pages"))?;
        vm.create_irq_chip()
            .map_err(refused("make interrupt controllers"))?;
        let inner = VmWithMemory::new(vm, memory)?;
        let vcpus = processors(&kvm, &inner, shape)?;
        // The bus's lines need their processors' interrupt controllers to be there.
        let table = routes::table(shape.processors)?;
        inner
            .fd()
            .set_gsi_routing(&table)
            .map_err(refused("route interrupts"))?;
        let lines: Result<Vec<Line>, KvmError> = (0..shape.processors)
            .map(|processor| line(inner.fd(), processor))
            .collect();
        let inner = Arc::new(inner);
        let vm = Self {
            inner,
            lines: lines?.into(),
        };
        Ok((vm, vcpus))
    }

    /// The guest's memory.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        self.inner.memory()
    }

    /// Raises the bus's interrupt on a processor. One that is not there is not disturbed.
    pub fn raise(&self, processor: u32) {
        let line = usize::try_from(processor)
            .ok()
            .and_then(|at| self.lines.get(at));
        if let Some(line) = line {
            // It fails only when 2^64 - 2 interrupts were raised and none was taken.
            let _ = line.raise.write(1);
        }
    }

    /// What becomes readable when a processor has said that it is done with a message, in the order
    /// of processors.
    pub fn ends_of_message(&self) -> impl Iterator<Item = &EventFd> {
        self.lines.iter().map(|line| &line.end_of_message)
    }

    /// Connects an interrupt pin of the I/O APIC with an eventfd: writing to it is one interrupt.
    ///
    /// # Errors
    /// [`KvmError::Refused`].
    pub fn connect_pin(&self, pin: u32) -> Result<EventFd, KvmError> {
        let event = new_event()?;
        self.inner
            .fd()
            .register_irqfd(&event, pin)
            .map_err(refused("connect an interrupt pin"))?;
        Ok(event)
    }

    /// Lets the kernel note signals on `connection` in an eventfd, without leaving the guest.
    ///
    /// # Errors
    /// [`KvmError::Refused`].
    pub fn watch_signals(&self, connection: u32) -> Result<EventFd, KvmError> {
        let event = new_event()?;
        raw::assign_signal(self.inner.fd(), connection, &event)?;
        Ok(event)
    }

    /// Ends that.
    ///
    /// # Errors
    /// [`KvmError::Refused`].
    pub fn forget_signals(&self, connection: u32) -> Result<(), KvmError> {
        raw::release_signal(self.inner.fd(), connection)
    }

    /// The reference counter as the guest reads it, in units of 100 ns.
    ///
    /// # Errors
    /// [`KvmError::Refused`].
    pub fn reference_counter(&self) -> Result<u64, KvmError> {
        let clock = self
            .inner
            .fd()
            .get_clock()
            .map_err(refused("tell the guest's time"))?;
        Ok(clock.clock / 100)
    }
}

pub(super) fn open() -> Result<Kvm, KvmError> {
    Kvm::new().map_err(|errno| KvmError::Open(errno.into()))
}

fn new_event() -> Result<EventFd, KvmError> {
    EventFd::new(EFD_NONBLOCK).map_err(|source| KvmError::Refused {
        what: "make an eventfd",
        source,
    })
}

fn check_processors(kvm: &Kvm, asked: u32) -> Result<(), KvmError> {
    let limit = kvm.get_max_vcpus();
    let fits = usize::try_from(asked).is_ok_and(|count| (1..=limit).contains(&count));
    if fits {
        Ok(())
    } else {
        Err(KvmError::Processors { asked, limit })
    }
}

fn processors(kvm: &Kvm, vm: &VmWithMemory, shape: Shape) -> Result<Vec<Vcpu>, KvmError> {
    let host = kvm
        .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
        .map_err(refused("list CPUID leaves"))?;
    let hyperv = raw::supported_hyperv_cpuid(kvm)?;
    (0..shape.processors)
        .map(|number| {
            let leaves = cpuid::leaves(host.as_slice(), hyperv.as_slice(), shape, number);
            processor(vm, number, &leaves)
        })
        .collect()
}

fn processor(
    vm: &VmWithMemory,
    number: u32,
    leaves: &[kvm_cpuid_entry2],
) -> Result<Vcpu, KvmError> {
    let fd = vm
        .fd()
        .create_vcpu(u64::from(number))
        .map_err(refused("make a processor"))?;
    let mut synic = kvm_enable_cap {
        cap: KVM_CAP_HYPERV_SYNIC2,
        ..Default::default()
    };
    fd.enable_cap(&synic)
        .map_err(refused("turn on the synthetic interrupt controller"))?;
    synic.cap = KVM_CAP_HYPERV_ENFORCE_CPUID;
    synic.args[0] = 1;
    fd.enable_cap(&synic)
        .map_err(refused("hold the guest to what is announced"))?;
    let leaves = CpuId::from_entries(leaves).map_err(|_| KvmError::TooMany {
        what: "CPUID",
        entries: leaves.len(),
    })?;
    fd.set_cpuid2(&leaves)
        .map_err(refused("set CPUID leaves"))?;
    registers::set_common(&fd)?;
    Ok(Vcpu::new(fd, number, vm.memory().clone()))
}

fn line(vm: &VmFd, processor: u32) -> Result<Line, KvmError> {
    let raise = new_event()?;
    let end_of_message = new_event()?;
    vm.register_irqfd_with_resample(&raise, &end_of_message, routes::line_to(processor))
        .map_err(refused("connect the bus's interrupt"))?;
    Ok(Line {
        raise,
        end_of_message,
    })
}

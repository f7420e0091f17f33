//! The bus as the threads of the machine share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use detente_machine::hyperv::MachineConfig;
use detente_vmbus::{Bus, BusOptions, GuestMemory, Interrupts, Now, SynicPages, Version};
use vmm_sys_util::eventfd::EventFd;

use super::clock::Clock;
use super::error::MachineError;
use super::hypercall;
use crate::kvm::{Hypercall, Memory, SynicState, Vm};

/// The bus, the clock, and the bell of the thread that serves it.
pub(super) struct SharedBus {
    bus: Mutex<Bus>,
    memory: Memory,
    clock: Clock,
    wake: EventFd,
}

/// The bus's interrupt, as KVM raises it.
struct Line(Vm);

impl Interrupts for Line {
    fn raise(&self, vp: u32) {
        self.0.raise(vp);
    }
}

impl SharedBus {
    /// A bus without devices.
    pub(super) fn new(
        config: &MachineConfig,
        vm: Vm,
        clock: Clock,
        wake: EventFd,
    ) -> Result<Self, MachineError> {
        let asked = config.vmbus;
        let raw = u32::from(asked.major) << 16 | u32::from(asked.minor);
        let max_version =
            Version::from_raw(raw).ok_or(MachineError::BusVersion { version: asked })?;
        let options = BusOptions {
            max_version,
            processors: config.processors,
        };
        let memory = vm.memory().clone();
        let shared: Arc<dyn GuestMemory> = Arc::new(memory.clone());
        let bus = Bus::new(shared, Arc::new(Line(vm)), options);
        Ok(Self {
            bus: Mutex::new(bus),
            memory,
            clock,
            wake,
        })
    }

    /// The bus itself. What is inside is whole between calls, so a panic elsewhere spoils nothing.
    pub(super) fn lock(&self) -> MutexGuard<'_, Bus> {
        self.bus.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The time.
    pub(super) fn now(&self) -> Now {
        self.clock.now()
    }

    /// A processor calls the hypervisor. Gives what it finds in its register.
    pub(super) fn call(&self, processor: u32, call: Hypercall) -> u64 {
        let now = self.now();
        let result = hypercall::call(&mut self.lock(), &self.memory, processor, call, now);
        self.ring();
        result
    }

    /// A processor has changed its interrupt controller.
    pub(super) fn set_synic(&self, processor: u32, state: SynicState) {
        let pages = SynicPages {
            message_page: state.message_page(),
            event_page: state.event_page(),
        };
        self.lock().set_synic(processor, pages);
        self.ring();
    }

    /// Wakes the thread that serves the bus: deadlines may have changed, something may have
    /// happened.
    pub(super) fn ring(&self) {
        // It fails only when it was rung 2^64 - 2 times and nobody came.
        let _ = self.wake.write(1);
    }
}

//! One machine: built from its description, run by a thread for each processor and one for the bus.

mod boot;
mod bus;
mod clock;
mod com_port;
mod devices;
mod error;
mod hypercall;
mod orders;
mod ports;
mod processor;
mod report;
mod storage;
mod watch;
mod worker;

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use detente_machine::hyperv::{Ending, MachineConfig};
use vmm_sys_util::eventfd::EventFd;

use crate::kvm::cpuid::Shape;
use crate::kvm::{Vcpu, Vm};
use crate::stream::{Inbound, Outbox};
use bus::SharedBus;
use clock::Clock;
use devices::Devices;
pub(crate) use error::MachineError;
pub(crate) use ports::Ports;
use worker::Worker;

/// A machine that is ready to run.
pub(crate) struct Machine {
    vcpus: Vec<Vcpu>,
    ports: Arc<Ports>,
    worker: Worker,
    outbox: Arc<Outbox>,
}

/// What a machine is connected to.
pub(crate) struct Wires {
    /// To the host.
    pub(crate) outbox: Arc<Outbox>,
    /// From the host.
    pub(crate) inbox: Receiver<Inbound>,
    /// Written whenever something was put into the inbox.
    pub(crate) wake: EventFd,
}

impl Machine {
    /// Builds a machine. Nothing of it runs yet.
    ///
    /// # Errors
    /// [`MachineError`].
    pub(crate) fn new(config: &MachineConfig, wires: Wires) -> Result<Self, MachineError> {
        let (memory, state) = boot::prepare(config)?;
        let shape = Shape {
            profile: config.cpuid,
            processors: config.processors,
            crash_registers: config.crash_registers,
            hide_xsave: config.hide_xsave,
        };
        let (vm, vcpus) = Vm::new(shape, memory)?;
        if let Some(first) = vcpus.first() {
            first.set_entry(&state)?;
        }
        let ports = Arc::new(Ports::new(&vm, &wires.outbox)?);
        let clock = Clock::new(vm.clone());
        let wake = wires.wake.try_clone().map_err(MachineError::Event)?;
        let bus = SharedBus::new(config, vm.clone(), clock, wake)?;
        let devices = Devices::new(config, &bus)?;
        let outbox = Arc::clone(&wires.outbox);
        let worker = Worker::new(vm, Arc::new(bus), devices, Arc::clone(&ports), wires)?;
        Ok(Self {
            vcpus,
            ports,
            worker,
            outbox,
        })
    }

    /// What is at the guest's ports.
    pub(crate) fn ports(&self) -> &Arc<Ports> {
        &self.ports
    }

    /// Runs it until it ends. Its processors may still be running then: the process has to leave.
    pub(crate) fn run(mut self) -> Ending {
        for vcpu in self.vcpus {
            let processor = processor::Processor {
                vcpu,
                bus: Arc::clone(self.worker.bus()),
                ports: Arc::clone(&self.ports),
                outbox: Arc::clone(&self.outbox),
                ended: self.worker.ended(),
                crashes: 0,
            };
            if let Err(error) = processor.start() {
                let why = format!("a processor's thread does not start: {error}");
                return Ending::Failed { why };
            }
        }
        self.worker.run()
    }
}

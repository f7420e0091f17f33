//! What is at the guest's ports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::com_port::ComPort;
use super::error::MachineError;
use crate::kvm::{Access, Exit, Vm};
use crate::power::{self, PowerEvent};
use crate::rtc::{self, Rtc};
use crate::serial;
use crate::stream::{Lane, Outbox};

/// The devices at ports.
pub(crate) struct Ports {
    console: ComPort,
    agent: ComPort,
    clock: Mutex<Rtc>,
}

impl Ports {
    /// Two serial ports, a clock chip, and the ports of the power button's other side.
    pub(super) fn new(vm: &Vm, outbox: &Arc<Outbox>) -> Result<Self, MachineError> {
        let port = |lane, pin| -> Result<ComPort, MachineError> {
            Ok(ComPort::new(lane, vm.connect_pin(pin)?, Arc::clone(outbox)))
        };
        Ok(Self {
            console: port(Lane::Console, serial::COM1_INTERRUPT)?,
            agent: port(Lane::Agent, serial::COM2_INTERRUPT)?,
            clock: Mutex::new(Rtc::new()),
        })
    }

    /// The guest reads or writes a port.
    pub(super) fn access(&self, port: u16, access: Access<'_>) -> Exit {
        match access {
            Access::Out(bytes) => self.write(port, bytes),
            Access::In(bytes) => {
                self.read(port, bytes);
                Exit::Again
            }
        }
    }

    /// Bytes for a serial port come from the host. Gives back how many were lost.
    pub(super) fn receive(&self, lane: Lane, bytes: &[u8]) -> usize {
        match lane {
            Lane::Console => self.console.receive(bytes),
            Lane::Agent => self.agent.receive(bytes),
        }
    }

    /// The host has taken what waited for it.
    pub(crate) fn emptied(&self) {
        self.console.emptied();
        self.agent.emptied();
    }

    /// The serial port that a port belongs to, and which of its registers it is.
    fn serial(&self, port: u16) -> Option<(&ComPort, u8)> {
        let ports = [
            (&self.console, serial::COM1_PORT),
            (&self.agent, serial::COM2_PORT),
        ];
        ports.into_iter().find_map(|(device, first)| {
            let register = u8::try_from(port.checked_sub(first)?).ok()?;
            (register < serial::PORTS).then_some((device, register))
        })
    }

    fn write(&self, port: u16, bytes: &[u8]) -> Exit {
        if let Some((device, register)) = self.serial(port) {
            device.write(register, bytes);
            return Exit::Again;
        }
        for byte in bytes {
            match power::written(port, *byte) {
                Some(PowerEvent::PowerOff) => return Exit::PowerOff,
                Some(PowerEvent::Reset(_)) => return Exit::Reset,
                None if is_clock(port) => self.clock().write(port, *byte),
                // Nothing is there.
                None => {}
            }
        }
        Exit::Again
    }

    /// A port where nothing is reads as ones.
    fn read(&self, port: u16, bytes: &mut [u8]) {
        if let Some((device, register)) = self.serial(port) {
            device.read(register, bytes);
            return;
        }
        for byte in bytes {
            *byte = match power::read(port) {
                Some(value) => value,
                None if is_clock(port) => self.clock().read(port, wall()),
                None => 0xFF,
            };
        }
    }

    fn clock(&self) -> MutexGuard<'_, Rtc> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_clock(port: u16) -> bool {
    matches!(port, rtc::INDEX_PORT | rtc::DATA_PORT)
}

fn wall() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

//! The thread of one processor.

use std::io;
use std::sync::Arc;
use std::thread;

use detente_block::with_causes;
use detente_machine::hyperv::{Ending, Event};

use super::bus::SharedBus;
use super::ports::Ports;
use super::worker::Ended;
use crate::kvm::{Exit, Vcpu};
use crate::stream::Outbox;

/// A processor and what it touches.
pub(super) struct Processor {
    pub(super) vcpu: Vcpu,
    pub(super) bus: Arc<SharedBus>,
    pub(super) ports: Arc<Ports>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) ended: Ended,
    /// How many crashes it has reported.
    pub(super) crashes: u32,
}

/// The most crashes of one processor that are told.
const CRASHES: u32 = 8;

impl Processor {
    /// Runs it in a thread of its own. The thread ends with the machine, or with the process.
    pub(super) fn start(self) -> io::Result<()> {
        let name = format!("vcpu{}", self.vcpu.number());
        thread::Builder::new().name(name).spawn(|| self.run())?;
        Ok(())
    }

    fn run(mut self) {
        let ending = loop {
            let ports = &self.ports;
            match self.vcpu.run(|port, access| ports.access(port, access)) {
                Ok(exit) => {
                    if let Some(ending) = self.handle(exit) {
                        break ending;
                    }
                }
                Err(error) => {
                    break Ending::Failed {
                        why: with_causes(&error),
                    };
                }
            }
        };
        self.ended.tell(ending);
    }

    fn handle(&mut self, exit: Exit) -> Option<Ending> {
        let number = self.vcpu.number();
        match exit {
            Exit::Again => {}
            Exit::Synic(state) => self.bus.set_synic(number, state),
            Exit::Call(call) => {
                let result = self.bus.call(number, call);
                self.vcpu.set_result(result);
            }
            // The guest goes on: it may have more to say, or a kernel to start for the dump.
            Exit::Crash(parameters) => self.report_crash(parameters),
            Exit::Reset => return Some(Ending::Reset),
            Exit::PowerOff => return Some(Ending::PowerOff),
            Exit::TripleFault => return Some(Ending::TripleFault),
            Exit::Broken(why) => return Some(Ending::Failed { why }),
        }
        None
    }

    /// A guest crashes once, perhaps once more in the kernel that writes the dump. One that says so
    /// without end is not listened to.
    fn report_crash(&mut self, parameters: [u64; 5]) {
        if self.crashes < CRASHES {
            self.crashes += 1;
            self.outbox.event(&Event::Crash { parameters });
        }
    }
}

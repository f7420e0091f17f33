//! A host whose machines follow a script: for tests of whoever drives machines.
//!
//! The script is a closure that hears what is done to the machine and says what happens next. No
//! time passes: when the script has nothing to say, every deadline has come.
//!
//! ```
//! use std::time::Instant;
//! use detente_host::scripted::{Input, ScriptedHost};
//! use detente_host::{Host, MachineEvent, Port};
//! # use detente_machine::{DirectBoot, LaunchSpec, LaunchNetwork, Profile, Synthetic, Topology};
//! # let spec = LaunchSpec {
//! #     name: String::new(), profile: Profile::Kvm, memory_mib: 1, disks: vec![],
//! #     topology: Topology { sockets: 1, cores: 1, threads: 1 },
//! #     boot: DirectBoot { kernel: "".into(), initramfs: "".into(), cmdline: String::new() },
//! #     network: LaunchNetwork { mac: [0; 6], dhcp: true, spoil_transfer: false },
//! #     entropy: true, console_input: true, hypervisor_bit: true, synthetic: Synthetic::default(),
//! #     extras: detente_machine::Extras::default(),
//! # };
//!
//! let host = ScriptedHost::new(|_spec| {
//!     Box::new(|input| match input {
//!         Input::Sent(Port::AgentSerial, bytes) => vec![MachineEvent::Output {
//!             port: Port::AgentSerial,
//!             bytes: bytes.to_vec(),
//!         }],
//!         Input::Sent(_, _)
//!         | Input::Started
//!         | Input::PowerButton
//!         | Input::Operated(_)
//!         | Input::Tick => Vec::new(),
//!     })
//! });
//! let mut machine = host.start(&spec, "work".as_ref())?;
//! machine.send(Port::AgentSerial, b"hello")?;
//! let echoed = machine.next_event(Instant::now())?;
//! assert!(matches!(echoed, Some(MachineEvent::Output { bytes, .. }) if bytes == b"hello"));
//! assert_eq!(machine.next_event(Instant::now())?, None);
//! # Ok::<(), detente_host::HostError>(())
//! ```

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use detente_machine::LaunchSpec;

use crate::{
    Acceleration, Host, HostError, HostFacts, Implementation, Machine, MachineEvent, NetworkSeen,
    Operated, Operation, Port, StopReport,
};

/// What is done to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// It was started.
    Started,
    /// Bytes came into a port.
    Sent(Port, &'a [u8]),
    /// Its power button was pressed.
    PowerButton,
    /// Something was done to it while it ran.
    Operated(&'a Operation),
    /// Somebody waits, and nothing is left to be told: the script may go on, or let the deadline
    /// come by saying nothing.
    Tick,
}

/// What a machine does when something is done to it.
pub type Script = Box<dyn FnMut(Input<'_>) -> Vec<MachineEvent> + Send>;

/// The number that an operation gives, where it gives one; the others are done.
type Numbers = Arc<dyn Fn(&Operation) -> Option<u64> + Send + Sync>;

/// What was done to all machines of a host, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// What was started.
    pub started: Vec<LaunchSpec>,
    /// What was sent, across all machines.
    pub sent: Vec<(Port, Vec<u8>)>,
    /// How often power buttons were pressed.
    pub power_buttons: u32,
    /// What was done to them while they ran.
    pub operations: Vec<Operation>,
    /// How many machines have ended, stopped or dropped.
    pub stopped: u32,
}

type Shared<T> = Arc<Mutex<T>>;

/// A host whose machines follow a script.
pub struct ScriptedHost {
    facts: HostFacts,
    scripts: Box<dyn Fn(&LaunchSpec) -> Script + Send + Sync>,
    recorded: Shared<Recorded>,
    network: Shared<NetworkSeen>,
    numbers: Option<Numbers>,
}

impl ScriptedHost {
    /// A host that makes a script for every machine that is started.
    pub fn new(scripts: impl Fn(&LaunchSpec) -> Script + Send + Sync + 'static) -> Self {
        Self {
            facts: HostFacts {
                product: "scripted".to_owned(),
                version: "1".to_owned(),
                package: None,
                implementation: Implementation::CompatibleImplementation,
                acceleration: Acceleration::Emulated,
                acceleration_proof: "nothing is executed".to_owned(),
                host_kernel: "none".to_owned(),
                host_cpu: "none".to_owned(),
                program: "/nonexistent".into(),
            },
            scripts: Box::new(scripts),
            recorded: Arc::default(),
            network: Arc::default(),
            numbers: None,
        }
    }

    /// The same host with other facts.
    #[must_use]
    pub fn with_facts(mut self, facts: HostFacts) -> Self {
        self.facts = facts;
        self
    }

    /// The same host, whose machines' network has seen this.
    #[must_use]
    pub fn with_network_seen(self, seen: NetworkSeen) -> Self {
        *lock(&self.network) = seen;
        self
    }

    /// The same host, whose machines can be operated: they say these numbers, and that everything
    /// else is done. Others cannot be operated at all.
    #[must_use]
    pub fn with_operations(
        mut self,
        numbers: impl Fn(&Operation) -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        self.numbers = Some(Arc::new(numbers));
        self
    }

    /// What a script may change while it runs: what the network has seen.
    #[must_use]
    pub fn network(&self) -> Arc<Mutex<NetworkSeen>> {
        Arc::clone(&self.network)
    }

    /// What was done so far.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        lock(&self.recorded).clone()
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host for ScriptedHost {
    fn facts(&self) -> &HostFacts {
        &self.facts
    }

    fn start(&self, spec: &LaunchSpec, _work: &Path) -> Result<Box<dyn Machine>, HostError> {
        lock(&self.recorded).started.push(spec.clone());
        let mut script = (self.scripts)(spec);
        let waiting = script(Input::Started).into();
        Ok(Box::new(ScriptedMachine {
            script,
            waiting,
            has_exited: false,
            recorded: Arc::clone(&self.recorded),
            network: Arc::clone(&self.network),
            numbers: self.numbers.clone(),
        }))
    }
}

struct ScriptedMachine {
    script: Script,
    waiting: VecDeque<MachineEvent>,
    has_exited: bool,
    recorded: Shared<Recorded>,
    network: Shared<NetworkSeen>,
    numbers: Option<Numbers>,
}

impl ScriptedMachine {
    fn tell(&mut self, input: Input<'_>) {
        let events = (self.script)(input);
        self.waiting.extend(events);
    }
}

impl Machine for ScriptedMachine {
    fn next_event(&mut self, _deadline: Instant) -> Result<Option<MachineEvent>, HostError> {
        if self.has_exited {
            return Err(HostError::Failed {
                action: "watching the machine",
                detail: "it has ended".to_owned(),
            });
        }
        if self.waiting.is_empty() {
            self.tell(Input::Tick);
        }
        let event = self.waiting.pop_front();
        self.has_exited = matches!(event, Some(MachineEvent::Exited { .. }));
        Ok(event)
    }

    fn send(&mut self, port: Port, bytes: &[u8]) -> Result<(), HostError> {
        lock(&self.recorded).sent.push((port, bytes.to_vec()));
        self.tell(Input::Sent(port, bytes));
        Ok(())
    }

    /// Writes a PNG of one black pixel.
    fn screen_picture(&mut self, file: &Path) -> Result<(), HostError> {
        std::fs::write(file, PICTURE).map_err(|source| HostError::Io {
            action: "taking a picture of the screen",
            source,
        })
    }

    fn press_power_button(&mut self) -> Result<(), HostError> {
        let mut recorded = lock(&self.recorded);
        recorded.power_buttons = recorded.power_buttons.saturating_add(1);
        drop(recorded);
        self.tell(Input::PowerButton);
        Ok(())
    }

    fn operate(&mut self, operation: &Operation) -> Result<Operated, HostError> {
        let Some(numbers) = self.numbers.clone() else {
            return Err(HostError::Failed {
                action: "operating the machine",
                detail: "this script does not say what comes of it".to_owned(),
            });
        };
        lock(&self.recorded).operations.push(operation.clone());
        self.tell(Input::Operated(operation));
        Ok(numbers(operation).map_or(Operated::Done, Operated::Bytes))
    }

    fn network_seen(&self) -> NetworkSeen {
        lock(&self.network).clone()
    }

    fn stop(self: Box<Self>) -> Result<StopReport, HostError> {
        Ok(StopReport {
            status: "exit code 0".to_owned(),
            peak_memory_bytes: None,
        })
    }
}

impl Drop for ScriptedMachine {
    fn drop(&mut self) {
        let mut recorded = lock(&self.recorded);
        recorded.stopped = recorded.stopped.saturating_add(1);
    }
}

/// One black pixel.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b,
    0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x01, 0x48, 0xaf, 0xa4, 0x71, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae,
    0x42, 0x60, 0x82,
];

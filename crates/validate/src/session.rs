//! A conversation with one started machine: its events become state, and callers wait for states.

mod clock;
mod end;
mod guest_agent;
mod held;
mod plugged;
mod progress;
mod restart;
mod services;
mod task;
mod wait;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use detente_block::with_causes;
use detente_host::{HostError, Machine, MachineEvent, NetworkSeen, Port, PowerOff};
use detente_plan::protocol::{AgentMessage, HostMessage, InitramfsSurvey, Order, Phase};

use crate::console::ConsoleWatch;
use crate::limits::ms;
use crate::link::{AgentIdentity, Link};

use guest_agent::GuestAgentPort;

pub(crate) use clock::AgentClock;
pub(crate) use guest_agent::AgentRefusal;
pub(crate) use progress::ToolProgress;
pub(crate) use services::Services;
pub(crate) use task::{Given, NoAnswer, TaskEnd};
pub(crate) use wait::Waited;

/// A conversation with one started machine.
pub(crate) struct Session {
    machine: Box<dyn Machine>,
    order: Order,
    interrupt: Arc<AtomicBool>,
    silence: Duration,
    serial: Link,
    virtio: Link,
    /// What the console has shown.
    pub(crate) console: ConsoleWatch,
    /// Who the agent is, once it has said so.
    pub(crate) agent: Option<AgentIdentity>,
    /// Where the agent is.
    pub(crate) phase: Option<Phase>,
    /// The first survey, before the guest's init did anything.
    pub(crate) first_survey: Option<InitramfsSurvey>,
    /// The latest survey, and how many there were.
    pub(crate) survey: Option<InitramfsSurvey>,
    surveys: u32,
    results: HashMap<u32, TaskEnd>,
    last_task: u32,
    last_heard: Option<Instant>,
    heard_on: Option<Port>,
    /// The console's limit was passed.
    pub(crate) flooded: Option<u64>,
    /// The machine was powered off.
    pub(crate) power_off: Option<PowerOff>,
    /// The machine was reset.
    pub(crate) resets: u32,
    /// The process ended.
    pub(crate) exited: Option<String>,
    /// How the agent's clock stands to ours.
    pub(crate) clock: AgentClock,
    /// What the integration services of the Hyper-V-compatible machine have said.
    pub(crate) services: Services,
    /// What running tools have said and nobody has taken yet.
    pub(crate) tools: ToolProgress,
    /// The devices that the guest let go of.
    gone: Vec<String>,
    /// What QEMU's guest agent has said.
    guest_agent: GuestAgentPort,
    /// The resets that were wanted.
    wanted_resets: u32,
    /// The agent of the boot before: that of the next is to be the same.
    earlier_agent: Option<AgentIdentity>,
    /// What the console says, for those who look on at a machine that is left up.
    tap: Option<Vec<u8>>,
    started: Instant,
    /// How far waiting has come: the machine's own time, which a script may let run ahead.
    waited_to: Instant,
}

impl Session {
    /// A conversation with `machine`; an agent that has spoken counts as dead after `silence`.
    pub(crate) fn new(
        machine: Box<dyn Machine>,
        order: Order,
        interrupt: Arc<AtomicBool>,
        silence: Duration,
    ) -> Self {
        let started = Instant::now();
        Self {
            machine,
            order,
            interrupt,
            silence,
            serial: Link::new(Port::AgentSerial),
            virtio: Link::new(Port::AgentVirtio),
            console: ConsoleWatch::default(),
            agent: None,
            phase: None,
            first_survey: None,
            survey: None,
            surveys: 0,
            results: HashMap::new(),
            last_task: 0,
            last_heard: None,
            heard_on: None,
            flooded: None,
            power_off: None,
            resets: 0,
            exited: None,
            clock: AgentClock::default(),
            services: Services::default(),
            tools: ToolProgress::default(),
            gone: Vec::new(),
            guest_agent: GuestAgentPort::default(),
            wanted_resets: 0,
            earlier_agent: None,
            tap: None,
            started,
            waited_to: started,
        }
    }

    /// The machine's own time.
    fn now(&self) -> Instant {
        self.waited_to.max(Instant::now())
    }

    /// Since the machine was started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now().saturating_duration_since(self.started)
    }

    /// Bytes on the agent's ports that belonged to no frame.
    pub(crate) fn garbage_bytes(&self) -> u64 {
        self.serial
            .garbage_bytes()
            .saturating_add(self.virtio.garbage_bytes())
    }

    /// How many surveys came.
    pub(crate) fn survey_count(&self) -> u32 {
        self.surveys
    }

    /// Whether the user has had enough.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// The port that the agent was heard on last.
    pub(crate) fn heard_on(&self) -> Option<Port> {
        self.heard_on
    }

    /// The machine, for what is not conversation.
    pub(crate) fn machine(&mut self) -> &mut dyn Machine {
        self.machine.as_mut()
    }

    /// What the network service has seen so far.
    pub(crate) fn network_seen(&self) -> NetworkSeen {
        self.machine.network_seen()
    }

    /// Ends the conversation and gives the machine back.
    pub(crate) fn into_machine(self) -> Box<dyn Machine> {
        self.machine
    }

    /// Says something to the agent, on the fastest channel that it has opened.
    fn say(&mut self, message: &HostMessage) -> Result<(), HostError> {
        let link = if self.virtio.open {
            &self.virtio
        } else {
            &self.serial
        };
        link.send(self.machine.as_mut(), message)
    }

    /// Says something for which no answer is needed: where it cannot be said, what it was for does
    /// not come, and that is what is looked at.
    pub(crate) fn mention(&mut self, message: &HostMessage) {
        let _ = self.say(message);
    }

    /// Types on the console; a port that breaks is no echo.
    pub(crate) fn type_on_console(&mut self, text: &[u8]) {
        // What is not typed is not echoed, and that is what is looked at.
        let _ = self.machine.send(Port::Console, text);
    }

    /// Takes the next event, if one comes before `deadline`.
    fn pump(&mut self, deadline: Instant) -> Result<bool, HostError> {
        let event = match self.machine.next_event(deadline) {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(false),
            // A machine that cannot be watched any more is as lost as one that has ended; what was
            // seen of it stays.
            Err(error) => {
                let why = with_causes(&error);
                self.exited.get_or_insert(why);
                return Ok(true);
            }
        };
        match event {
            MachineEvent::Output { port, bytes } => self.output(port, &bytes),
            MachineEvent::ConsoleFlood { limit_bytes } => self.flooded = Some(limit_bytes),
            MachineEvent::PowerOff(how) => self.power_off = Some(how),
            MachineEvent::Reset => self.was_reset(),
            MachineEvent::Removed { name } => self.removed(name),
            MachineEvent::Bus(event) => self.services.bus(event),
            MachineEvent::Heartbeat { sent, answered } => self.services.heartbeat(sent, answered),
            MachineEvent::Crashed { parameters } => self.services.crashed(parameters),
            MachineEvent::Answered { id, answer } => self.services.answered(id, answer),
            MachineEvent::Exited { status, stderr } => {
                let words = stderr.trim();
                let status = if words.is_empty() {
                    status
                } else {
                    format!("{status}: {words}")
                };
                self.exited = Some(status);
            }
        }
        Ok(true)
    }

    fn output(&mut self, port: Port, bytes: &[u8]) {
        let messages = match port {
            Port::Console => {
                self.console.push(bytes);
                self.keep_for_tap(bytes);
                return;
            }
            Port::AgentSerial => self.serial.receive(bytes),
            Port::AgentVirtio => self.virtio.receive(bytes),
            Port::GuestAgent => {
                self.guest_agent.receive(bytes);
                return;
            }
        };
        for message in messages {
            self.heard(port, message);
        }
    }

    /// Takes one message of the agent. Before its hello is answered, nothing else counts.
    fn heard(&mut self, port: Port, message: AgentMessage) {
        let link = if port == Port::AgentVirtio {
            &mut self.virtio
        } else {
            &mut self.serial
        };
        if matches!(message, AgentMessage::Hello { .. }) {
            let known = self.agent.as_ref().or(self.earlier_agent.as_ref());
            if let Some(identity) = Link::identity(&message, &self.order, known) {
                // An agent that does not hear it stays silent, which has its own end.
                let _ = link.welcome(self.machine.as_mut(), &self.order);
                self.agent = Some(identity);
                self.last_heard = Some(self.now());
            }
            return;
        }
        if !link.open {
            return;
        }
        self.last_heard = Some(self.now());
        self.heard_on = Some(port);
        match message {
            AgentMessage::Hello { .. } => {}
            AgentMessage::Heartbeat {
                phase, uptime_ms, ..
            }
            | AgentMessage::PhaseChanged { phase, uptime_ms } => {
                self.phase = Some(phase);
                self.clock.heard(ms(self.elapsed()), uptime_ms);
            }
            AgentMessage::Survey(survey) => {
                self.surveys = self.surveys.saturating_add(1);
                self.first_survey = self.first_survey.take().or_else(|| Some(survey.clone()));
                self.survey = Some(survey);
            }
            AgentMessage::Observed {
                task_id,
                observation,
                duration_ms,
            } => {
                self.task_ended(
                    task_id,
                    TaskEnd::Observed {
                        observation,
                        duration_ms,
                    },
                );
            }
            AgentMessage::Progress {
                task_id,
                lines,
                left_out,
            } => {
                if task_id == self.last_task {
                    self.tools.heard(lines, left_out);
                }
            }
            AgentMessage::TaskFailed {
                task_id,
                reason,
                timed_out,
            } => {
                self.task_ended(task_id, TaskEnd::Failed { reason, timed_out });
            }
        }
    }

    /// Keeps the result of a task that was given and has none yet; no other, so that a guest
    /// cannot fill our memory with results.
    fn task_ended(&mut self, task_id: u32, end: TaskEnd) {
        if task_id != 0 && task_id <= self.last_task {
            self.results.entry(task_id).or_insert(end);
        }
    }
}

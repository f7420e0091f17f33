//! The thread that serves the bus: signals, messages that were taken, timers, and orders.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use detente_block::with_causes;
use detente_machine::hyperv::{Ending, Event};
use detente_vmbus::BusEvent;
use detente_vmbus::storvsc::Fault;
use vmm_sys_util::eventfd::EventFd;

use super::Wires;
use super::bus::SharedBus;
use super::devices::Devices;
use super::error::MachineError;
use super::orders::Orders;
use super::ports::Ports;
use super::report::{self, Budget};
use super::watch::{Bell, Watch};
use crate::kvm::Vm;
use crate::stream::{Inbound, Lane, Outbox};

/// How often orders that wait for the guest are looked after, at least.
const LOOK_AFTER_ORDERS: Duration = Duration::from_millis(200);

/// The thread's state.
pub(super) struct Worker {
    bus: Arc<SharedBus>,
    devices: Devices,
    ports: Arc<Ports>,
    outbox: Arc<Outbox>,
    inbox: Receiver<Inbound>,
    orders: Orders,
    watch: Watch,
    wake: EventFd,
    ends_of_message: Vec<EventFd>,
    signals: BTreeMap<u32, EventFd>,
    endings: (Sender<Ending>, Receiver<Ending>),
    beats: (u64, u64),
    budget: Budget,
}

/// By this a processor tells that the machine has ended.
pub(super) struct Ended {
    sender: Sender<Ending>,
    bus: Arc<SharedBus>,
}

impl Ended {
    /// Tells it.
    pub(super) fn tell(&self, ending: Ending) {
        // Nobody listens any more when another processor was faster.
        let _ = self.sender.send(ending);
        self.bus.ring();
    }
}

impl Worker {
    /// A thread's state with every eventfd watched.
    pub(super) fn new(
        vm: Vm,
        bus: Arc<SharedBus>,
        devices: Devices,
        ports: Arc<Ports>,
        wires: Wires,
    ) -> Result<Self, MachineError> {
        let watch = Watch::new()?;
        watch.add(Bell::Wake, &wires.wake)?;
        let mut ends_of_message = Vec::new();
        for (processor, event) in (0..).zip(vm.ends_of_message()) {
            let event = event.try_clone().map_err(MachineError::Event)?;
            watch.add(Bell::EndOfMessage { processor }, &event)?;
            ends_of_message.push(event);
        }
        let mut signals = BTreeMap::new();
        for channel in devices.channels() {
            let connection = bus.lock().connection_id(channel);
            let event = vm.watch_signals(connection)?;
            watch.add(Bell::Signal { connection }, &event)?;
            signals.insert(connection, event);
        }
        Ok(Self {
            bus,
            devices,
            ports,
            outbox: wires.outbox,
            inbox: wires.inbox,
            orders: Orders::default(),
            watch,
            wake: wires.wake,
            ends_of_message,
            signals,
            endings: channel(),
            beats: (0, 0),
            budget: Budget::default(),
        })
    }

    /// The bus that it serves.
    pub(super) fn bus(&self) -> &Arc<SharedBus> {
        &self.bus
    }

    /// By which it is told of the end.
    pub(super) fn ended(&self) -> Ended {
        Ended {
            sender: self.endings.0.clone(),
            bus: Arc::clone(&self.bus),
        }
    }

    /// Serves until the machine ends.
    pub(super) fn run(&mut self) -> Ending {
        loop {
            if let Err(error) = self.turn() {
                let why = with_causes(&error);
                return Ending::Failed { why };
            }
            if let Some(ending) = self.take_inbox() {
                return ending;
            }
            self.report();
            if let Ok(ending) = self.endings.1.try_recv() {
                return ending;
            }
        }
    }

    /// Waits for something, and does it.
    fn turn(&mut self) -> Result<(), MachineError> {
        let limit = self.limit();
        for bell in self.watch.wait(limit)? {
            self.hear(bell);
        }
        let now = self.bus.now();
        self.bus.lock().tick(now);
        Ok(())
    }

    /// How long nothing has to be done, if nothing happens.
    fn limit(&self) -> Option<Duration> {
        let elapsed = self.bus.clock().elapsed();
        let bus = self.bus.lock().deadline();
        let bus = bus.map(|deadline| deadline.saturating_sub(elapsed));
        let orders = (!self.orders.is_empty()).then_some(LOOK_AFTER_ORDERS);
        [bus, orders].into_iter().flatten().min()
    }

    fn hear(&mut self, bell: Bell) {
        // Reading an eventfd that nobody has written to gives an error, and nothing is to be done.
        match bell {
            Bell::Wake => {
                let _ = self.wake.read();
            }
            Bell::EndOfMessage { processor } => {
                let index = usize::try_from(processor).unwrap_or(usize::MAX);
                if let Some(Ok(_)) = self.ends_of_message.get(index).map(EventFd::read) {
                    self.bus.lock().end_of_message(processor);
                }
            }
            Bell::Signal { connection } => {
                if let Some(Ok(_)) = self.signals.get(&connection).map(EventFd::read) {
                    let now = self.bus.now();
                    // The connection was offered: there is nothing to refuse.
                    let _ = self.bus.lock().signal_event(connection, 0, now);
                }
            }
        }
    }

    /// Does what the host wants.
    fn take_inbox(&mut self) -> Option<Ending> {
        loop {
            match self.inbox.try_recv() {
                Ok(Inbound::Console(bytes)) => self.receive(Lane::Console, &bytes),
                Ok(Inbound::Agent(bytes)) => self.receive(Lane::Agent, &bytes),
                Ok(Inbound::Network(frame)) => self.receive_frame(frame),
                Ok(Inbound::Order(order)) => {
                    let outcome = self.orders.take(order, &self.devices, &self.bus);
                    self.tell(outcome);
                    if self.orders.is_to_quit() {
                        return Some(Ending::Quit);
                    }
                }
                Ok(Inbound::Gone { why: None }) | Err(TryRecvError::Disconnected) => {
                    return Some(Ending::Quit);
                }
                Ok(Inbound::Gone { why: Some(why) }) => {
                    return Some(Ending::Failed {
                        why: format!("the host's end of the stream is lost: {why}"),
                    });
                }
                Err(TryRecvError::Empty) => return None,
            }
        }
    }

    fn receive(&self, lane: Lane, bytes: &[u8]) {
        let lost = self.ports.receive(lane, bytes);
        if lost > 0 {
            let text = format!("{lost} bytes for the {lane:?} port are lost: the guest reads none");
            self.outbox.log(text);
        }
    }

    /// A frame for the guest. One that it has no room for is lost, and the card counts it.
    fn receive_frame(&self, frame: Vec<u8>) {
        let Some(network) = &self.devices.network else {
            return;
        };
        if network.handle.push_frame(frame).is_ok() {
            let now = self.bus.now();
            self.bus.lock().poke(network.channel, now);
        }
    }

    /// Sends the frames of the guest on.
    fn send_frames(&self) {
        let network = self.devices.network.iter();
        for frame in network.flat_map(|at| std::iter::from_fn(|| at.handle.pop_frame())) {
            self.outbox.ethernet(&frame);
        }
    }

    fn tell(&self, events: Vec<Event>) {
        for event in events {
            self.outbox.event(&event);
        }
    }

    /// Tells the host what has happened.
    fn report(&mut self) {
        self.send_frames();
        let happened: Vec<BusEvent> = self.bus.lock().drain_events().collect();
        for event in happened {
            self.devices.note(&event);
            let told = report::told(&event, &self.devices);
            self.budget.spend(&self.outbox, told);
        }
        let controllers = self.devices.controllers();
        let faults: Vec<Fault> = controllers
            .flat_map(|handle| handle.take_faults())
            .collect();
        for fault in faults {
            self.budget.spend(&self.outbox, report::fault(&fault));
        }
        let answers = self.orders.look_after(&self.devices, &self.bus);
        self.tell(answers);
        self.report_heartbeat();
    }

    fn report_heartbeat(&mut self) {
        let Some(heartbeat) = &self.devices.heartbeat else {
            return;
        };
        let pulse = heartbeat.handle.pulse();
        let beats = (pulse.sent, pulse.answered);
        if beats != self.beats {
            self.beats = beats;
            let (sent, answered) = beats;
            self.outbox.event(&Event::Heartbeat { sent, answered });
        }
    }
}

//! A machine that runs in QEMU.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use detente_machine::PretendedSet;
use serde_json::{Value, json};

use super::operate;
use super::picture;
use super::ports::{Event, Writer};
use super::pretend::really;
use super::process::Process;
use super::processor;
use super::qmp::{Client, QmpError};
use crate::{
    HostError, Machine, MachineEvent, NetworkSeen, Operated, Operation, Port, ProcessorWord,
    StopReport,
};

/// How long QEMU may take to leave by itself when it is told to.
const QUIT_LIMIT: Duration = Duration::from_secs(5);

/// How long the kernel may take to end a process that was killed.
const KILL_LIMIT: Duration = Duration::from_secs(20);

/// Events of at most 64 KiB that are kept while the monitor is asked for something.
const EARLIER_EVENTS: usize = 128;

/// How often bytes that a guest has not taken are offered again.
const OFFER_INTERVAL: Duration = Duration::from_millis(10);

/// A machine that runs in QEMU.
pub(super) struct LocalMachine {
    pub(super) process: Arc<Process>,
    /// Ends with the process, and with the threads that serve it.
    pub(super) watcher: Option<JoinHandle<String>>,
    /// Gone once the machine is being ended.
    pub(super) events: Option<Receiver<Event>>,
    /// Events that came while the monitor was asked for something.
    pub(super) earlier: VecDeque<Event>,
    pub(super) monitor: Client,
    pub(super) ports: Vec<(Port, Writer)>,
    pub(super) console_input: bool,
    /// A fault.
    pub(super) pretended: PretendedSet,
    pub(super) network_seen: Arc<Mutex<NetworkSeen>>,
    pub(super) work: PathBuf,
}

impl LocalMachine {
    /// Lets the guest run.
    pub(super) fn run(&mut self) -> Result<(), HostError> {
        let result = self
            .monitor
            .negotiate()
            .and_then(|()| self.ask("cont", json!({})));
        match result {
            Ok(_) => Ok(()),
            Err(error) => Err(self
                .last_words()
                .unwrap_or_else(|| error.during("starting QEMU"))),
        }
    }

    /// What QEMU said when it ended instead of starting.
    fn last_words(&mut self) -> Option<HostError> {
        for event in self.earlier.drain(..) {
            if let Ok(MachineEvent::Exited { status, stderr }) = event {
                return Some(did_not_start(&status, &stderr));
            }
        }
        let events = self.events.as_ref()?;
        while let Ok(Ok(event)) = events.recv_timeout(QUIT_LIMIT) {
            if let MachineEvent::Exited { status, stderr } = event {
                return Some(did_not_start(&status, &stderr));
            }
        }
        None
    }

    /// Asks the monitor, and takes events meanwhile, so that its answer is not stuck behind them.
    fn ask(&mut self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        let (events, earlier) = (&self.events, &mut self.earlier);
        self.monitor.execute(command, arguments, || {
            while earlier.len() < EARLIER_EVENTS
                && let Some(Ok(event)) = events.as_ref().map(Receiver::try_recv)
            {
                earlier.push_back(event);
            }
        })
    }

    /// Offers every guest what waits for it. A port that is gone is told to whoever sends.
    fn flush(&mut self) -> bool {
        let mut waiting = false;
        for (_, writer) in &mut self.ports {
            let _ = writer.flush();
            waiting |= writer.is_waiting();
        }
        waiting
    }

    /// Ends QEMU and its threads. Called twice it does nothing.
    fn end(&mut self) -> Result<Option<String>, HostError> {
        let Some(watcher) = self.watcher.take() else {
            return Ok(None);
        };
        self.process.sample();
        // Threads that wait for room for an event must not wait for ever.
        self.events = None;
        let io = |source| HostError::Io {
            action: "ending QEMU",
            source,
        };
        // A monitor that does not take it belongs to a process that is leaving already, or to one
        // that is broken: time tells.
        let _ = self.monitor.post("quit");
        if !self.process.wait(QUIT_LIMIT).map_err(io)? {
            self.process.kill().map_err(io)?;
            if !self.process.wait(KILL_LIMIT).map_err(io)? {
                return Err(HostError::Failed {
                    action: "ending QEMU",
                    detail: format!("it still runs {KILL_LIMIT:?} after it was killed"),
                });
            }
        }
        watcher.join().map(Some).map_err(|_| HostError::Failed {
            action: "ending QEMU",
            detail: "the thread that watched it broke".to_owned(),
        })
    }
}

impl Machine for LocalMachine {
    fn next_event(&mut self, deadline: Instant) -> Result<Option<MachineEvent>, HostError> {
        if let Some(event) = self.earlier.pop_front() {
            return event.map(Some);
        }
        loop {
            let waiting = self.flush();
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = if waiting {
                left.min(OFFER_INTERVAL)
            } else {
                left
            };
            let Some(events) = &self.events else {
                return Err(ended());
            };
            match events.recv_timeout(wait) {
                Ok(event) => return event.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(RecvTimeoutError::Timeout) if wait == left => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn send(&mut self, port: Port, bytes: &[u8]) -> Result<(), HostError> {
        if port == Port::Console && !self.console_input {
            return Ok(());
        }
        let action = "writing to a port";
        let writer = self.ports.iter_mut().find(|(name, _)| *name == port);
        let Some((_, writer)) = writer else {
            return Err(HostError::Failed {
                action,
                detail: format!("this machine has no {port:?}"),
            });
        };
        writer
            .send(bytes)
            .map_err(|source| HostError::Io { action, source })
    }

    fn screen_picture(&mut self, file: &Path) -> Result<(), HostError> {
        let work = self.work.clone();
        picture::take(
            &mut |command, arguments| self.ask(command, arguments),
            &work,
            file,
        )
    }

    fn press_power_button(&mut self) -> Result<(), HostError> {
        self.ask("system_powerdown", json!({}))
            .map(drop)
            .map_err(|error| error.during("pressing the power button"))
    }

    fn operate(&mut self, operation: &Operation) -> Result<Operated, HostError> {
        let Some(operation) = really(operation, self.pretended) else {
            return Ok(Operated::Done);
        };
        operate::operate(
            &mut |command, arguments| self.ask(command, arguments),
            &operation,
        )
    }

    fn processor_words(&mut self) -> Result<Vec<ProcessorWord>, HostError> {
        processor::words(&mut |command, arguments| self.ask(command, arguments))
    }

    fn network_seen(&self) -> NetworkSeen {
        self.network_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn stop(mut self: Box<Self>) -> Result<StopReport, HostError> {
        let status = self.end()?.unwrap_or_default();
        Ok(StopReport {
            status,
            peak_memory_bytes: self.process.peak_memory(),
        })
    }
}

impl Drop for LocalMachine {
    fn drop(&mut self) {
        // Nobody is left to be told; the kernel still kills QEMU when the watcher's thread ends.
        let _ = self.end();
    }
}

fn did_not_start(status: &str, stderr: &str) -> HostError {
    HostError::Failed {
        action: "starting QEMU",
        detail: format!("{status}: {stderr}"),
    }
}

fn ended() -> HostError {
    HostError::Failed {
        action: "watching the machine",
        detail: "it has ended".to_owned(),
    }
}

//! The process: connects to its host, is told what machine to be, and is it.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use detente_block::with_causes;
use detente_machine::hyperv::{Answer, Command, Ending, Event, MachineConfig, Order, PROTOCOL};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

use crate::machine::{Machine, Ports, Wires};
use crate::stream::{Endpoint, Inbound, Outbox, Source, read_all};

/// How many pieces from the host wait before its stream is read no further.
const INBOX: usize = 64;
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Serves one machine, from the host's first order to the machine's end.
///
/// # Errors
/// When the host cannot be reached, or its stream breaks before there is a machine.
pub fn serve(endpoint: &Endpoint) -> io::Result<Ending> {
    let (from, to) = endpoint.open()?;
    let outbox = Arc::new(Outbox::default());
    let ports = Arc::new(OnceLock::new());
    let written = start_writer(to, Arc::clone(&outbox), Arc::clone(&ports))?;
    let wake = EventFd::new(EFD_NONBLOCK)?;
    let inbox = start_reader(from, wake.try_clone()?)?;
    outbox.event(&Event::Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    let wires = Wires {
        outbox: Arc::clone(&outbox),
        inbox,
        wake,
    };
    let ending = be_a_machine(wires, &ports);
    outbox.event(&Event::Ended {
        ending: ending.clone(),
    });
    outbox.close();
    match written.recv_timeout(LAST_WORDS) {
        Ok(result) => result?,
        // A host that does not listen does not keep us.
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
    }
    Ok(ending)
}

fn start_writer(
    to: File,
    outbox: Arc<Outbox>,
    ports: Arc<OnceLock<Arc<Ports>>>,
) -> io::Result<Receiver<io::Result<()>>> {
    let (done, written) = channel();
    let emptied = move || {
        if let Some(ports) = ports.get() {
            ports.emptied();
        }
    };
    let write = move || {
        // Who waits for the end may have given up.
        let _ = done.send(outbox.write_all(to, emptied));
    };
    thread::Builder::new()
        .name("to-host".to_owned())
        .spawn(write)?;
    Ok(written)
}

fn start_reader(from: Source, wake: EventFd) -> io::Result<Receiver<Inbound>> {
    let (sender, inbox): (SyncSender<Inbound>, _) = sync_channel(INBOX);
    let read = move || {
        read_all(from, |inbound| {
            let heard = sender.send(inbound).is_ok();
            // It fails only when it was rung 2^64 - 2 times and nobody came.
            let _ = wake.write(1);
            heard
        });
    };
    thread::Builder::new()
        .name("from-host".to_owned())
        .spawn(read)?;
    Ok(inbox)
}

fn be_a_machine(wires: Wires, ports: &OnceLock<Arc<Ports>>) -> Ending {
    let (id, config) = match wait_for_start(&wires) {
        Ok(start) => start,
        Err(ending) => return ending,
    };
    let outbox = Arc::clone(&wires.outbox);
    let answer = |answer| outbox.event(&Event::Answered { id, answer });
    match Machine::new(&config, wires) {
        Ok(machine) => {
            // It is set once: there is one machine.
            let _ = ports.set(Arc::clone(machine.ports()));
            answer(Answer::Done);
            machine.run()
        }
        Err(error) => {
            let why = with_causes(&error);
            answer(Answer::Failed { why: why.clone() });
            Ending::Failed { why }
        }
    }
}

/// Waits to be told what machine to be.
fn wait_for_start(wires: &Wires) -> Result<(u64, Box<MachineConfig>), Ending> {
    loop {
        let (id, command) = match wires.inbox.recv() {
            Ok(Inbound::Order(Order { id, command })) => (id, command),
            // There is no guest yet that could read these.
            Ok(Inbound::Console(_) | Inbound::Agent(_) | Inbound::Network(_)) => continue,
            Ok(Inbound::Gone { why: None }) | Err(_) => return Err(Ending::Quit),
            Ok(Inbound::Gone { why: Some(why) }) => return Err(Ending::Failed { why }),
        };
        let answer = |answer| wires.outbox.event(&Event::Answered { id, answer });
        let refuse = |why: String| answer(Answer::Failed { why });
        match command {
            Command::Start { protocol, config } if protocol == PROTOCOL => {
                if config.schema == MachineConfig::SCHEMA {
                    return Ok((id, config));
                }
                refuse(format!(
                    "{} is not {}",
                    config.schema,
                    MachineConfig::SCHEMA
                ));
            }
            Command::Start { protocol, .. } => {
                refuse(format!(
                    "the host speaks protocol {protocol}, we speak {PROTOCOL}"
                ));
            }
            Command::Quit => {
                answer(Answer::Done);
                return Err(Ending::Quit);
            }
            Command::PowerOff
            | Command::Restart
            | Command::Status
            | Command::AddDisk { .. }
            | Command::RemoveDisk { .. }
            | Command::ResizeDisk { .. }
            | Command::Kvp { .. }
            | Command::Freeze
            | Command::Thaw
            | Command::SyncTime
            | Command::Type { .. } => refuse("there is no machine yet".to_owned()),
        }
    }
}

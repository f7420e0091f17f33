//! A guest in a lab: its disks plugged in, its machine's process started, its end watched.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use detente_machine::LaunchSpec;
use detente_machine::hyperv::MachineConfig;
use detente_machine::lab::{DISK_FOLDER, Request};

use super::plug::Number;
use super::running::Lab;
use super::sink::Told;
use crate::hyperv::{Ender, Found, HypervMachine, Joined, Shown, config, join, whole};
use crate::local::ports::Event;
use crate::{HostError, MachineEvent};

/// How long the lab may take to find the disks and start the machine's process.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to end it.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Where a lab waits for its next guest.
pub(crate) type Slot = Arc<Mutex<Option<Lab>>>;

/// Starts a guest. The lab goes back into `slot` when it ends.
pub(crate) fn start(
    mut lab: Lab,
    spec: &LaunchSpec,
    shown: Shown,
    work: &Path,
    slot: Slot,
) -> Result<HypervMachine, HostError> {
    let number = lab.next_number();
    let config = plug(&mut lab, number, spec, shown)?;
    let told = lab.sink.listen();
    let socket = request(&mut lab, number, spec)?;
    let mut joined = join(socket, spec, work)?;
    let watcher = watch(&mut joined, told).map_err(|source| HostError::Io {
        action: "starting threads",
        source,
    })?;
    let ender = LabEnder {
        lab: Some(lab),
        watcher: Some(watcher),
        slot,
        peak: None,
    };
    let mut machine = joined.machine(spec, Box::new(ender));
    machine.launch(config)?;
    Ok(machine)
}

/// Plugs in what the guest needs; gives the machine as its process is told it.
fn plug(
    lab: &mut Lab,
    number: Number,
    spec: &LaunchSpec,
    shown: Shown,
) -> Result<MachineConfig, HostError> {
    let seen_as = |name: &str| PathBuf::from(DISK_FOLDER).join(name);
    let boot = [
        ("kernel", &spec.boot.kernel),
        ("initramfs", &spec.boot.initramfs),
    ];
    let mut spans = Vec::new();
    for (name, file) in boot {
        let name = number.file(name);
        lab.monitor.plug_file(&name, file)?;
        spans.push(whole(file, &seen_as(&name))?);
    }
    let mut disks = Vec::new();
    for (index, disk) in spec.disks.iter().enumerate() {
        let name = number.disk(index);
        lab.monitor.plug_disk(&name, disk)?;
        disks.push((seen_as(&name), None));
    }
    let [kernel, initramfs] =
        <[_; 2]>::try_from(spans).expect("there are two boot files, each with its span");
    let found = Found {
        kernel,
        initramfs,
        disks,
        hide_xsave: true,
    };
    Ok(config(spec, shown, found))
}

/// Has the machine's process started; gives the stream to it.
fn request(lab: &mut Lab, number: Number, spec: &LaunchSpec) -> Result<UnixStream, HostError> {
    lab.monitor.plug_port(number)?;
    let socket = lab
        .place
        .connect(&number.socket())
        .map_err(|source| HostError::Io {
            action: "connecting to the lab",
            source,
        })?;
    let serials = (0..spec.disks.len())
        .map(|index| number.disk(index))
        .chain(["kernel", "initramfs"].map(|name| number.file(name)));
    let request = Request::Start {
        port: number.port(),
        disks: serials.collect(),
        kill_after_ms: spec
            .synthetic
            .killed_after
            .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
    };
    lab.link.order(request, START_LIMIT)?;
    Ok(socket)
}

/// Tells whoever takes the events of the end of the machine's process, after everything else.
fn watch(joined: &mut Joined, told: Receiver<Told>) -> std::io::Result<JoinHandle<String>> {
    let events = joined.events.clone();
    let gone = Arc::clone(&joined.gone);
    let threads = std::mem::take(&mut joined.threads);
    std::thread::Builder::new()
        .name("watch machine".to_owned())
        .spawn(move || {
            let mut end = None;
            while end.is_none()
                && let Ok(told) = told.recv()
            {
                match told {
                    Told::Broken(error) => drop(events.send(Event::Err(error))),
                    Told::Ended { status, stderr } => end = Some((status, stderr)),
                }
            }
            gone.store(true, Ordering::Release);
            for thread in threads {
                let _ = thread.join();
            }
            let Some((status, stderr)) = end else {
                return String::new();
            };
            let _ = events.send(Ok(MachineEvent::Exited {
                status: status.clone(),
                stderr,
            }));
            status
        })
}

struct LabEnder {
    lab: Option<Lab>,
    watcher: Option<JoinHandle<String>>,
    slot: Slot,
    peak: Option<u64>,
}

impl Ender for LabEnder {
    fn end(&mut self) -> Result<String, HostError> {
        let Some(mut lab) = self.lab.take() else {
            return Ok(String::new());
        };
        self.peak = lab.peak_memory();
        let stopped = lab.link.order(Request::Stop, STOP_LIMIT);
        // What the lab told of the end came before its answer.
        lab.sink.close();
        let status = self.watcher.take().map(JoinHandle::join);
        // A lab that does not do what it is told is no place for another guest: it goes.
        stopped?;
        lab.monitor.unplug_all()?;
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(lab);
        Ok(status.and_then(Result::ok).unwrap_or_default())
    }

    fn peak_memory(&self) -> Option<u64> {
        self.peak
    }
}

//! The machine on this host's own KVM: a process of ours, joined to us by a socket.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use detente_machine::LaunchSpec;
use detente_machine::qemu::Accelerator;
use rustix::fs::{MemfdFlags, memfd_create};
use serde::Deserialize;

use super::{Ender, Found, PRODUCT, Shown, config, join, whole};
use crate::local::process::{self, Process, Readers};
use crate::local::{acceleration, bounded, child, resources};
use crate::{Acceleration, Host, HostError, HostFacts, Implementation, Machine};

/// How long the machine's program may try out KVM.
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// How long a machine may take to leave by itself, and how long the kernel may take to end it.
const QUIT_LIMIT: Duration = Duration::from_secs(2);
const KILL_LIMIT: Duration = Duration::from_secs(20);

/// What the machine's program says of KVM.
#[derive(Debug, Deserialize)]
struct Probe {
    usable: bool,
    sentence: String,
}

/// The machine on this host's KVM.
pub(crate) struct KvmHost {
    facts: HostFacts,
    program: Program,
    shown: Shown,
}

/// The machine's program: a file in memory only, and what it is started with.
struct Program {
    file: File,
    arguments: &'static [&'static str],
}

impl Program {
    fn new(bytes: &[u8]) -> io::Result<Self> {
        let mut file = File::from(memfd_create("detente-hyperv", MemfdFlags::CLOEXEC)?);
        file.write_all(bytes)?;
        let arguments = &["--stdin"];
        Ok(Self { file, arguments })
    }

    /// Where it can be executed: in us, and in a child until it becomes another program.
    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }
}

impl KvmHost {
    /// Tries out this host's KVM with the machine's own program. The error is a sentence that
    /// says why it is of no use.
    pub(crate) fn find(program: &[u8], shown: Shown) -> Result<Self, String> {
        let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let virtual_processor = acceleration::usable_processor(&processor)?;
        let program = Program::new(program).map_err(|error| error.to_string())?;
        let probe = probe(&program)?;
        let sentence = probe.sentence;
        if !probe.usable {
            return Err(sentence);
        }
        let (acceleration, place) = if virtual_processor {
            let place = "on a processor that is itself virtual";
            (Acceleration::Nested, place)
        } else {
            (Acceleration::Hardware, "on the processor")
        };
        Ok(Self {
            facts: HostFacts {
                product: PRODUCT.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                package: None,
                implementation: Implementation::CompatibleImplementation,
                acceleration,
                acceleration_proof: format!("{sentence}, {place}"),
                host_kernel: rustix::system::uname()
                    .release()
                    .to_string_lossy()
                    .into_owned(),
                host_cpu: acceleration::processor_name(),
                program: PathBuf::new(),
            },
            program,
            shown,
        })
    }

    fn command(&self, stream: UnixStream) -> Command {
        let mut command = Command::new(self.program.path());
        command
            .args(self.program.arguments)
            .env_clear()
            .stdin(OwnedFd::from(stream))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        child::guard(&mut command);
        command
    }
}

impl Host for KvmHost {
    fn facts(&self) -> &HostFacts {
        &self.facts
    }

    fn start(&self, spec: &LaunchSpec, work: &Path) -> Result<Box<dyn Machine>, HostError> {
        resources::check(spec, Accelerator::Kvm, work)?;
        let (ours, theirs) = UnixStream::pair().map_err(|source| HostError::Io {
            action: "creating sockets",
            source,
        })?;
        let config = config(spec, self.shown, found(spec, work)?);
        let watched = process::start(&spec.name, self.command(theirs))?;
        let ender = ProcessEnder {
            process: Arc::clone(&watched.process),
            watcher: Some(watched.watcher),
        };
        let mut joined = match join(ours, spec, work) {
            Ok(joined) => joined,
            Err(error) => {
                let _ = ender.process.kill();
                return Err(error);
            }
        };
        let _ = watched.readers.send(Readers {
            threads: std::mem::take(&mut joined.threads),
            events: joined.events.clone(),
        });
        let mut machine = joined.machine(spec, Box::new(ender));
        machine.launch(config)?;
        Ok(Box::new(machine))
    }
}

/// The files of a guest as they are: the machine reads an image's chain by itself, and keeps what
/// the guest writes in a file of its own beside the others.
fn found(spec: &LaunchSpec, work: &Path) -> Result<Found, HostError> {
    let mut disks = Vec::new();
    for (index, disk) in spec.disks.iter().enumerate() {
        let Some(top) = disk.below.files().next() else {
            return Err(HostError::Failed {
                action: "giving the machine its disks",
                detail: format!("disk {index} has no image"),
            });
        };
        let overlay = work.join(format!("disk{index}.written.overlay"));
        disks.push((top.to_owned(), Some(overlay)));
    }
    Ok(Found {
        kernel: whole(&spec.boot.kernel, &spec.boot.kernel)?,
        initramfs: whole(&spec.boot.initramfs, &spec.boot.initramfs)?,
        disks,
        hide_xsave: false,
    })
}

fn probe(program: &Program) -> Result<Probe, String> {
    let mut command = Command::new(program.path());
    command.arg("--probe");
    let ended = bounded::run(command, PROBE_LIMIT)
        .map_err(|error| format!("KVM could not be tried out: {error}"))?;
    serde_json::from_str(&ended.stdout).map_err(|_| {
        format!(
            "KVM could not be tried out: {}: {}",
            ended.status, ended.stderr
        )
    })
}

/// Ends a process of ours.
struct ProcessEnder {
    process: Arc<Process>,
    watcher: Option<JoinHandle<String>>,
}

impl Ender for ProcessEnder {
    fn end(&mut self) -> Result<String, HostError> {
        let Some(watcher) = self.watcher.take() else {
            return Ok(String::new());
        };
        let action = "ending the Hyper-V-compatible machine";
        let io = |source| HostError::Io { action, source };
        self.process.sample();
        if !self.process.wait(QUIT_LIMIT).map_err(io)? {
            self.process.kill().map_err(io)?;
            if !self.process.wait(KILL_LIMIT).map_err(io)? {
                return Err(HostError::Failed {
                    action,
                    detail: format!("it still runs {KILL_LIMIT:?} after it was killed"),
                });
            }
        }
        watcher.join().map_err(|_| HostError::Failed {
            action,
            detail: "the thread that watched it broke".to_owned(),
        })
    }

    fn peak_memory(&self) -> Option<u64> {
        self.process.peak_memory()
    }
}

#[cfg(test)]
mod tests;

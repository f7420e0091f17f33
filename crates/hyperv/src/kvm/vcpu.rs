//! One processor: run it, and say why it came back.

use kvm_bindings::{
    KVM_SYSTEM_EVENT_CRASH, KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_SHUTDOWN, Msrs, kvm_msr_entry,
};
use kvm_ioctls::{VcpuExit, VcpuFd};

use super::error::{KvmError, refused};
use super::exit::{self, Hypercall, HypervExit, SynicState};
use super::memory::Memory;
use super::registers;
use crate::loader::EntryState;

const AGAIN: i32 = rustix::io::Errno::AGAIN.raw_os_error();
const INTERRUPTED: i32 = rustix::io::Errno::INTR.raw_os_error();

/// The five crash registers.
const CRASH_PARAMETERS: [u32; 5] = [
    0x4000_0100,
    0x4000_0101,
    0x4000_0102,
    0x4000_0103,
    0x4000_0104,
];

/// A processor.
#[derive(Debug)]
pub struct Vcpu {
    fd: VcpuFd,
    number: u32,
    /// The kernel uses it for as long as the descriptor above is open.
    _memory: Memory,
}

/// Why a processor left the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// Nothing is left to do: run it again.
    Again,
    /// It changed its synthetic interrupt controller.
    Synic(SynicState),
    /// It called the hypervisor; answer with [`Vcpu::set_result`].
    Call(Hypercall),
    /// It reported a crash, with five parameters.
    Crash([u64; 5]),
    /// It reset the machine.
    Reset,
    /// It powered the machine off.
    PowerOff,
    /// It met faults while it handled faults.
    TripleFault,
    /// KVM cannot go on.
    Broken(String),
}

/// What a processor does at a port: bytes one behind the other, all at the same port.
#[derive(Debug, PartialEq, Eq)]
pub enum Access<'a> {
    /// It writes these.
    Out(&'a [u8]),
    /// It reads these, when they are filled in.
    In(&'a mut [u8]),
}

impl Vcpu {
    pub(super) fn new(fd: VcpuFd, number: u32, memory: Memory) -> Self {
        Self {
            fd,
            number,
            _memory: memory,
        }
    }

    /// Its number, counted from 0; Hyper-V's index too.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Lets it start there. The others are started by the guest itself.
    ///
    /// # Errors
    /// [`KvmError::Refused`].
    pub fn set_entry(&self, state: &EntryState) -> Result<(), KvmError> {
        registers::set_entry(&self.fd, state)
    }

    /// What a call gives back to the guest, at the next run.
    pub fn set_result(&mut self, result: u64) {
        exit::set_result(self.fd.get_kvm_run(), result);
    }

    /// Runs it until it leaves the guest. `port` does what is done at ports, and says what comes
    /// of it.
    ///
    /// # Errors
    /// [`KvmError::Refused`] when it cannot be run any more.
    pub fn run(&mut self, port: impl FnOnce(u16, Access<'_>) -> Exit) -> Result<Exit, KvmError> {
        let left = match self.fd.run() {
            Ok(VcpuExit::IoOut(at, data)) => Left::For(port(at, Access::Out(data))),
            Ok(VcpuExit::IoIn(at, data)) => Left::For(port(at, Access::In(data))),
            Ok(other) => of_kvm(other),
            // A processor that waits to be started comes back with EAGAIN, and one that a signal
            // met with EINTR.
            Err(errno) if [AGAIN, INTERRUPTED].contains(&errno.errno()) => Left::For(Exit::Again),
            Err(errno) => return Err(refused("run a processor")(errno)),
        };
        match left {
            Left::For(exit) => Ok(exit),
            Left::ForHyperv => Ok(of_hyperv(exit::read(self.fd.get_kvm_run()))),
            Left::WithCrash => self.crash_parameters().map(Exit::Crash),
        }
    }

    fn crash_parameters(&self) -> Result<[u64; 5], KvmError> {
        let what = "read the crash registers";
        let entries = CRASH_PARAMETERS.map(|index| kvm_msr_entry {
            index,
            ..Default::default()
        });
        let mut msrs = Msrs::from_entries(&entries).map_err(|_| KvmError::TooMany {
            what: "the list of registers",
            entries: entries.len(),
        })?;
        self.fd.get_msrs(&mut msrs).map_err(refused(what))?;
        let mut parameters = [0; 5];
        for (parameter, msr) in parameters.iter_mut().zip(msrs.as_slice()) {
            *parameter = msr.data;
        }
        Ok(parameters)
    }
}

/// Why KVM came back; where the shared page has to be read again, that is left to do.
enum Left {
    For(Exit),
    ForHyperv,
    WithCrash,
}

fn of_kvm(exit: VcpuExit<'_>) -> Left {
    Left::For(match exit {
        VcpuExit::Hyperv => return Left::ForHyperv,
        VcpuExit::SystemEvent(KVM_SYSTEM_EVENT_CRASH, _) => return Left::WithCrash,
        VcpuExit::SystemEvent(KVM_SYSTEM_EVENT_RESET, _) => Exit::Reset,
        VcpuExit::SystemEvent(KVM_SYSTEM_EVENT_SHUTDOWN, _) => Exit::PowerOff,
        VcpuExit::Shutdown => Exit::TripleFault,
        // Nothing is there: reads give ones, writes are lost, as on a bus that nobody answers on.
        VcpuExit::MmioRead(_, data) => {
            data.fill(0xFF);
            Exit::Again
        }
        VcpuExit::MmioWrite(..) | VcpuExit::Intr | VcpuExit::Hlt | VcpuExit::IrqWindowOpen => {
            Exit::Again
        }
        VcpuExit::FailEntry(reason, _) => Exit::Broken(format!(
            "the processor refused to enter the guest ({reason:#x})"
        )),
        VcpuExit::InternalError => Exit::Broken("KVM met an error of its own".to_owned()),
        other => Exit::Broken(format!(
            "KVM left the guest for {other:?}, which is not expected"
        )),
    })
}

fn of_hyperv(exit: HypervExit) -> Exit {
    match exit {
        HypervExit::Synic(state) => Exit::Synic(state),
        HypervExit::Call(call) => Exit::Call(call),
        HypervExit::Other(number) => Exit::Broken(format!(
            "KVM reports a matter of Hyper-V's ({number}) that is not expected"
        )),
    }
}

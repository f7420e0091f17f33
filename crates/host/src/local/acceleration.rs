//! How instructions are executed here: proved by executing some.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::fs::{MemfdFlags, memfd_create};

use super::{AccelerationChoice, bounded};
use crate::{Acceleration, HostError};

const LIMIT: Duration = Duration::from_secs(30);

/// Where the child finds the ROM.
const ROM_FD: i32 = 3;

/// `isa-debug-exit` ends QEMU with twice the value that the guest wrote, plus one.
const EXIT_CODE: i32 = 0x2a * 2 + 1;

const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// What was found out.
pub(crate) struct Proved {
    pub(crate) acceleration: Acceleration,
    pub(crate) sentence: String,
    /// Whether this QEMU can confine itself.
    pub(crate) sandbox: bool,
}

/// Proves KVM, or says why not and proves QEMU's translator.
pub(crate) fn prove(program: &Path, choice: AccelerationChoice) -> Result<Proved, HostError> {
    let refused = match choice {
        AccelerationChoice::Emulated => "software emulation was asked for".to_owned(),
        AccelerationChoice::Proved => match prove_kvm(program) {
            Ok(proved) => return Ok(proved),
            Err(reason) => reason,
        },
    };
    let sandbox = run_anywhere(program, "tcg", "max").map_err(|detail| HostError::Failed {
        action: "running a test program in QEMU",
        detail,
    })?;
    Ok(Proved {
        acceleration: Acceleration::Emulated,
        sentence: format!("{refused}; a test program ran in QEMU's translator"),
        sandbox,
    })
}

fn prove_kvm(program: &Path) -> Result<Proved, String> {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let virtual_processor = usable_processor(&processor)?;
    File::options()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .map_err(|error| format!("/dev/kvm cannot be opened ({error})"))?;
    let sandbox = run_anywhere(program, "kvm", "host")
        .map_err(|error| format!("a test program did not run under KVM ({error})"))?;
    let (acceleration, where_) = if virtual_processor {
        (
            Acceleration::Nested,
            "on a processor that is itself virtual",
        )
    } else {
        (Acceleration::Hardware, "on the processor")
    };
    Ok(Proved {
        acceleration,
        sentence: format!("a test program ran under KVM {where_}"),
        sandbox,
    })
}

/// Whether the processor is itself virtual; an error says why it can run no machine.
pub(crate) fn usable_processor(cpuinfo: &str) -> Result<bool, String> {
    let flags: Vec<&str> = field(cpuinfo, "flags")
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    if !flags.contains(&"vmx") && !flags.contains(&"svm") {
        return Err("the processor shows neither vmx nor svm, so KVM cannot use it".to_owned());
    }
    Ok(flags.contains(&"hypervisor"))
}

/// The processor's name, as the kernel shows it.
pub(crate) fn processor_name() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    field(&cpuinfo, "model name")
        .unwrap_or("unknown")
        .to_owned()
}

fn field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Confined if that works, else not. Says which.
fn run_anywhere(program: &Path, accelerator: &str, processor: &str) -> Result<bool, String> {
    if run(program, accelerator, processor, true).is_ok() {
        return Ok(true);
    }
    run(program, accelerator, processor, false).map(|()| false)
}

fn run(program: &Path, accelerator: &str, processor: &str, sandbox: bool) -> Result<(), String> {
    let rom = rom_file().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command
        .args(["-nodefaults", "-no-user-config", "-display", "none"])
        .args(["-machine", "q35,smm=off", "-accel", accelerator])
        .args(["-cpu", processor, "-m", "size=16M", "-no-reboot"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        .args(["-bios", &format!("/proc/self/fd/{ROM_FD}")]);
    if sandbox {
        command.args(["-sandbox", SANDBOX]);
    }
    command
        .fd_mappings(vec![FdMapping {
            parent_fd: rom,
            child_fd: ROM_FD,
        }])
        .map_err(|error| error.to_string())?;
    let ended = bounded::run(command, LIMIT).map_err(|error| error.to_string())?;
    if ended.status.code() == Some(EXIT_CODE) {
        return Ok(());
    }
    let said = ended.stderr.lines().next().unwrap_or("it said nothing");
    Err(format!("{}: {said}", ended.status))
}

fn rom_file() -> std::io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("detente-probe", MemfdFlags::CLOEXEC)?);
    file.write_all(&rom())?;
    Ok(file.into())
}

/// A ROM of 64 KiB whose program adds the numbers from 1 to 1000, and writes 0x2a to port 0xf4 if
/// the sum is right.
fn rom() -> Vec<u8> {
    const SIZE: usize = 0x1_0000;
    const PROGRAM_AT: usize = 0xff00;
    // Where every x86 processor starts (Intel SDM volume 3, 10.1.4).
    const RESET_AT: usize = 0xfff0;
    let program = [
        0x31, 0xc0, // xor ax, ax
        0xb9, 0xe8, 0x03, // mov cx, 1000
        0x01, 0xc8, // add ax, cx
        0xe2, 0xfc, // loop (to the addition)
        0x3d, 0x14, 0xa3, // cmp ax, 500500 mod 65536
        0x75, 0x06, // jne (to hlt)
        0xb0, 0x2a, // mov al, 0x2a
        0xba, 0xf4, 0x00, // mov dx, 0xf4
        0xee, // out dx, al
        0xf4, // hlt
        0xeb, 0xfd, // jmp (to hlt)
    ];
    let mut rom = vec![0xf4; SIZE];
    rom[PROGRAM_AT..PROGRAM_AT + program.len()].copy_from_slice(&program);
    rom[RESET_AT..RESET_AT + 3].copy_from_slice(&[0xe9, 0x0d, 0xff]); // jmp 0xff00
    rom
}

#[cfg(test)]
mod tests {
    use super::usable_processor;

    #[test]
    fn only_a_processor_with_the_extension_is_usable() {
        let cpu =
            |flags| usable_processor(&format!("processor\t: 0\nflags\t\t: fpu {flags} sse\n"));
        assert_eq!(cpu("vmx"), Ok(false));
        assert_eq!(cpu("svm"), Ok(false));
        assert_eq!(cpu("vmx hypervisor"), Ok(true));
        assert!(cpu("hypervisor").is_err());
        assert!(cpu("vmxsvm").is_err());
        assert!(usable_processor("").is_err());
    }
}

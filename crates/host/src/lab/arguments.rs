//! QEMU's arguments for the lab.

use std::ffi::OsString;
use std::path::Path;

use detente_machine::lab::LAB_PORT;
use detente_machine::qemu::TCG_CACHE_MIB;

use super::place::{CONSOLE, INITRAMFS, LAB, MONITOR};

/// The bus of the disks that are plugged in for machines.
pub(crate) const DISK_BUS: &str = "disks.0";

/// The bus of the ports that are plugged in for machines.
pub(crate) const PORT_BUS: &str = "ports.0";

/// What QEMU may not do once it runs; it needs none of it.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// Every test of a kernel's own that a translated processor would spend seconds on is left out,
/// and so is every defence against guests of another owner: there is one guest.
const COMMAND_LINE: &str = "console=ttyS0 quiet panic=1 nokaslr mitigations=off nowatchdog audit=0 \
                            apparmor=0 selinux=0 cryptomgr.notests random.trust_cpu=on rdinit=/init";

/// The processor: AMD's virtualization, with nested paging. A fifth level of page tables only
/// makes every software walk longer.
const PROCESSOR: &str = "max,la57=off,+svm";

/// What the lab is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) processors: u32,
    pub(crate) memory_mib: u64,
}

/// The arguments. Names of sockets and logs are relative: QEMU runs in the lab's folder.
pub(crate) fn arguments(kernel: &Path, size: Size, sandbox: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-nodefaults", "-no-user-config"].map(Into::into).into();
    let mut pair = |option: &str, value: OsString| {
        arguments.push(option.into());
        arguments.push(value);
    };
    let accelerator = format!("tcg,thread=multi,tb-size={TCG_CACHE_MIB}");
    pair("-name", "guest=detente-lab".into());
    pair("-machine", "q35,smm=off,vmport=off".into());
    pair("-accel", accelerator.into());
    pair("-cpu", PROCESSOR.into());
    pair("-smp", size.processors.to_string().into());
    pair("-m", format!("size={}M", size.memory_mib).into());
    pair("-rtc", "base=utc".into());
    pair("-kernel", kernel.into());
    pair("-initrd", INITRAMFS.into());
    pair("-append", COMMAND_LINE.into());
    pair("-action", "reboot=shutdown,shutdown=poweroff".into());
    pair("-display", "none".into());
    pair("-msg", "timestamp=off".into());
    if sandbox {
        pair("-sandbox", SANDBOX.into());
    }
    pair("-chardev", format!("file,id=console,path={CONSOLE}").into());
    pair("-device", "isa-serial,chardev=console".into());
    pair("-device", "virtio-serial-pci,id=ports".into());
    pair("-chardev", listening("lab", LAB).into());
    let port = format!("virtserialport,bus={PORT_BUS},chardev=lab,name={LAB_PORT}");
    pair("-device", port.into());
    pair("-device", "virtio-scsi-pci,id=disks".into());
    pair("-chardev", listening("qmp", MONITOR).into());
    pair("-mon", "chardev=qmp,mode=control".into());
    arguments
}

/// The devices of the lab, by the names of QEMU's `-device`.
pub const DEVICES: [&str; 5] = [
    "isa-serial",
    "scsi-hd",
    "virtio-scsi-pci",
    "virtio-serial-pci",
    "virtserialport",
];

fn listening(id: &str, socket: &str) -> String {
    format!("socket,id={id},path={socket},server=on,wait=off")
}

//! How to get what is missing.

use super::look::KvmNode;
use super::report::{Command, Remedy};

/// QEMU, and the firmware that loads a guest's kernel.
pub(crate) fn qemu() -> Remedy {
    Remedy {
        sentence: "install QEMU and its firmware",
        commands: vec![
            apt(&["qemu-system-x86", "seabios"]),
            dnf(&["qemu-kvm", "seabios-bin"]),
        ],
    }
}

/// A QEMU that is there and does not serve.
pub(crate) fn qemu_again() -> Remedy {
    Remedy {
        sentence: "install the distribution's QEMU, version 6 or later, with all its devices",
        ..qemu()
    }
}

/// The processor's help.
pub(crate) fn kvm(node: KvmNode) -> Remedy {
    match node {
        KvmNode::Absent => Remedy {
            sentence: "load the kernel's KVM; if the processor shows no vmx or svm, switch \
                       virtualization on in the firmware's set-up, or nested virtualization on \
                       the host of this machine",
            commands: vec![any(
                "sudo modprobe -a kvm-intel || sudo modprobe -a kvm-amd",
            )],
        },
        KvmNode::Closed => Remedy {
            sentence: "become a member of the group kvm, and log in again",
            commands: vec![any("sudo usermod --append --groups kvm \"$USER\"")],
        },
        KvmNode::Open => Remedy {
            sentence: "switch virtualization on in the firmware's set-up, or nested \
                       virtualization on the host of this machine",
            commands: Vec::new(),
        },
    }
}

/// A kernel for the lab.
pub(crate) fn lab_kernel() -> Remedy {
    Remedy {
        sentence: "fetch the distribution's kernel package into the cache (some 30 MB; nothing is \
                   installed), or install one",
        commands: vec![
            any("detente lab up --fetch-kernel && detente lab down"),
            apt(&["linux-image-cloud-amd64"]),
            dnf(&["kernel-core", "kernel-modules-core"]),
        ],
    }
}

/// Memory for a machine.
pub(crate) fn memory() -> Remedy {
    Remedy {
        sentence: "end other programs, or give this machine more memory",
        commands: vec![any("ps -eo rss,comm --sort=-rss | head")],
    }
}

/// Room for a run.
pub(crate) fn disk() -> Remedy {
    Remedy {
        sentence: "free some space, or name a folder on another disk with \
                   `detente validate --out DIR`",
        commands: vec![any("df --human-readable")],
    }
}

/// A place for runs.
pub(crate) fn run_folder() -> Remedy {
    Remedy {
        sentence: "set HOME or XDG_STATE_HOME, or name a folder with `detente validate --out DIR`",
        commands: Vec::new(),
    }
}

fn apt(packages: &[&'static str]) -> Command {
    let install = "sudo apt-get install --no-install-recommends";
    packaged("apt", install, packages)
}

fn dnf(packages: &[&'static str]) -> Command {
    packaged("dnf", "sudo dnf install", packages)
}

fn packaged(system: &'static str, install: &str, packages: &[&'static str]) -> Command {
    Command {
        system,
        packages: packages.to_vec(),
        command: format!("{install} {}", packages.join(" ")),
    }
}

fn any(command: &str) -> Command {
    Command {
        system: "any",
        packages: Vec::new(),
        command: command.to_owned(),
    }
}

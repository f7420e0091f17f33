//! Where the kernel speaks and somebody can log in.

use super::lookups::NO_ENTRY;
use super::{BOTH_KVM, SYNTHETIC};
use crate::check::command_line::Argument;
use crate::check::profile::Profile;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};

const NOT_KVM: &[Profile] = &[
    Profile::HypervGen1,
    Profile::HypervGen2,
    Profile::HypervVmbus,
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.console.serial-only",
        aspect: Aspect::Console,
        severity: Severity::Degrades,
        profiles: SYNTHETIC,
        title: "the kernel speaks to a serial port alone",
        consequence: "Generation 2 has no serial port unless one is added, and the machine's \
                      window stays black.",
        remedy: "Add console=tty0 before the serial one, or give the machine a COM port.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Microsoft, generation 2 has no COM port by default; Linux, serial-console.rst",
        look: serial_only,
    },
    Rule {
        id: "linux.console.foreign-device",
        aspect: Aspect::Console,
        severity: Severity::Degrades,
        profiles: NOT_KVM,
        title: "the kernel speaks to a console that only another hypervisor has",
        consequence: "What it says there is lost; if it is the last console, logs of the boot are \
                      too.",
        remedy: "Take console=hvc0 (or xvc0) out, or put console=tty0 behind it.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, drivers/tty/hvc: virtio and Xen alone give hvc0",
        look: foreign_device,
    },
    Rule {
        id: "linux.console.no-serial",
        aspect: Aspect::Console,
        severity: Severity::Note,
        profiles: BOTH_KVM,
        title: "the kernel speaks to no serial port",
        consequence: "`virsh console` and the host's log show nothing; the window does.",
        remedy: "Add console=ttyS0,115200 before console=tty0.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, Documentation/admin-guide/serial-console.rst",
        look: no_serial,
    },
    Rule {
        id: "linux.console.login-on-serial",
        aspect: Aspect::Console,
        severity: Severity::Degrades,
        profiles: SYNTHETIC,
        title: "a login is offered again and again on a port that is not there",
        consequence: "init starts it anew every few seconds and fills the log.",
        remedy: "Take the line out of inittab, or give the machine a COM port.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "inittab(5), respawn; systemd waits for the device and does not",
        look: login_on_serial,
    },
    Rule {
        id: "linux.console.login-on-hvc",
        aspect: Aspect::Console,
        severity: Severity::Note,
        profiles: NOT_KVM,
        title: "a login is offered on a virtio console",
        consequence: "Nobody can use it on Hyper-V.",
        remedy: "Leave it: it does no harm, and KVM needs it.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "systemd-getty-generator(8)",
        look: login_on_hvc,
    },
];

fn consoles(view: &View<'_>) -> Vec<Argument> {
    let mut given = view.arguments();
    given.retain(|own| own.name == "console");
    given
}

fn device(argument: &Argument) -> &str {
    argument.value().split(',').next().unwrap_or_default()
}

fn serial_only(view: &View<'_>) -> Looked {
    let consoles = consoles(view);
    // Without any, the kernel speaks to tty0.
    let all = !consoles.is_empty() && consoles.iter().all(|own| device(own).starts_with("ttyS"));
    let shown = consoles.iter().filter(|_| all);
    Looked::found(shown.map(|own| own.proof(view)))
}

fn foreign_device(view: &View<'_>) -> Looked {
    let consoles = consoles(view);
    let foreign = consoles.iter().filter(|own| {
        let device = device(own);
        device.starts_with("hvc") || device.starts_with("xvc")
    });
    Looked::found(foreign.map(|own| own.proof(view)))
}

fn no_serial(view: &View<'_>) -> Looked {
    if view.default_entry().is_none() {
        return Looked::gap(NO_ENTRY);
    }
    let speaks = |own: &Argument| {
        let device = device(own);
        device.starts_with("ttyS") || device.starts_with("hvc")
    };
    if consoles(view).iter().any(speaks) {
        return Looked::fine();
    }
    let text = "the kernel that starts gets no console=ttyS0";
    Looked::found([Proof::words(text).file(view.menu()).key("console")])
}

fn login_on_serial(view: &View<'_>) -> Looked {
    let logins = view.facts.services.logins.iter();
    let serial =
        logins.filter(|own| own.terminal.starts_with("ttyS") && own.at.path.ends_with("inittab"));
    Looked::found(serial.map(|own| {
        let text = format!("a login is offered on {}", own.terminal);
        Proof::words(text).at(&own.at).key(&own.terminal)
    }))
}

fn login_on_hvc(view: &View<'_>) -> Looked {
    let logins = view.facts.services.logins.iter();
    let hvc = logins.filter(|own| own.terminal.starts_with("hvc"));
    Looked::found(hvc.map(|own| {
        let text = format!("a login is offered on {}", own.terminal);
        Proof::words(text).at(&own.at).key(&own.terminal)
    }))
}

//! Kernel arguments that meant other hardware, and consoles.

use crate::machine::Machine;
use crate::seed::{Seed, seed};
use crate::shapes::{alpine, debian};

const MENU: &str = "boot/grub/grub.cfg";

const fn given(rule: &'static str, proof: &'static str, change: fn(&mut Machine)) -> Seed {
    seed(rule, debian, proof, change)
}

pub(crate) const SEEDS: &[Seed] = &[
    given(
        "linux.arguments.acpi-off",
        "/boot/grub/grub.cfg acpi=off",
        |own| own.argument("acpi=off"),
    ),
    given("linux.arguments.nopv", "/boot/grub/grub.cfg nopv=", |own| {
        own.argument("nopv");
    }),
    given(
        "linux.arguments.clocksource",
        "/boot/grub/grub.cfg clocksource=kvm-clock",
        |own| own.argument("clocksource=kvm-clock"),
    ),
    given(
        "linux.arguments.tsc",
        "/boot/grub/grub.cfg tsc=reliable",
        |own| own.argument("tsc=reliable"),
    ),
    given(
        "linux.arguments.timer",
        "/boot/grub/grub.cfg no_timer_check=",
        |own| own.argument("no_timer_check"),
    ),
    given(
        "linux.arguments.apic",
        "/boot/grub/grub.cfg noapic=",
        |own| {
            own.argument("noapic");
        },
    ),
    given(
        "linux.arguments.prefer-emulated-disk",
        "/boot/grub/grub.cfg ata_piix.prefer_ms_hyperv=0",
        |own| own.argument("ata_piix.prefer_ms_hyperv=0"),
    ),
    given(
        "linux.arguments.memory-or-processors-fixed",
        "/boot/grub/grub.cfg maxcpus=1",
        |own| own.argument("maxcpus=1"),
    ),
    given(
        "linux.arguments.kvm-only",
        "/boot/grub/grub.cfg hv_nopvspin=",
        |own| own.argument("hv_nopvspin"),
    ),
    given(
        "linux.console.serial-only",
        "/boot/grub/grub.cfg console=ttyS0,115200",
        |own| own.replace(MENU, " console=tty0", ""),
    ),
    // systemd offers a login on every console of the kernel.
    given(
        "linux.console.foreign-device",
        "/boot/grub/grub.cfg console=hvc0",
        |own| own.argument("console=hvc0"),
    )
    .also(&["linux.console.login-on-hvc"]),
    given(
        "linux.console.no-serial",
        "/boot/grub/grub.cfg console",
        |own| own.replace(MENU, " console=ttyS0,115200", ""),
    ),
    seed(
        "linux.console.login-on-serial",
        alpine,
        "/etc/inittab:3 ttyS0",
        |own| {
            own.append(
                "etc/inittab",
                "ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100\n",
            )
        },
    ),
    given(
        "linux.console.login-on-hvc",
        "/etc/systemd/system/getty.target.wants/serial-getty@hvc0.service hvc0",
        |own| {
            let link = "etc/systemd/system/getty.target.wants/serial-getty@hvc0.service";
            let unit = "/usr/lib/systemd/system/serial-getty@.service";
            own.root = std::mem::take(&mut own.root).link(link, unit);
        },
    ),
];

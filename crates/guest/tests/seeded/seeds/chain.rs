//! From the loader to the kernel.

use crate::machine::Machine;
use crate::menus;
use crate::program::{Signer, kernel};
use crate::seed::{Seed, seed};
use crate::shapes::{debian, rhel};

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.boot.chain-broken",
        debian,
        "boot.kernel-missing",
        |own| own.remove("boot/vmlinuz-6.1.0-28-amd64"),
    ),
    seed(
        "linux.boot.one-time-entry",
        rhel,
        "next_entry=5d1f0c0b9f4e4e7c8a10de7e0000de01-5.14.0-362.el9.x86_64",
        |own| {
            let older = menus::id(own, 1);
            menus::grubenv(own, &format!("next_entry={older}\n"));
        },
    ),
    seed(
        "linux.kernel.modules-missing",
        debian,
        "/lib/modules/6.1.0-28-amd64",
        |own| {
            own.remove("usr/lib/modules/6.1.0-28-amd64/modules.dep");
            own.remove("usr/lib/modules/6.1.0-28-amd64/modules.builtin");
        },
    ),
    seed(
        "linux.kernel.special-purpose",
        with_debug_kernel,
        "/boot/vmlinuz-6.1.0-28-amd64-debug 6.1.0-28-amd64-debug",
        |own| own.replace("boot/grub/grub.cfg", "default=\"0\"", "default=\"2\""),
    ),
];

/// A third kernel, for finding faults, with all that the first one has.
fn with_debug_kernel() -> Machine {
    let mut own = debian();
    let (release, debug) = ("6.1.0-28-amd64", "6.1.0-28-amd64-debug");
    own.put(
        &format!("boot/vmlinuz-{debug}"),
        kernel(debug, &[Signer::Debian]),
    );
    for list in ["modules.dep", "modules.builtin"] {
        let text = own.root.text(&format!("usr/lib/modules/{release}/{list}"));
        own.put(&format!("usr/lib/modules/{debug}/{list}"), text);
    }
    let initramfs = (own.maker)(debug, crate::shapes::DRIVERS);
    own.put(&format!("boot/initrd.img-{debug}"), initramfs);
    let entry = menus::entry(debug, &format!("boot/initrd.img-{debug}"), "net.ifnames=0");
    own.append("boot/grub/grub.cfg", &entry);
    own
}

//! What the writer adds in the same form each time, and the reader knows again.

use crate::xml::Element;

/// The channel of QEMU's guest agent.
pub(super) const AGENT_CHANNEL: &str = "org.qemu.guest_agent.0";
/// The channel of SPICE's agent.
pub(super) const SPICE_CHANNEL: &str = "com.redhat.spice.0";

/// What Hyper-V would show to Windows: what libvirt's documentation lists and virt-manager sets,
/// without what needs a special host (`evmcs`) or hinders moving (`reenlightenment`).
const ENLIGHTENMENTS: &[&str] = &[
    "relaxed",
    "vapic",
    "vpindex",
    "runtime",
    "synic",
    "stimer",
    "reset",
    "frequencies",
    "tlbflush",
    "ipi",
];

/// `<hyperv>` with the enlightenments.
pub(super) fn hyperv() -> Element {
    let mut own = Element::new("hyperv").with("mode", "custom");
    for name in ENLIGHTENMENTS {
        own.push(Element::new(name).with("state", "on"));
    }
    let spinlocks = Element::new("spinlocks").with("state", "on");
    own.push(spinlocks.with("retries", "8191"));
    own
}

/// The same as features of QEMU's processor, each with a comma before it.
pub(crate) fn enlightenments() -> String {
    let mut own: String = ENLIGHTENMENTS
        .iter()
        .map(|name| format!(",hv-{name}=on"))
        .collect();
    own.push_str(",hv-spinlocks=8191,hv-time=on");
    own
}

/// The timers of `<clock>`, for a guest with enlightenments or without.
pub(super) fn timers(enlightened: bool) -> Vec<Element> {
    let timer = |name: &str| Element::new("timer").with("name", name);
    let mut all = vec![
        timer("rtc").with("tickpolicy", "catchup"),
        timer("pit").with("tickpolicy", "delay"),
        timer("hpet").with("present", "no"),
    ];
    if enlightened {
        all.push(timer("hypervclock").with("present", "yes"));
    }
    all
}

/// Random numbers of the host's.
pub(super) fn entropy() -> Element {
    let backend = Element::new("backend").with("model", "random");
    Element::new("rng")
        .with("model", "virtio")
        .holding(backend.saying("/dev/urandom"))
}

/// The balloon.
pub(super) fn balloon() -> Element {
    Element::new("memballoon").with("model", "virtio")
}

/// The device that tells of a panic.
pub(super) fn panic_notifier() -> Element {
    Element::new("panic").with("model", "isa")
}

/// The channel of an agent. QEMU's end is a Unix socket where libvirt puts it.
pub(super) fn channel(name: &str) -> Element {
    let kind = if name == SPICE_CHANNEL {
        "spicevmc"
    } else {
        "unix"
    };
    let target = Element::new("target").with("type", "virtio");
    Element::new("channel")
        .with("type", kind)
        .holding(target.with("name", name))
}

/// A screen that VNC shows on the host alone, on a card that every guest can drive, and a pointer
/// that is where the hand is.
pub(super) fn display() -> [Element; 3] {
    let model = Element::new("model").with("type", "vga");
    [
        Element::new("graphics")
            .with("type", "vnc")
            .with("port", "-1")
            .with("autoport", "yes")
            .with("listen", "127.0.0.1"),
        Element::new("video").holding(model),
        Element::new("input")
            .with("type", "tablet")
            .with("bus", "usb"),
    ]
}

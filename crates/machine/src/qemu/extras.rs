//! What single cases want beside a profile's own devices.

use super::Arguments;
use crate::{Extras, LaunchSpec, OnReset, Pretended, Topology};

/// The name of the port that the QEMU guest agent opens.
pub const GUEST_AGENT_PORT_NAME: &str = "org.qemu.guest_agent.0";

/// The most places for memory that is plugged in.
const MEMORY_PLACES: u8 = 4;

/// The identity of a slot, as a plugged-in device names its bus.
#[must_use]
pub fn slot(index: u8) -> String {
    format!("slot{index}")
}

/// The processors with those that can be plugged in: QEMU counts the sockets of both.
pub(super) fn most_processors(spec: &LaunchSpec) -> Topology {
    let sockets = spec.topology.sockets;
    Topology {
        sockets: sockets.saturating_add(spec.extras.empty_sockets),
        ..spec.topology
    }
}

/// `-m`, with room for what may be plugged in.
pub(super) fn memory(spec: &LaunchSpec) -> String {
    let size = spec.memory_mib;
    match spec.extras.pluggable_memory_mib {
        0 => format!("size={size}M"),
        more => format!(
            "size={size}M,slots={MEMORY_PLACES},maxmem={}M",
            size.saturating_add(more)
        ),
    }
}

/// What QEMU does when the guest resets, powers off or panics.
pub(super) fn actions(extras: Extras) -> &'static str {
    match extras.on_reset {
        OnReset::Ends => "reboot=shutdown,shutdown=poweroff,panic=pause",
        OnReset::Restarts => "reboot=reset,shutdown=poweroff,panic=pause",
    }
}

/// The devices.
pub(super) fn add(arguments: &mut Arguments, extras: Extras) {
    for index in 0..extras.slots {
        let (name, number) = (slot(index), index.saturating_add(1));
        arguments.pair(
            "-device",
            format!("pcie-root-port,id={name},chassis={number},slot={number}"),
        );
    }
    if extras.balloon {
        arguments.pair("-device", "virtio-balloon-pci,id=balloon0");
    }
    if extras.watchdog {
        arguments.pair("-device", "i6300esb,id=watchdog0");
        let fails = extras.pretended.contains(Pretended::Watchdog);
        let action = if fails { "none" } else { "reset" };
        arguments.pair("-action", format!("watchdog={action}"));
    }
}

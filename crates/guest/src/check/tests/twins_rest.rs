//! Twins of the rules about names, network, console, time and agents.

use serde_json::json;

use super::super::Profile::{HypervGen1, HypervGen2, HypervVmbus, Kvm, KvmLegacy};
use super::spoil::{argument, bind, from, mount, other_command_line, service, setting};
use super::twins::{Twin, any, of};
use crate::facts::{Facts, ServiceState};

pub(super) const TWINS: &[Twin] = &[
    any("linux.fstab.device-name", HypervGen2, |facts| {
        mount(facts, "/dev/vdb1", "/srv", "defaults");
    }),
    any("linux.fstab.device-name", Kvm, |facts| {
        mount(facts, "/dev/sdb1", "/srv", "defaults")
    }),
    any("linux.fstab.device-name-optional", HypervGen2, |facts| {
        mount(facts, "/dev/vdb1", "none", "sw");
    }),
    Twin {
        given: |facts| {
            let disk = facts.disks[0].clone();
            facts.disks.push(disk);
        },
        ..any("linux.fstab.device-order", HypervGen2, |facts| {
            mount(facts, "/dev/sdb1", "/srv", "defaults");
        })
    },
    any("linux.fstab.hardware-path", Kvm, |facts| {
        mount(
            facts,
            "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1",
            "/srv",
            "defaults",
        );
    }),
    any("linux.crypttab.device-name", HypervGen2, |facts| {
        facts
            .storage
            .crypttab
            .push(from(json!({"name": "data", "device": "/dev/vdb1",
            "key": "none", "options": "luks", "at": {"path": "/etc/crypttab", "line": 1}})));
    }),
    any("linux.arguments.interface-name", HypervGen2, |facts| {
        argument(facts, "ip=ens3:dhcp")
    }),
    any("linux.grub.device-name", HypervGen2, |facts| {
        let line = "root=/dev/vda2 quiet";
        facts
            .storage
            .boot_defaults
            .push(setting("GRUB_CMDLINE_LINUX", line));
    }),
    any("linux.kdump.device-name", HypervGen2, |facts| {
        facts.storage.kdump = Some(from(json!({"settings": [],
            "target": {"name": "ext4", "value": "/dev/vdb1",
                "at": {"path": "/etc/kdump.conf", "line": 9}}})));
    }),
    any("linux.mdadm.device-name", HypervGen2, |facts| {
        facts
            .storage
            .mdadm
            .push(setting("DEVICE", "/dev/vda1 /dev/vdb1"));
    }),
    any("linux.udev.storage-rule", HypervGen2, |facts| {
        facts
            .storage
            .udev
            .push(setting("udev", "KERNEL==\"vd*\", SYMLINK+=\"data\""));
    }),
    any("linux.swap.device-name", HypervGen2, |facts| {
        facts.storage.swap.push(setting("What", "/dev/vda3"));
    }),
    any("linux.lvm.devices-file", HypervGen2, |facts| {
        facts
            .storage
            .lvm
            .devices
            .push(from(json!({"id_type": "sys_wwid",
            "id_name": "naa.6002248", "at": {"path": "/etc/lvm/devices/system.devices",
            "line": 4}})));
    }),
    any("linux.multipath.mount-name", Kvm, |facts| {
        mount(facts, "/dev/mapper/mpathb1", "/srv", "defaults");
    }),
    of(
        "debian",
        "linux.network.interface-name",
        HypervGen2,
        |facts| {
            bind(facts, "name", "enp1s0");
        },
    ),
    of("debian", "linux.network.interface-name", Kvm, |facts| {
        bind(facts, "name", "eth0")
    }),
    any("linux.network.interface-name-of-one", HypervGen2, |facts| {
        let mut second = facts.network.connections[0].clone();
        second.binds = vec![from(json!({"by": "name", "value": "ens4",
            "at": {"path": "/etc/spoiled.conf", "line": 3}}))];
        facts.network.connections.push(second);
    }),
    any("linux.network.driver-bound", HypervGen2, |facts| {
        bind(facts, "driver", "virtio_net")
    }),
    any("linux.network.path-bound", HypervGen2, |facts| {
        bind(facts, "path", "pci-0000:01:00.0")
    }),
    of("debian", "linux.network.slot-bound", Kvm, |facts| {
        bind(facts, "name", "enp1s0")
    }),
    of("alpine", "linux.network.mac-bound", HypervGen2, |facts| {
        bind(facts, "mac", "52:54:00:12:34:56");
    }),
    any("linux.network.not-configured", Kvm, |facts| {
        facts.network.connections[0].on_boot = false;
    }),
    any("linux.network.name-rule-bound", HypervGen2, |facts| {
        facts
            .network
            .names
            .push(from(json!({"kind": "link", "name": "lan0", "policies": [],
            "at": {"path": "/etc/systemd/network/10-lan.link", "line": 1},
            "binds": [{"by": "driver", "value": "virtio_net",
                "at": {"path": "/etc/systemd/network/10-lan.link", "line": 2}}]})));
    }),
    any("linux.network.port-name", HypervGen2, |facts| {
        let mut bridge = facts.network.connections[0].clone();
        bridge.kind = from(json!("bridge"));
        "br0".clone_into(&mut bridge.name);
        bridge.binds.clear();
        bridge.ports = vec![setting("interfaces", "enp1s0")];
        facts.network.connections.push(bridge);
    }),
    any("linux.console.serial-only", HypervVmbus, |facts| {
        let default = facts.boot.default.as_mut().unwrap();
        default.command_line = Some("root=UUID=6d2b7a1e console=ttyS0".to_owned());
    }),
    any("linux.console.foreign-device", HypervGen1, |facts| {
        argument(facts, "console=hvc0")
    }),
    any("linux.console.no-serial", KvmLegacy, |facts| {
        let default = facts.boot.default.as_mut().unwrap();
        default.command_line = Some("root=UUID=6d2b7a1e".to_owned());
    }),
    any("linux.console.login-on-serial", HypervGen2, |facts| {
        login(facts, "ttyS0")
    }),
    any("linux.console.login-on-hvc", HypervGen1, |facts| {
        login(facts, "hvc0")
    }),
    any("linux.arguments.clocksource", HypervGen1, |facts| {
        argument(facts, "clocksource=kvm-clock");
    }),
    any("linux.arguments.clocksource", Kvm, |facts| {
        argument(facts, "clocksource=hpet")
    }),
    any("linux.arguments.tsc", Kvm, |facts| {
        argument(facts, "tsc=reliable")
    }),
    any("linux.arguments.timer", Kvm, |facts| {
        argument(facts, "no_timer_check")
    }),
    any("linux.arguments.memory-or-processors-fixed", Kvm, |facts| {
        argument(facts, "maxcpus=1")
    }),
    any("linux.arguments.kvm-only", Kvm, |facts| {
        argument(facts, "hv_nopvspin")
    }),
    any("linux.time.ptp-of-kvm", HypervGen1, |facts| {
        refclock(facts, "PHC /dev/ptp_kvm")
    }),
    any("linux.time.ptp-of-hyperv", Kvm, |facts| {
        refclock(facts, "PHC /dev/ptp_hyperv")
    }),
    any("linux.time.ptp-by-number", Kvm, |facts| {
        refclock(facts, "PHC /dev/ptp0 poll 3")
    }),
    any("linux.time.no-synchronisation", Kvm, |facts| {
        facts.time.synchronisation[0].state = ServiceState::Disabled;
    }),
    any("linux.time.hardware-clock-local", Kvm, |facts| {
        facts.time.hardware_clock = Some(from(json!({"local": true,
            "at": {"path": "/etc/adjtime", "line": 3}})));
    }),
    any("linux.agents.hyperv-missing", HypervGen1, |facts| {
        facts.services.services.remove(1);
    }),
    any("linux.agents.qemu-missing", Kvm, |facts| {
        facts.services.services.remove(0);
    }),
    any("linux.agents.hyperv-off", HypervGen1, |facts| {
        facts.services.services[1].state = ServiceState::Masked;
    }),
    any("linux.agents.qemu-off", Kvm, |facts| {
        facts.services.services[0].state = ServiceState::Disabled;
    }),
    any("linux.agents.other-world", Kvm, |facts| {
        service(facts, "vmtoolsd", "vmware-agent")
    }),
    any("linux.agents.azure", Kvm, |facts| {
        service(facts, "walinuxagent", "azure-agent")
    }),
    any("linux.agents.cloud-init-source", Kvm, |facts| {
        facts.services.cloud_init = Some(from(json!({"data_sources": [
            {"name": "datasource_list", "value": "[ Azure, None ]",
                "at": {"path": "/etc/cloud/cloud.cfg.d/90_dpkg.cfg", "line": 2}}]})));
    }),
    any("linux.memory.hugepages", HypervGen1, |facts| {
        facts
            .storage
            .hugepages
            .push(setting("vm.nr_hugepages", "512"));
    }),
    // A change of another entry alone is not one of the entry that starts.
    any("linux.boot.root-device-name-in-other-entry", Kvm, |facts| {
        other_command_line(facts, "root=/dev/sda2");
    }),
];

fn login(facts: &mut Facts, terminal: &str) {
    facts.services.logins.push(from(json!({"terminal": terminal,
        "at": {"path": "/etc/inittab", "line": 40}})));
}

fn refclock(facts: &mut Facts, value: &str) {
    let clocks = &mut facts.time.synchronisation[0].reference_clocks;
    clocks.push(setting("refclock", value));
}

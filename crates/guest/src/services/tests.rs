//! Expected values from the manual pages of each system that starts services.

use super::units::Units;
use super::{agents, gather};
use crate::facts::{Evidence, Init, Role, Service, ServiceState, Services};
use crate::settings::arguments::Arguments;
use crate::tests::memory::Memory;

fn services(memory: &Memory) -> Services {
    let (files, mut notes) = (memory.files(), Vec::new());
    let units = Units::read(files).unwrap();
    let line = "console=tty0 console=ttyS0,115200 root=/dev/sda1";
    let arguments = Arguments::parse(line, &Evidence::path("/boot/grub/grub.cfg"));
    let services = gather(files, &units, &arguments, &mut notes).unwrap();
    assert_eq!(notes, [""; 0]);
    services
}

fn find<'a>(services: &'a Services, id: &str) -> &'a Service {
    services.services.iter().find(|own| own.id == id).unwrap()
}

#[track_caller]
fn check(services: &Services, id: &str, unit: &str, state: ServiceState, at: Option<&str>) {
    let own = find(services, id);
    assert_eq!(own.unit.as_deref(), Some(unit));
    assert_eq!(own.state, state);
    assert_eq!(own.state_at, at.map(Evidence::path));
}

/// A guest with units in each state.
fn systemd() -> Memory {
    let usr = "/usr/lib/systemd/system";
    let etc = "/etc/systemd/system";
    let install = "[Unit]\n[Install]\nWantedBy=multi-user.target\n";
    Memory::new()
        .link("/sbin/init", "../lib/systemd/systemd")
        .link("/lib", "usr/lib")
        .file(&format!("{usr}/hypervkvpd.service"), install)
        .link(
            &format!("{etc}/multi-user.target.wants/hypervkvpd.service"),
            &format!("{usr}/hypervkvpd.service"),
        )
        .file(&format!("{usr}/hypervvssd.service"), install)
        .file(
            &format!("{usr}/qemu-guest-agent.service"),
            "[Unit]\nBindsTo=x\n",
        )
        .file("/usr/sbin/qemu-ga", "")
        .file(&format!("{usr}/firewalld.service"), install)
        .link(&format!("{etc}/firewalld.service"), "/dev/null")
        .file(&format!("{usr}/ssh.service"), install)
        .file(&format!("{usr}/ssh.socket"), install)
        .link(
            &format!("{etc}/sockets.target.wants/ssh.socket"),
            &format!("{usr}/ssh.socket"),
        )
        .file(&format!("{usr}/getty@.service"), install)
        .link(
            &format!("{etc}/getty.target.wants/getty@tty1.service"),
            &format!("{usr}/getty@.service"),
        )
        .file("/etc/tuned/active_profile", "virtual-guest\n")
        .file("/etc/securetty", "# c\ntty1\nttyS0\n")
}

#[test]
fn units_of_systemd() {
    let services = services(&systemd());
    assert_eq!(services.init, Init::Systemd);
    let wants = "/etc/systemd/system/multi-user.target.wants/hypervkvpd.service";
    check(
        &services,
        "hyperv-kvp",
        "hypervkvpd.service",
        ServiceState::Enabled,
        Some(wants),
    );
    check(
        &services,
        "hyperv-vss",
        "hypervvssd.service",
        ServiceState::Disabled,
        None,
    );
    check(
        &services,
        "qemu-guest-agent",
        "qemu-guest-agent.service",
        ServiceState::Static,
        None,
    );
    check(
        &services,
        "firewalld",
        "firewalld.service",
        ServiceState::Masked,
        Some("/etc/systemd/system/firewalld.service"),
    );
    check(
        &services,
        "sshd",
        "ssh.socket",
        ServiceState::Enabled,
        Some("/etc/systemd/system/sockets.target.wants/ssh.socket"),
    );
    assert_eq!(find(&services, "firewalld").role, Role::Firewall);
}

#[test]
fn logins_and_agents_of_systemd() {
    let services = services(&systemd());
    let terminals: Vec<_> = services
        .logins
        .iter()
        .map(|own| own.terminal.as_str())
        .collect();
    assert_eq!(terminals, ["tty1", "ttyS0"]);
    assert_eq!(
        services.tuned_profile.as_ref().unwrap().value,
        "virtual-guest"
    );
    assert_eq!(
        services.securetty[1].at,
        Evidence::line("/etc/securetty", 3)
    );
    let agents = agents(&services);
    let names: Vec<_> = agents.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["qemu-guest-agent", "hyperv-daemons"]);
    assert_eq!(agents[0].files.len(), 2);
    assert_eq!(agents[1].files.len(), 2);
}

#[test]
fn rc_links_of_system_v() {
    let memory = Memory::new()
        .file("/etc/rc.d/init.d/multipathd", "#!/bin/sh")
        .link("/etc/init.d", "rc.d/init.d")
        .link("/etc/rc.d/rc3.d/S06multipathd", "../init.d/multipathd")
        .file("/etc/rc.d/init.d/kdump", "#!/bin/sh")
        .link("/etc/rc.d/rc3.d/K80kdump", "../init.d/kdump")
        .file("/etc/inittab", "id:3:initdefault:\n# x\nS0:2345:respawn:/sbin/agetty -L 115200 ttyS0 vt100\n1:2345:respawn:/sbin/mingetty tty1\n");
    let services = services(&memory);
    assert_eq!(services.init, Init::SysV);
    check(
        &services,
        "multipathd",
        "multipathd",
        ServiceState::Enabled,
        Some("/etc/rc.d/rc3.d/S06multipathd"),
    );
    check(&services, "kdump", "kdump", ServiceState::Disabled, None);
    assert_eq!(services.logins[0].terminal, "ttyS0");
    assert_eq!(services.logins[0].at, Evidence::line("/etc/inittab", 3));
    assert_eq!(services.logins.len(), 2);
}

#[test]
fn run_levels_of_openrc() {
    let memory = Memory::new()
        .file("/etc/init.d/sshd", "")
        .link("/etc/runlevels/default/sshd", "/etc/init.d/sshd")
        .file("/etc/init.d/hv_kvp_daemon", "")
        .file(
            "/etc/inittab",
            "ttyS0::respawn:/sbin/getty -L 0 ttyS0 vt100\ntty1::askfirst:/sbin/getty 38400 tty1\n",
        );
    let services = services(&memory);
    assert_eq!(services.init, Init::OpenRc);
    check(
        &services,
        "sshd",
        "sshd",
        ServiceState::Enabled,
        Some("/etc/runlevels/default/sshd"),
    );
    check(
        &services,
        "hyperv-kvp",
        "hv_kvp_daemon",
        ServiceState::Disabled,
        None,
    );
    assert_eq!(services.logins.len(), 2);
}

#[test]
fn jobs_of_upstart() {
    let memory = Memory::new()
        .file("/etc/init/rc-sysinit.conf", "")
        .file("/etc/init/ssh.conf", "start on runlevel [2345]\n")
        .file("/etc/init/irqbalance.conf", "start on runlevel [2345]\n")
        .file("/etc/init/irqbalance.override", "manual\n")
        .file("/etc/init/ttyS0.conf", "exec /sbin/getty -L 115200 ttyS0\n");
    let services = services(&memory);
    assert_eq!(services.init, Init::Upstart);
    check(
        &services,
        "sshd",
        "ssh",
        ServiceState::Enabled,
        Some("/etc/init/ssh.conf"),
    );
    check(
        &services,
        "irqbalance",
        "irqbalance",
        ServiceState::Disabled,
        Some("/etc/init/irqbalance.override"),
    );
    assert_eq!(services.logins[0].terminal, "ttyS0");
}

#[test]
fn sources_of_cloud_init() {
    let memory = Memory::new()
        .file(
            "/etc/cloud/cloud.cfg",
            "users: [default]\ndatasource_list: [ NoCloud, None ]\n",
        )
        .file(
            "/etc/cloud/cloud.cfg.d/90_dpkg.cfg",
            "# c\ndatasource_list: [ Azure ]\n",
        )
        .file(
            "/etc/cloud/cloud.cfg.d/99-net.cfg",
            "network: {config: disabled}\n",
        )
        .file("/etc/cloud/cloud-init.disabled", "");
    let found = services(&memory).cloud_init.unwrap();
    assert_eq!(found.data_sources.len(), 2);
    assert_eq!(found.data_sources[0].value, "NoCloud None");
    assert_eq!(
        found.data_sources[1].at,
        Evidence::line("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", 2)
    );
    assert!(found.disabled.is_some() && found.network_disabled.is_some());
    assert!(services(&Memory::new()).cloud_init.is_none());
}

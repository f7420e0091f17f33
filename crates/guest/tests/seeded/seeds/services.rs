//! What keeps the time, talks to a host, or wants memory.

use crate::machine::Machine;
use crate::seed::{Seed, seed};
use crate::shapes::{debian, rhel, unit};

const CHRONY: &str = "etc/chrony.conf";
const SOURCES: &str = "etc/cloud/cloud.cfg.d/90_dpkg.cfg";

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.time.ptp-of-kvm",
        by_servers,
        "/etc/chrony.conf:1 refclock=PHC /dev/ptp_kvm",
        |own| own.put(CHRONY, "refclock PHC /dev/ptp_kvm\n"),
    ),
    seed(
        "linux.time.ptp-of-hyperv",
        by_servers,
        "/etc/chrony.conf:1 refclock=PHC /dev/ptp_hyperv",
        |own| own.put(CHRONY, "refclock PHC /dev/ptp_hyperv\n"),
    ),
    seed(
        "linux.time.ptp-by-number",
        rhel,
        "/etc/chrony.conf:3 refclock=PHC /dev/ptp0 poll 3",
        |own| own.append(CHRONY, "refclock PHC /dev/ptp0 poll 3\n"),
    ),
    seed(
        "linux.time.no-synchronisation",
        debian,
        "/usr/lib/systemd/system/systemd-timesyncd.service",
        |own| own.remove("etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service"),
    ),
    seed(
        "linux.time.hardware-clock-local",
        debian,
        "/etc/adjtime:3",
        |own| own.put("etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n"),
    ),
    seed(
        "linux.agents.hyperv-missing",
        debian,
        "none of its programs and units was found",
        |own| uninstall(own, "hv-kvp-daemon"),
    ),
    seed(
        "linux.agents.qemu-missing",
        debian,
        "none of its programs and units was found",
        |own| uninstall(own, "qemu-guest-agent"),
    ),
    seed(
        "linux.agents.hyperv-off",
        debian,
        "/usr/lib/systemd/system/hv-kvp-daemon.service hyperv-kvp",
        |own| own.remove("etc/systemd/system/multi-user.target.wants/hv-kvp-daemon.service"),
    ),
    seed(
        "linux.agents.qemu-off",
        debian,
        "/etc/systemd/system/qemu-guest-agent.service qemu-guest-agent",
        |own| {
            let mask = "etc/systemd/system/qemu-guest-agent.service";
            own.root = std::mem::take(&mut own.root).link(mask, "/dev/null");
        },
    ),
    seed(
        "linux.agents.other-world",
        debian,
        "/etc/systemd/system/multi-user.target.wants/open-vm-tools.service open-vm-tools",
        |own| unit(own, "open-vm-tools", "multi-user.target"),
    ),
    seed(
        "linux.agents.azure",
        debian,
        "/etc/systemd/system/multi-user.target.wants/walinuxagent.service walinuxagent",
        |own| unit(own, "walinuxagent", "multi-user.target"),
    ),
    seed(
        "linux.agents.cloud-init-source",
        with_cloud_init,
        "/etc/cloud/cloud.cfg.d/90_dpkg.cfg:1 datasource_list=Azure None",
        |own| own.put(SOURCES, "datasource_list: [ Azure, None ]\n"),
    ),
    seed(
        "linux.multipath.enabled",
        debian,
        "/etc/systemd/system/multi-user.target.wants/multipathd.service multipathd",
        |own| unit(own, "multipathd", "multi-user.target"),
    ),
    seed(
        "linux.memory.hugepages",
        debian,
        "/etc/sysctl.d/50-database.conf:2 vm.nr_hugepages=512",
        |own| {
            own.put(
                "etc/sysctl.d/50-database.conf",
                "# Ours.\nvm.nr_hugepages = 512\n",
            )
        },
    ),
    seed(
        "linux.security.relabel-pending",
        rhel,
        "/.autorelabel",
        |own| own.put(".autorelabel", ""),
    ),
];

fn uninstall(own: &mut Machine, name: &str) {
    own.remove(&format!("usr/lib/systemd/system/{name}.service"));
    own.remove(&format!(
        "etc/systemd/system/multi-user.target.wants/{name}.service"
    ));
}

/// A chrony that asks the network.
fn by_servers() -> Machine {
    let mut own = rhel();
    own.put(CHRONY, "server ntp.example.org iburst\n");
    own
}

fn with_cloud_init() -> Machine {
    let mut own = debian();
    own.put("usr/bin/cloud-init", "#!/usr/bin/python3\n");
    own.put(SOURCES, "datasource_list: [ NoCloud, None ]\n");
    own
}

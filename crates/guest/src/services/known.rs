//! The services that matter to a move, and what the distributions call them.

use crate::facts::Role;

/// A service.
pub(super) struct Known {
    /// One name for all.
    pub(super) id: &'static str,
    pub(super) role: Role,
    /// Names of units and scripts, without `.service`.
    pub(super) units: &'static [&'static str],
    /// Programs that show it where no unit does.
    pub(super) programs: &'static [&'static str],
}

const fn known(
    id: &'static str,
    role: Role,
    units: &'static [&'static str],
    programs: &'static [&'static str],
) -> Known {
    Known {
        id,
        role,
        units,
        programs,
    }
}

pub(super) const KNOWN: [Known; 31] = [
    known(
        "qemu-guest-agent",
        Role::KvmAgent,
        &["qemu-guest-agent", "qemu-ga", "qemu-ga@"],
        &["/usr/sbin/qemu-ga", "/usr/bin/qemu-ga"],
    ),
    known(
        "spice-vdagent",
        Role::KvmAgent,
        &["spice-vdagentd", "spice-vdagent"],
        &["/usr/sbin/spice-vdagentd", "/usr/bin/spice-vdagent"],
    ),
    // RHEL and Fedora, Debian and Ubuntu (linux-cloud-tools), SUSE, Arch and Alpine.
    known(
        "hyperv-kvp",
        Role::HypervAgent,
        &["hypervkvpd", "hv-kvp-daemon", "hv_kvp_daemon"],
        &[
            "/usr/sbin/hypervkvpd",
            "/usr/sbin/hv_kvp_daemon",
            "/usr/bin/hv_kvp_daemon",
            "/usr/lib/hyper-v/bin/hv_kvp_daemon",
        ],
    ),
    known(
        "hyperv-vss",
        Role::HypervAgent,
        &["hypervvssd", "hv-vss-daemon", "hv_vss_daemon"],
        &[
            "/usr/sbin/hypervvssd",
            "/usr/sbin/hv_vss_daemon",
            "/usr/bin/hv_vss_daemon",
            "/usr/lib/hyper-v/bin/hv_vss_daemon",
        ],
    ),
    known(
        "hyperv-fcopy",
        Role::HypervAgent,
        &[
            "hypervfcopyd",
            "hv-fcopy-daemon",
            "hv_fcopy_daemon",
            "hv-fcopy-uio-daemon",
            "hv_fcopy_uio_daemon",
        ],
        &[
            "/usr/sbin/hypervfcopyd",
            "/usr/sbin/hv_fcopy_daemon",
            "/usr/bin/hv_fcopy_daemon",
            "/usr/lib/hyper-v/bin/hv_fcopy_daemon",
        ],
    ),
    known(
        "walinuxagent",
        Role::AzureAgent,
        &["waagent", "walinuxagent"],
        &["/usr/sbin/waagent", "/usr/bin/waagent"],
    ),
    known(
        "open-vm-tools",
        Role::VmwareAgent,
        &["open-vm-tools", "vmtoolsd", "vmware-tools"],
        &["/usr/bin/vmtoolsd", "/usr/sbin/vmtoolsd"],
    ),
    known(
        "virtualbox-guest-additions",
        Role::VirtualboxAgent,
        &[
            "virtualbox-guest-utils",
            "vboxservice",
            "vboxadd-service",
            "vboxadd",
        ],
        &["/usr/sbin/VBoxService", "/usr/bin/VBoxService"],
    ),
    known(
        "xe-guest-utilities",
        Role::XenAgent,
        &[
            "xe-linux-distribution",
            "xe-daemon",
            "xe-guest-utilities",
            "xen-guest-agent",
        ],
        &["/usr/sbin/xe-daemon", "/usr/sbin/xen-guest-agent"],
    ),
    known(
        "cloud-init",
        Role::CloudInit,
        &["cloud-init", "cloud-init-main", "cloud-init-local"],
        &["/usr/bin/cloud-init"],
    ),
    known("firewalld", Role::Firewall, &["firewalld"], &[]),
    known("nftables", Role::Firewall, &["nftables"], &[]),
    known(
        "iptables",
        Role::Firewall,
        &["iptables", "netfilter-persistent"],
        &[],
    ),
    known("ufw", Role::Firewall, &["ufw"], &[]),
    known(
        "susefirewall2",
        Role::Firewall,
        &["SuSEfirewall2", "SuSEfirewall2_setup"],
        &[],
    ),
    known(
        "sshd",
        Role::RemoteAccess,
        &["sshd", "ssh"],
        &["/usr/sbin/sshd"],
    ),
    known(
        "multipathd",
        Role::Storage,
        &["multipathd", "multipath-tools"],
        &["/sbin/multipathd"],
    ),
    known(
        "iscsid",
        Role::Storage,
        &["iscsid", "open-iscsi", "iscsi"],
        &["/sbin/iscsid"],
    ),
    known("lvm2-monitor", Role::Storage, &["lvm2-monitor"], &[]),
    known(
        "mdmonitor",
        Role::Storage,
        &["mdmonitor", "mdadm", "mdraid"],
        &[],
    ),
    known(
        "kdump",
        Role::CrashDump,
        &["kdump", "kdump-tools", "boot.kdump"],
        &[],
    ),
    known("tuned", Role::Tuning, &["tuned"], &["/usr/sbin/tuned"]),
    known(
        "irqbalance",
        Role::Tuning,
        &["irqbalance", "irq_balancer"],
        &["/usr/sbin/irqbalance"],
    ),
    known("numad", Role::Tuning, &["numad"], &[]),
    known(
        "network-manager",
        Role::Network,
        &["NetworkManager", "network-manager", "networkmanager"],
        &[],
    ),
    known(
        "systemd-networkd",
        Role::Network,
        &["systemd-networkd"],
        &[],
    ),
    known(
        "systemd-resolved",
        Role::Network,
        &["systemd-resolved"],
        &[],
    ),
    known("ifupdown", Role::Network, &["networking"], &[]),
    known(
        "network-scripts",
        Role::Network,
        &["network"],
        &["/etc/rc.d/init.d/network"],
    ),
    known("wicked", Role::Network, &["wicked", "wickedd"], &[]),
    known("dhcpcd", Role::Network, &["dhcpcd"], &[]),
];

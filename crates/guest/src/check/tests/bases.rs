//! Guests that lack nothing, as facts: each is prepared for both worlds.

use serde_json::{Value, json};

use crate::facts::Facts;

/// How a distribution sets itself up.
#[derive(Clone)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    id: &'static str,
    version: &'static str,
    family: &'static str,
    root: &'static str,
    lvm: bool,
    loader: &'static str,
    release: &'static str,
    generator: &'static str,
    init: &'static str,
    /// What the kernel has in itself.
    builtin: &'static [&'static str],
    connection: fn() -> Value,
    builders: fn() -> Value,
    time: &'static str,
}

/// What the kernels have, in one form or the other.
pub(super) const DRIVERS: &[&str] = &[
    "ahci",
    "ata_piix",
    "btrfs",
    "dm_mod",
    "e1000e",
    "ext4",
    "hv_balloon",
    "hv_netvsc",
    "hv_storvsc",
    "hv_utils",
    "hv_vmbus",
    "hyperv_drm",
    "hyperv_fb",
    "hyperv_keyboard",
    "sd_mod",
    "virtio_blk",
    "virtio_console",
    "virtio_net",
    "virtio_pci",
    "virtio_scsi",
    "xfs",
];

const DEBIAN: Shape = Shape {
    name: "debian",
    id: "debian",
    version: "12",
    family: "debian",
    root: "ext4",
    lvm: false,
    loader: "grub2",
    release: "6.1.0-28-amd64",
    generator: "initramfs-tools",
    init: "systemd",
    builtin: &[],
    connection: || by_mac("ifupdown", "eth0", "/etc/network/interfaces"),
    builders: || {
        json!([{"builder": "initramfs-tools", "name": "MODULES", "values": ["most"], "adds": false,
            "at": {"path": "/etc/initramfs-tools/initramfs.conf", "line": 20}}])
    },
    time: "timesyncd",
};

/// Every shape.
pub(super) fn shapes() -> Vec<Shape> {
    let mut shapes = red_hats();
    shapes.extend(others());
    shapes.push(DEBIAN);
    shapes
}

fn red_hats() -> Vec<Shape> {
    let rhel = Shape {
        name: "rhel",
        id: "rhel",
        version: "9.4",
        family: "rhel",
        root: "xfs",
        lvm: true,
        release: "5.14.0-427.el9.x86_64",
        generator: "dracut",
        builtin: &["virtio_pci"],
        connection: || {
            by_mac(
                "network-manager",
                "wired",
                "/etc/NetworkManager/wired.nmconnection",
            )
        },
        builders: dracut,
        time: "chrony",
        ..DEBIAN
    };
    let fedora = Shape {
        name: "fedora",
        id: "fedora",
        version: "41",
        root: "btrfs",
        lvm: false,
        release: "6.11.4-301.fc41.x86_64",
        builtin: &["virtio_pci", "virtio_console"],
        connection: || {
            any(
                "network-manager",
                "wired",
                "/etc/NetworkManager/wired.nmconnection",
            )
        },
        ..rhel.clone()
    };
    vec![rhel, fedora]
}

fn others() -> Vec<Shape> {
    let ubuntu = Shape {
        name: "ubuntu",
        id: "ubuntu",
        version: "24.04",
        release: "6.8.0-48-generic",
        builtin: &[
            "virtio_pci",
            "hv_vmbus",
            "ext4",
            "sd_mod",
            "ahci",
            "ata_piix",
        ],
        connection: || by_mac("netplan", "ethernets", "/etc/netplan/50-cloud-init.yaml"),
        ..DEBIAN
    };
    let sles = Shape {
        name: "sles",
        id: "sles",
        version: "15.6",
        family: "suse",
        root: "btrfs",
        release: "6.4.0-150600.21-default",
        generator: "dracut",
        connection: || by_name("wicked", "eth0", "/etc/sysconfig/network/ifcfg-eth0"),
        builders: dracut,
        time: "chrony",
        ..DEBIAN
    };
    let alpine = Shape {
        name: "alpine",
        id: "alpine",
        version: "3.20.3",
        family: "alpine",
        release: "6.6.58-0-lts",
        generator: "mkinitfs",
        init: "open-rc",
        connection: || by_name("ifupdown", "eth0", "/etc/network/interfaces"),
        builders: || json!([]),
        time: "chrony",
        ..DEBIAN
    };
    vec![ubuntu, sles, alpine]
}

fn dracut() -> Value {
    let names = "hv_vmbus hv_storvsc hv_netvsc virtio_pci virtio_blk virtio_net ahci";
    let names: Vec<&str> = names.split(' ').collect();
    json!([{"builder": "dracut", "name": "add_drivers", "values": names, "adds": true,
        "at": {"path": "/etc/dracut.conf.d/both-worlds.conf", "line": 1}}])
}

fn connection(system: &str, name: &str, path: &str, binds: &Value) -> Value {
    json!({
        "system": system, "name": name, "kind": "ethernet", "on_boot": true, "binds": binds,
        "ipv4": {"method": "dhcp", "addresses": [], "gateways": []},
        "ipv6": {"method": "automatic", "addresses": [], "gateways": []},
        "dns": [], "ports": [], "at": {"path": path, "line": 1}
    })
}

fn by_mac(system: &str, name: &str, path: &str) -> Value {
    let binds = json!([{"by": "mac", "value": "52:54:00:12:34:56",
        "at": {"path": path, "line": 4}}]);
    connection(system, name, path, &binds)
}

fn by_name(system: &str, name: &str, path: &str) -> Value {
    let binds = json!([{"by": "name", "value": name, "at": {"path": path, "line": 2}}]);
    connection(system, name, path, &binds)
}

fn any(system: &str, name: &str, path: &str) -> Value {
    connection(system, name, path, &json!([]))
}

impl Shape {
    /// The facts of a guest of this shape.
    pub(super) fn facts(&self) -> Facts {
        serde_json::from_value(self.json()).expect("the base has the fields of facts")
    }

    fn json(&self) -> Value {
        let older = format!("{}-old", self.release);
        let entries = [self.entry(self.release), self.entry(&older)];
        json!({
            "schema": crate::facts::SCHEMA,
            "disks": [self.disk()],
            "assembled": self.assembled(),
            "operating_system": {
                "id": self.id, "version_id": self.version, "pretty_name": self.name,
                "source": "/etc/os-release", "family": self.family
            },
            "architecture": "x86-64",
            "hostname": null,
            "firmware": "uefi-and-bios",
            "root": self.root_id(),
            "boot": {
                "loader": self.loader,
                "config": place("/boot/grub/grub.cfg"),
                "entries": entries,
                "default": self.default_entry(),
                "efi_programs": [
                    {"place": esp("/EFI/BOOT/BOOTX64.EFI"), "len_bytes": 1, "fallback": true},
                    {"place": esp("/EFI/BOOT/grubx64.efi"), "len_bytes": 1, "fallback": false}
                ],
                "bios_code": [{"disk": 0, "kind": "grub"}]
            },
            "kernels": [self.kernel(self.release, 0), self.kernel(&older, 1)],
            "agents": [],
            "fstab": [
                mount(&self.root_spec(), "/", self.root, "defaults", &self.root_id()),
                mount("UUID=ABCD-1234", "/boot/efi", "vfat", "umask=0077", &volume(1))
            ],
            "initramfs_images": [self.image(self.release, 0), self.image(&older, 1)],
            "module_settings": {"builders": (self.builders)()},
            "secure_boot": {"programs": self.programs()},
            "network": {"connections": [(self.connection)()], "names": [], "arguments": []},
            "time": {"zones": [], "synchronisation": [{
                "program": self.time, "installed": [], "state": "enabled",
                "servers": [{"name": "pool", "value": "pool.ntp.org iburst",
                    "at": {"path": "/etc/chrony.conf", "line": 1}}],
                "reference_clocks": [], "steps": []
            }], "ptp": []},
            "services": self.services(),
            "problems": [],
            "notes": []
        })
    }

    fn root_id(&self) -> Value {
        if self.lvm {
            json!({"logical_volume": "rhel/root", "partition": 0})
        } else {
            volume(2)
        }
    }

    fn root_spec(&self) -> String {
        let root = if self.lvm {
            "/dev/mapper/rhel-root"
        } else {
            "UUID=6d2b7a1e"
        };
        root.to_owned()
    }

    fn disk(&self) -> Value {
        let root = if self.lvm { "LVM2_member" } else { self.root };
        json!({"size_bytes": 10u64 << 30, "table": "gpt", "volumes": [
            volume_facts(1, "fat", Some("/boot/efi")),
            volume_facts(2, root, (!self.lvm).then_some("/"))
        ]})
    }

    fn assembled(&self) -> Value {
        if !self.lvm {
            return json!([]);
        }
        json!([{"name": "rhel/root", "kind": "logical-volume", "layout": "linear", "uuid": null,
            "size_bytes": 9u64 << 30, "on": [volume(2)], "missing": [], "unread": null,
            "table": "none", "volumes": [volume_facts(0, self.root, Some("/"))]}])
    }

    fn command_line(&self) -> String {
        let root = self.root_spec();
        format!("root={root} ro console=ttyS0,115200 console=tty0")
    }

    fn entry(&self, release: &str) -> Value {
        json!({"id": release, "title": format!("Linux {release}"), "kind": "linux",
            "kernel": format!("/boot/vmlinuz-{release}"),
            "initramfs": [format!("/boot/initrd-{release}")],
            "command_line": self.command_line()})
    }

    fn default_entry(&self) -> Value {
        let release = self.release;
        json!({"index": 0, "why": {"reason": "first"},
            "kernel": place(&format!("/boot/vmlinuz-{release}")), "kernel_release": release,
            "initramfs": [place(&format!("/boot/initrd-{release}"))],
            "command_line": self.command_line(),
            "root": {"spec": self.root_spec(), "volume": self.root_id()}})
    }

    fn kernel(&self, release: &str, entry: usize) -> Value {
        let folder = format!("/lib/modules/{release}");
        let driver = |name: &&str| {
            if self.builtin.contains(name) {
                json!({"name": name, "state": "builtin",
                    "at": {"path": format!("{folder}/modules.builtin"), "line": 1}})
            } else {
                json!({"name": name, "state": "module", "path": format!("kernel/{name}.ko"),
                    "at": {"path": format!("{folder}/modules.dep"), "line": 1}})
            }
        };
        let drivers: Vec<Value> = DRIVERS.iter().map(driver).collect();
        json!({"release": release, "image": place(&format!("/boot/vmlinuz-{release}")),
            "modules": true, "modules_folder": folder, "entries": [entry], "drivers": drivers})
    }

    fn image(&self, release: &str, entry: usize) -> Value {
        let modules = DRIVERS.iter().filter(|name| !self.builtin.contains(name));
        let modules: Vec<_> = modules.collect();
        json!({"place": place(&format!("/boot/initrd-{release}")), "stored_bytes": 1,
            "role": "boot", "kernel": release, "known_by": "entry", "entries": [entry],
            "contents": {"segments": [], "generator": self.generator, "scope": "generic",
                "releases": [release], "modules": modules, "entries": 100}})
    }

    fn programs(&self) -> Value {
        let signer = |issuer: &str, authority: &str| {
            json!({"digest": "sha256", "certificates": [], "signers": [
                {"subject": null, "issuer": issuer, "serial": "1", "authority": authority}]})
        };
        let both = json!([
            signer(
                "Microsoft Corporation UEFI CA 2011",
                "microsoft-uefi-ca-2011"
            ),
            signer("Microsoft UEFI CA 2023", "microsoft-uefi-ca-2023")
        ]);
        let own = json!([signer("Secure Boot CA", "distribution")]);
        let program = |place: Value, role: &str, signatures: &Value| json!({"place": place, "role": role, "machine": "x86-64", "signatures": signatures});
        let kernel = place(&format!("/boot/vmlinuz-{}", self.release));
        json!([
            program(esp("/EFI/BOOT/BOOTX64.EFI"), "shim", &both),
            program(esp("/EFI/BOOT/grubx64.efi"), "grub", &own),
            program(kernel, "kernel", &own)
        ])
    }

    fn services(&self) -> Value {
        let service = |id: &str, role: &str| {
            let at = json!({"path": format!("/etc/systemd/system/{id}.service")});
            json!({"id": id, "role": role, "installed": [at], "state": "enabled", "state_at": at})
        };
        json!({"init": self.init, "logins": [], "securetty": [], "services": [
            service("qemu-guest-agent", "kvm-agent"), service("hyperv-kvp", "hyperv-agent")
        ]})
    }
}

fn volume(partition: u32) -> Value {
    json!({"disk": 0, "partition": partition})
}

pub(super) fn place(path: &str) -> Value {
    json!({"disk": 0, "partition": 2, "path": path})
}

fn esp(path: &str) -> Value {
    json!({"disk": 0, "partition": 1, "path": path})
}

fn volume_facts(number: u32, content: &str, mount_point: Option<&str>) -> Value {
    json!({"number": number, "offset_bytes": 1 << 20, "size_bytes": 1u64 << 30, "type_id": "",
        "content": content, "uuid": null, "label": null, "partuuid": null, "name": null,
        "mount_point": mount_point, "dirty": false, "free_bytes": 1u64 << 29})
}

fn mount(spec: &str, mount_point: &str, kind: &str, options: &str, volume: &Value) -> Value {
    json!({"spec": spec, "mount_point": mount_point, "kind": kind, "options": options,
        "volume": volume})
}

//! Twins of the rules from the firmware to the mounted root.

use serde_json::json;

use super::super::Profile::{HypervGen1, HypervGen2, HypervVmbus, Kvm, KvmLegacy};
use super::spoil::{
    argument, command_line, contents, from, module_rule, mount, no_driver, other_command_line,
    service, setting, without,
};
use super::twins::{Twin, any, of};
use crate::facts::{
    Authority, DefaultReason, EntryKind, Facts, Firmware, KernelKind, Scope, Table,
};

pub(super) const TWINS: &[Twin] = &[
    any("linux.boot.chain-broken", Kvm, |facts| {
        facts
            .problems
            .push(from(json!({"id": "boot.kernel-missing", "verdict": "bad",
            "message": "/boot/vmlinuz is missing", "hint": null})));
    }),
    any("linux.boot.one-time-entry", Kvm, |facts| {
        let value = "1".to_owned();
        facts.boot.default.as_mut().unwrap().why = DefaultReason::NextEntry { value };
    }),
    any("linux.kernel.modules-missing", Kvm, |facts| {
        facts.kernels[0].modules = false
    }),
    any("linux.kernel.special-purpose", Kvm, |facts| {
        facts.kernels[0].kind = KernelKind::Xen
    }),
    any(
        "linux.kernel.hyperv-storage-missing",
        HypervVmbus,
        |facts| {
            no_driver(facts, "hv_storvsc");
        },
    ),
    any("linux.kernel.virtio-storage-missing", Kvm, |facts| {
        no_driver(facts, "virtio_blk")
    }),
    any("linux.kernel.ahci-missing", KvmLegacy, |facts| {
        no_driver(facts, "ahci")
    }),
    any("linux.kernel.netvsc-missing", HypervGen1, |facts| {
        no_driver(facts, "hv_netvsc")
    }),
    any("linux.kernel.virtio-net-missing", Kvm, |facts| {
        no_driver(facts, "virtio_net")
    }),
    any("linux.kernel.e1000e-missing", KvmLegacy, |facts| {
        no_driver(facts, "e1000e")
    }),
    any("linux.kernel.hyperv-utils-missing", HypervGen2, |facts| {
        no_driver(facts, "hv_utils")
    }),
    any(
        "linux.kernel.hyperv-keyboard-missing",
        HypervGen2,
        |facts| {
            no_driver(facts, "hyperv_keyboard");
        },
    ),
    any("linux.kernel.virtio-console-missing", Kvm, |facts| {
        no_driver(facts, "virtio_console")
    }),
    Twin {
        given: |facts| no_driver(facts, "hyperv_fb"),
        ..any("linux.kernel.hyperv-screen-missing", HypervGen2, |facts| {
            no_driver(facts, "hyperv_drm");
        })
    },
    of(
        "rhel",
        "linux.initramfs.vmbus-missing",
        HypervGen1,
        |facts| {
            without(facts, 0, "hv_vmbus");
        },
    ),
    any("linux.initramfs.storvsc-missing", HypervGen1, |facts| {
        without(facts, 0, "hv_storvsc")
    }),
    any("linux.initramfs.storvsc-missing", HypervVmbus, |facts| {
        without(facts, 0, "hv_storvsc")
    }),
    any(
        "linux.initramfs.hyperv-missing-in-other-entry",
        HypervGen2,
        |facts| {
            without(facts, 1, "hv_storvsc");
        },
    ),
    of(
        "debian",
        "linux.initramfs.virtio-pci-missing",
        Kvm,
        |facts| {
            without(facts, 0, "virtio_pci");
        },
    ),
    any("linux.initramfs.virtio-blk-missing", Kvm, |facts| {
        without(facts, 0, "virtio_blk")
    }),
    any(
        "linux.initramfs.virtio-missing-in-other-entry",
        Kvm,
        |facts| {
            without(facts, 1, "virtio_blk");
        },
    ),
    any("linux.initramfs.virtio-scsi-missing", Kvm, |facts| {
        without(facts, 0, "virtio_scsi")
    }),
    of("rhel", "linux.initramfs.ahci-missing", KvmLegacy, |facts| {
        without(facts, 0, "ahci")
    }),
    of(
        "rhel",
        "linux.initramfs.sd-mod-missing",
        HypervGen2,
        |facts| {
            without(facts, 0, "sd_mod");
        },
    ),
    of(
        "rhel",
        "linux.initramfs.root-filesystem-missing",
        Kvm,
        |facts| without(facts, 0, "xfs"),
    ),
    of(
        "rhel",
        "linux.initramfs.device-mapper-missing",
        Kvm,
        |facts| {
            without(facts, 0, "dm_mod");
        },
    ),
    any("linux.boot.no-initramfs", Kvm, |facts| {
        match &mut facts.boot.entries[0].kind {
            EntryKind::Linux { initramfs, .. } => initramfs.clear(),
            EntryKind::Uki { .. } | EntryKind::Other { .. } => {}
        }
        facts.initramfs_images[0].entries.clear();
        facts.boot.default.as_mut().unwrap().initramfs.clear();
    }),
    Twin {
        given: |facts| {
            let esp = facts.disks[0].volumes[0].clone();
            facts.disks[0].volumes.push(esp);
            "luks".clone_into(&mut facts.disks[0].volumes[2].content);
        },
        ..any("linux.initramfs.keyboard-missing", HypervGen2, |facts| {
            without(facts, 0, "hyperv_keyboard");
        })
    },
    of("debian", "linux.initramfs.host-only", Kvm, |facts| {
        contents(facts, 0).scope = Scope::HostOnly;
    }),
    of("debian", "linux.initramfs.modules-dep", Kvm, |facts| {
        facts.module_settings.builders[0].values = vec!["dep".to_owned()];
    }),
    any("linux.initramfs.driver-omitted", HypervGen1, |facts| {
        facts
            .module_settings
            .builders
            .push(from(json!({"builder": "dracut",
            "name": "omit_drivers", "values": ["hv-storvsc"], "adds": true,
            "at": {"path": "/etc/dracut.conf", "line": 2}})));
    }),
    any(
        "linux.initramfs.kdump-drivers-missing",
        HypervGen2,
        |facts| {
            let mut kdump = facts.initramfs_images[0].clone();
            kdump.role = from(json!("kdump"));
            kdump.entries.clear();
            kdump.place = from(super::bases::place("/boot/initramfs-kdump.img"));
            facts.initramfs_images.push(kdump);
            without(facts, 2, "hv_storvsc");
        },
    ),
    any("linux.initramfs.damaged", Kvm, |facts| {
        facts.initramfs_images[0].damage = Some("zstd: frame ends early".to_owned());
    }),
    any("linux.modprobe.storage-blacklisted", HypervGen1, |facts| {
        module_rule(
            facts,
            json!({"module": "hv_storvsc", "rule": "blacklist",
            "text": "blacklist hv_storvsc", "at": {"path": "/etc/modprobe.d/x.conf", "line": 2}}),
        );
    }),
    any("linux.modprobe.storage-disabled", Kvm, |facts| {
        module_rule(
            facts,
            json!({"module": "virtio_blk", "rule": "install",
            "command": "/bin/true", "disables": true, "text": "install virtio_blk /bin/true",
            "at": {"path": "/etc/modprobe.d/x.conf", "line": 2}}),
        );
    }),
    any("linux.modprobe.network-blacklisted", HypervGen1, |facts| {
        module_rule(
            facts,
            json!({"module": "hv_netvsc", "rule": "blacklist",
            "text": "blacklist hv_netvsc", "at": {"path": "/etc/modprobe.d/x.conf", "line": 2}}),
        );
    }),
    any("linux.modprobe.network-disabled", Kvm, |facts| {
        module_rule(
            facts,
            json!({"module": "virtio_net", "rule": "install",
            "command": "/bin/false", "disables": true, "text": "install virtio_net /bin/false",
            "at": {"path": "/etc/modprobe.d/x.conf", "line": 2}}),
        );
    }),
    any(
        "linux.arguments.storage-driver-refused",
        HypervGen2,
        |facts| {
            argument(facts, "modprobe.blacklist=floppy,hv-storvsc");
        },
    ),
    any("linux.arguments.network-driver-refused", Kvm, |facts| {
        argument(facts, "module_blacklist=virtio_net");
    }),
    any("linux.boot.root-device-name", HypervGen2, |facts| {
        argument(facts, "root=/dev/vda2")
    }),
    any("linux.boot.root-device-name", Kvm, |facts| {
        argument(facts, "root=/dev/sda2")
    }),
    any(
        "linux.boot.root-device-name-in-other-entry",
        HypervGen2,
        |facts| {
            other_command_line(facts, "root=/dev/vda2 ro");
        },
    ),
    Twin {
        given: |facts| argument(facts, "fips=1"),
        ..any("linux.boot.fips-device-name", HypervGen2, |facts| {
            argument(facts, "boot=/dev/vda1")
        })
    },
    of("rhel", "linux.lvm.filter", HypervGen2, |facts| {
        let filter = "[ \"a|^/dev/vd.*|\", \"r|.*|\" ]";
        facts
            .storage
            .lvm
            .filters
            .push(setting("global_filter", filter));
    }),
    any("linux.multipath.root-name", Kvm, |facts| {
        argument(facts, "root=/dev/mapper/mpatha2")
    }),
    any("linux.multipath.enabled", Kvm, |facts| {
        service(facts, "multipathd", "storage")
    }),
    any("linux.crypttab.tpm", Kvm, |facts| {
        facts
            .storage
            .crypttab
            .push(from(json!({"name": "root", "device": "UUID=1",
            "key": "none", "options": "luks,tpm2-device=auto",
            "at": {"path": "/etc/crypttab", "line": 1}})));
    }),
    any("linux.arguments.acpi-off", HypervVmbus, |facts| {
        argument(facts, "acpi=off")
    }),
    any("linux.arguments.nopv", HypervVmbus, |facts| {
        argument(facts, "nopv")
    }),
    any("linux.arguments.apic", Kvm, |facts| {
        argument(facts, "noapic")
    }),
    any(
        "linux.arguments.prefer-emulated-disk",
        HypervGen1,
        |facts| {
            argument(facts, "ata_piix.prefer_ms_hyperv=0");
        },
    ),
    any("linux.security.relabel-pending", Kvm, |facts| {
        facts.security.selinux = Some(from(json!({"mode": "enforcing", "effective": "enforcing",
            "at": {"path": "/etc/selinux/config", "line": 3},
            "autorelabel": {"path": "/.autorelabel"}})));
    }),
    any("linux.storage.iscsi", Kvm, |facts| {
        facts
            .storage
            .iscsi
            .push(setting("node.startup", "automatic"));
    }),
    any("linux.disk.not-unmounted", Kvm, |facts| {
        facts.disks[0].volumes[0].dirty = Some(true)
    }),
    of("rhel", "linux.disk.part-missing", Kvm, |facts| {
        let mut other = facts.assembled[0].clone();
        "rhel/home".clone_into(&mut other.name);
        other.missing = vec!["pv1".to_owned()];
        facts.assembled.push(other);
    }),
    of("debian", "linux.disk.boot-full", Kvm, |facts| {
        facts.disks[0].volumes[1].free_bytes = Some(60 << 20);
    }),
    Twin {
        given: |facts| facts.assembled[0].unread = Some("not whole".to_owned()),
        ..of("rhel", "linux.disk.root-part-missing", Kvm, |facts| {
            facts.assembled[0].missing = vec!["pv1".to_owned()];
        })
    },
    any("linux.firmware.bios-on-generation-2", HypervGen2, |facts| {
        facts.firmware = Firmware::Bios;
    }),
    any("linux.firmware.uefi-on-generation-1", HypervGen1, |facts| {
        facts.firmware = Firmware::Uefi;
    }),
    any("linux.firmware.nothing-starts", HypervGen1, |facts| {
        facts.firmware = Firmware::Unknown;
    }),
    any("linux.firmware.no-fallback-loader", HypervGen2, no_fallback),
    Twin {
        given: |facts| facts.firmware = Firmware::Uefi,
        ..any("linux.firmware.no-fallback-loader-on-kvm", Kvm, no_fallback)
    },
    any(
        "linux.firmware.fallback-leads-nowhere",
        HypervGen2,
        |facts| {
            facts.boot.efi_programs.pop();
        },
    ),
    Twin {
        given: |facts| {
            facts.firmware = Firmware::Bios;
            facts.disks[0].table = Table::Mbr;
            facts.boot.bios_code = vec![from(
                json!({"disk": 0, "kind": "syslinux", "active_partition": 1}),
            )];
        },
        ..of(
            "alpine",
            "linux.firmware.no-active-partition",
            HypervGen1,
            |facts| {
                facts.boot.bios_code[0].active_partition = None;
            },
        )
    },
    Twin {
        given: |facts| facts.disks[0].table = Table::Mbr,
        ..any("linux.firmware.mbr-over-2-tib", Kvm, |facts| {
            facts.disks[0].size_bytes = 3 << 40;
        })
    },
    of(
        "debian",
        "linux.release.no-generation-2",
        HypervGen2,
        |facts| {
            facts.operating_system.version_id = Some("7".to_owned());
        },
    ),
    Twin {
        given: |facts| facts.secure_boot.programs.clear(),
        ..any("linux.secure-boot.template", HypervGen2, |facts| {
            facts.secure_boot.programs = vec![from(json!({
                "place": {"disk": 0, "partition": 1, "path": "/EFI/debian/shimx64.efi"},
                "role": "shim", "machine": "x86-64", "signatures": []}))];
        })
    },
    any(
        "linux.secure-boot.loader-not-trusted",
        HypervGen2,
        |facts| {
            facts.secure_boot.programs[0].signatures.clear();
        },
    ),
    any("linux.secure-boot.only-2023", HypervGen2, |facts| {
        facts.secure_boot.programs[0].signatures.remove(0);
    }),
    any("linux.secure-boot.only-2011", HypervGen2, |facts| {
        facts.secure_boot.programs[0].signatures.pop();
    }),
    any("linux.secure-boot.kernel-not-signed", HypervGen2, |facts| {
        facts.secure_boot.programs[2].signatures.clear();
    }),
    any("linux.secure-boot.keys-stay-behind", Kvm, |facts| {
        facts.secure_boot.programs[2].signatures[0].signers[0].authority = Authority::Other;
    }),
    any("linux.disk.encrypted", Kvm, |facts| {
        "luks".clone_into(&mut facts.disks[0].volumes[0].content);
    }),
    of("debian", "linux.fstab.volume-not-there", Kvm, |facts| {
        mount(facts, "UUID=not-here", "/srv", "defaults");
    }),
    any("linux.boot.resume-device-name", HypervGen2, |facts| {
        let line = command_line(facts);
        line.push_str(" resume=/dev/vda3");
    }),
];

fn no_fallback(facts: &mut Facts) {
    facts.boot.efi_programs[0].fallback = false;
}

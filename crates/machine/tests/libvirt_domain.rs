//! A domain as libvirt gives it, by hand: what is read of it, what is said to be lost, what comes
//! out again.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use detente_machine::kvm::{DeviceChoice, KvmOptions, NetworkMap};
use detente_machine::libvirt::{from_libvirt, to_libvirt};
use detente_machine::loss::{Fate, Gate, Losses};
use detente_machine::qemu::Accelerator;
use detente_machine::spec::{
    Bus, Chipset, CrashAction, Disk, DiskFormat, DiskSource, Firmware, GenerationId, GuestFamily,
    IntegrationService, MachineSpec, MemoryRange, NetworkKind, NetworkRef, NicModel,
    ProcessorModel, SecureBoot, SecureBootKeys, SerialBackend, Slot, TpmInterface, Vlan,
};

const RHEL9: &[u8] = include_bytes!("libvirt/rhel9.xml");

fn rhel9() -> (MachineSpec, Losses) {
    from_libvirt(RHEL9).unwrap()
}

/// The fates of a field, by the report.
fn fates(losses: &Losses, field: &str) -> Vec<Fate> {
    let own = losses.iter().filter(|loss| loss.field == field);
    own.map(|loss| loss.fate).collect()
}

#[test]
fn processors_memory_and_identity_are_as_the_domain_says() {
    let (spec, _) = rhel9();
    assert_eq!(spec.name, "payroll");
    assert_eq!(
        spec.identity.uuid.unwrap().to_string(),
        "564d1a0c-9bd2-4b7e-8f11-0123456789ab"
    );
    assert!(matches!(
        spec.identity.generation_id,
        GenerationId::Fixed(_)
    ));
    assert_eq!(
        spec.notes.as_deref(),
        Some("Ask Ann before touching.\nSecond line & more.")
    );
    assert_eq!(spec.guest.family, GuestFamily::Linux);
    assert_eq!(spec.memory.startup_bytes, 4 << 30);
    let maximum_bytes = 8 << 30;
    assert_eq!(spec.memory.range, MemoryRange::Balloon { maximum_bytes });
    let own = &spec.processors;
    assert_eq!((own.count, own.online, own.nested), (8, Some(2), true));
    assert_eq!(own.topology.unwrap().sockets, 2);
    assert_eq!(own.model, ProcessorModel::HostModel);
    assert_eq!(own.features.len(), 1);
    assert_eq!(own.limits.weight, Some(200));
    assert_eq!(own.limits.maximum_percent, Some(50));
    assert_eq!(spec.numa.len(), 2);
    assert_eq!(spec.numa[1].processors, "4-7");
    assert_eq!(spec.lifecycle.on_crash, CrashAction::Preserve);
}

#[test]
fn firmware_and_devices_are_as_the_domain_says() {
    let (spec, _) = rhel9();
    assert_eq!(spec.chipset, Some(Chipset::Q35));
    let secure_boot = SecureBoot::On {
        keys: SecureBootKeys::MicrosoftBoth,
    };
    assert_eq!(spec.firmware, Firmware::Uefi { secure_boot });
    assert_eq!(spec.tpm.unwrap().interface, TpmInterface::Crb);
    let place = |disk: &Disk| {
        (
            disk.bus,
            disk.slot.map(|slot| (slot.controller, slot.location)),
        )
    };
    let places: Vec<_> = spec.disks.iter().map(place).collect();
    let expected = [
        (Bus::Virtio, Some((0, 0))),
        (Bus::Scsi, Some((0, 3))),
        (Bus::Virtio, Some((0, 2))),
        (Bus::Sata, Some((0, 1))),
    ];
    assert_eq!(places, expected);
    assert_eq!(spec.disks[0].serial.as_deref(), Some("PAYROLL-0"));
    assert_eq!(spec.disks[0].boot_order, Some(1));
    assert_eq!(spec.disks[1].sectors.unwrap().physical_bytes, 4096);
    assert!(spec.disks[3].source.is_none());
    let nic = &spec.nics[0];
    assert_eq!(nic.mac.unwrap().to_string(), "52:54:00:12:34:56");
    assert_eq!(
        (nic.model.clone(), nic.vlan.clone()),
        (NicModel::Virtio, Vlan::Access { id: 42 })
    );
    assert_eq!(nic.mtu_bytes, Some(9000));
    let path = Some("/run/payroll.sock".to_owned());
    assert_eq!(
        spec.serial_ports[1].backend,
        SerialBackend::UnixSocket { path }
    );
    assert_eq!(spec.serial_ports.len(), 2);
    for service in [
        IntegrationService::QemuGuestAgent,
        IntegrationService::Balloon,
        IntegrationService::Entropy,
    ] {
        assert!(spec.integration.contains(&service), "{service:?}");
    }
    assert_eq!(spec.passthrough.len(), 1);
}

/// Nothing of the document is lost in silence: what it says is in the definition, in an extension,
/// or in the report.
#[test]
fn what_has_no_word_is_kept_and_said() {
    let (spec, losses) = rhel9();
    for key in [
        "title",
        "metadata",
        "memoryBacking",
        "cputune",
        "features",
        "pm",
        "commandline",
        "os",
        "machine",
        "devices/emulator",
        "devices/sound",
        "devices/graphics",
        "devices/video",
        "devices/watchdog",
        "devices/controller",
        "devices/memballoon",
    ] {
        assert!(
            spec.extensions.get("libvirt", key).is_some(),
            "{key} is not kept"
        );
        assert!(
            losses.covers(&format!("extensions.libvirt.{key}")),
            "{key} is not said"
        );
    }
    for (key, _) in spec.extensions.of("libvirt") {
        assert!(
            losses.covers(&format!("extensions.libvirt.{key}")),
            "{key} is not said"
        );
    }
    assert_eq!(fates(&losses, "firmware.variables"), [Fate::Dropped]);
    assert_eq!(
        fates(&losses, "extensions.libvirt.addresses"),
        [Fate::Approximated]
    );
    assert_eq!(fates(&losses, "passthrough[0]"), [Fate::Kept]);
    assert_eq!(fates(&losses, "disks[0].extensions"), [Fate::Kept]);
}

#[test]
fn the_way_back_puts_in_again_what_was_kept() {
    let (spec, _) = rhel9();
    let (xml, losses) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
    for piece in [
        "<title>Payroll</title>",
        "<hugepages/>",
        "<vcpupin cpuset='3' vcpu='0'/>",
        "<vmport state='off'/>",
        "cache='none' discard='unmap' io='native'",
        "<host name='mon1' port='6321'/>",
        "<host name='mon2' port='6321'/>",
        "<virtualport type='openvswitch'/>",
        "<driver queues='4'/>",
        "<stats period='5'/>",
        "<sound model='ich9'/>",
        "<filterref filter='clean-traffic'/>",
        "<bootmenu enable='no'/>",
        "<tag xmlns='urn:app:1'>blue</tag>",
        "<graphics autoport='yes' type='spice'>",
        "machine='q35'",
    ] {
        assert!(xml.contains(piece), "{piece} is not in {xml}");
    }
    // Nothing that runs or names what only the old host has.
    for piece in [
        "commandline",
        "qemu-kvm",
        "hostdev",
        "nvram",
        "OVMF",
        "vnc",
        "pci",
    ] {
        assert!(!xml.contains(piece), "{piece} is in {xml}");
    }
    // A device of the host, and a TPM of which nobody knows what it opens.
    assert_eq!(losses.gates(&[]), [Gate::TpmState, Gate::Passthrough]);
    let (mut again, _) = from_libvirt(xml.as_bytes()).unwrap();
    let mut before = spec;
    before.passthrough.clear();
    // What is never written, and what another host chooses.
    for own in [&mut before, &mut again] {
        own.extensions = Default::default();
    }
    assert_eq!(again, before);
}

/// A machine of Hyper-V's second generation on KVM.
fn hypervs() -> MachineSpec {
    let secure_boot = SecureBoot::On {
        keys: SecureBootKeys::MicrosoftUefiCertificateAuthority,
    };
    let mut spec = MachineSpec::new("web", 4, 4 << 30, Firmware::Uefi { secure_boot });
    spec.controllers.push(detente_machine::spec::Controller {
        bus: Bus::Scsi,
        index: 0,
        model: detente_machine::spec::ControllerModel::Synthetic,
        extensions: Default::default(),
    });
    let mut disk = Disk::file(Bus::Scsi, r"C:\VMs\web\disk 0.vhdx", DiskFormat::Vhdx);
    disk.slot = Some(Slot {
        controller: 0,
        location: 0,
    });
    disk.boot_order = Some(1);
    spec.disks.push(disk);
    let network = NetworkRef {
        kind: NetworkKind::Switch,
        name: "External".to_owned(),
    };
    let mut nic = detente_machine::spec::Nic::new(NicModel::Synthetic, Some(network));
    nic.mac = "00155D010203".parse().ok();
    spec.nics.push(nic);
    spec.integration.extend(IntegrationService::HYPERV);
    spec
}

#[test]
fn hypervs_machine_gets_virtio_and_a_map_of_networks() {
    let mut networks = NetworkMap::default();
    networks.insert(
        "External",
        NetworkRef {
            kind: NetworkKind::Bridge,
            name: "br0".to_owned(),
        },
    );
    let options = KvmOptions {
        networks,
        ..KvmOptions::default()
    };
    let (xml, losses) = to_libvirt(&hypervs(), &options).unwrap();
    for piece in [
        "<os firmware='efi'>",
        "<feature enabled='yes' name='secure-boot'/>",
        "<feature enabled='yes' name='enrolled-keys'/>",
        "<smm state='on'/>",
        "<source file='/var/lib/libvirt/images/disk 0.qcow2'/>",
        "<target dev='vda' bus='virtio'/>",
        "<boot order='1'/>",
        "<source bridge='br0'/>",
        "<mac address='00:15:5d:01:02:03'/>",
        "<model type='virtio'/>",
        "org.qemu.guest_agent.0",
        "<cpu mode='host-model'/>",
    ] {
        assert!(xml.contains(piece), "{piece} is not in {xml}");
    }
    for field in [
        "disks[0].bus",
        "disks[0].source",
        "nics[0].model",
        "integration",
    ] {
        assert_eq!(fates(&losses, field), [Fate::Approximated], "{field}");
    }
    // What the map says is no question any more.
    assert_eq!(fates(&losses, "nics[0].network"), [Fate::Approximated]);
    // Back again, Hyper-V's services are those that were there.
    let (again, _) = from_libvirt(xml.as_bytes()).unwrap();
    let services: Vec<_> = again.integration.iter().copied().collect();
    assert_eq!(services, IntegrationService::HYPERV);
}

#[test]
fn a_guest_without_virtio_gets_what_needs_no_driver() {
    let options = KvmOptions {
        devices: DeviceChoice::Plain,
        accelerator: Accelerator::Tcg,
        ..KvmOptions::default()
    };
    let (xml, _) = to_libvirt(&hypervs(), &options).unwrap();
    for piece in [
        "<domain type='qemu'>",
        "<target dev='sda' bus='sata'/>",
        "<model type='e1000e'/>",
        "<cpu mode='maximum'/>",
    ] {
        assert!(xml.contains(piece), "{piece} is not in {xml}");
    }
}

#[test]
fn windows_is_shown_what_hyper_v_would_show() {
    let mut spec = hypervs();
    spec.guest.family = GuestFamily::Windows;
    let (xml, _) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
    assert!(xml.contains("<relaxed state='on'/>"), "{xml}");
    assert!(
        xml.contains("<timer name='hypervclock' present='yes'/>"),
        "{xml}"
    );
    spec.guest.family = GuestFamily::Linux;
    let (xml, _) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
    assert!(!xml.contains("<hyperv"), "{xml}");
}

/// A piece that came with a definition cannot bring other programs, or break out of its place.
#[test]
fn pieces_that_are_not_what_they_say_are_not_put_in() {
    let mut spec = hypervs();
    for (key, piece) in [
        (
            "commandline",
            "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'/>",
        ),
        ("devices/emulator", "<emulator>/bin/evil</emulator>"),
        (
            "features",
            "<devices><emulator>/bin/evil</emulator></devices>",
        ),
        ("pm", "<pm xmlns='urn:evil'/>"),
        ("title", "<title>x</title></domain><evil/>"),
        (
            "os",
            "<os><loader>/evil</loader><bootmenu enable='yes'/></os>",
        ),
    ] {
        spec.extensions.insert("libvirt", key, piece);
    }
    let (xml, losses) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
    assert!(!xml.contains("evil"), "{xml}");
    assert!(!xml.contains("commandline"), "{xml}");
    assert!(xml.contains("<bootmenu enable='yes'/>"), "{xml}");
    for key in ["commandline", "devices/emulator", "features", "pm", "os"] {
        assert_eq!(
            fates(&losses, &format!("extensions.libvirt.{key}")),
            [Fate::Dropped],
            "{key}"
        );
    }
}

#[track_caller]
fn refused(xml: &str, says: &str) {
    let error = from_libvirt(xml.as_bytes()).unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(own) = cause {
        text = format!("{text}: {own}");
        cause = own.source();
    }
    assert!(text.contains(says), "{text:?} does not say {says:?}");
}

#[test]
fn what_is_no_machine_of_qemus_is_refused_with_the_reason() {
    let os = "<os><type arch='x86_64' machine='q35'>hvm</type></os>";
    let with = |head: &str, inner: &str| {
        format!("<domain {head}><name>a</name><memory>1024</memory>{os}{inner}</domain>")
    };
    let sound = with("type='kvm'", "");
    from_libvirt(sound.as_bytes()).unwrap();
    refused("<network/>", "<network>");
    refused(&with("type='lxc'", ""), "lxc");
    refused(&sound.replace("hvm", "xen"), "xen");
    refused(&sound.replace("x86_64", "aarch64"), "aarch64");
    refused(&sound.replace("q35", "microvm"), "microvm");
    refused(&sound.replace("<name>a</name>", ""), "no <name>");
    refused(&sound.replace("<memory>1024</memory>", ""), "no <memory>");
    refused(&sound.replace("1024", "1e3"), "memory is \"1e3\"");
    refused(&sound.replace("<name>a", "<name>a/b"), "slash");
    refused(&with("type='kvm'", "<vcpu>0</vcpu>"), "processors.count");
    let devices = |inner: &str| with("type='kvm'", &format!("<devices>{inner}</devices>"));
    refused(&devices("<disk><target dev='vda'/></disk>"), "no source");
    refused(
        &devices("<disk type='file'><source file='/a'/><target dev='x' bus='xen'/></disk>"),
        "\"xen\"",
    );
    refused(
        &devices("<interface type='user'><mac address='01:00:5e:00:00:01'/></interface>"),
        "multicast",
    );
    let twice = "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>";
    refused(&devices(&format!("{twice}{twice}")), "two network cards");
    refused(
        "<!DOCTYPE a [<!ENTITY b 'c'>]><domain>&b;</domain>",
        "document type",
    );
}

#[test]
fn a_machine_that_is_bound_to_its_host_is_behind_a_gate() {
    let xml = "<domain type='kvm'><name>a</name><memory>1024</memory>\
               <os><type arch='x86_64' machine='q35'>hvm</type></os>\
               <launchSecurity type='sev'/></domain>";
    let (_, losses) = from_libvirt(xml.as_bytes()).unwrap();
    assert_eq!(losses.gates(&[]), [Gate::Shielded]);
    let mut spec = hypervs();
    spec.tpm = Some(detente_machine::spec::Tpm {
        version: Default::default(),
        interface: Default::default(),
    });
    spec.guest.sealed_disks = detente_machine::spec::Sealing::Tpm;
    spec.checkpoints.existing = 2;
    spec.disks.push(Disk {
        source: Some(DiskSource::HostDisk {
            name: "2".to_owned(),
        }),
        boot_order: None,
        slot: None,
        ..spec.disks[0].clone()
    });
    let (xml, losses) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
    let shut = losses.gates(&[]);
    assert_eq!(shut, [Gate::TpmState, Gate::Checkpoints, Gate::Passthrough]);
    assert_eq!(xml.matches("<disk ").count(), 1, "{xml}");
}

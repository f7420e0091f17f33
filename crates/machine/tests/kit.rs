//! Definitions on their way to Hyper-V and back: what is lost is said, and found again.
#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::collections::BTreeMap;

use detente_machine::kit::{self, Kit, KitError, KitFile, Switches};
use detente_machine::spec::{
    Bus, Clock, Disk, DiskAccess, DiskDevice, DiskFormat, Display, DynamicMemory, Firmware,
    GenerationId, GuestFamily, IntegrationService, MachineSpec, MemoryRange, NetworkKind,
    NetworkRef, Nic, NicModel, Passthrough, PassthroughKind, Permission, ProcessorModel,
    ProcessorTopology, Sealing, SecureBoot, SecureBootKeys, SerialBackend, SerialPort, StartPolicy,
    StopPolicy, Tpm, TpmInterface, TpmVersion, Vlan,
};
use detente_machine::{Fate, Gate};
use proptest::prelude::*;
use serde_json::Value;

/// A machine with a bit of everything.
fn full() -> MachineSpec {
    let keys = SecureBootKeys::MicrosoftBoth;
    let firmware = Firmware::Uefi {
        secure_boot: SecureBoot::On { keys },
    };
    let mut spec = MachineSpec::new("shop: till", 4, 4 << 30, firmware);
    spec.identity.uuid = "564d1a0c-9bd2-4b7e-8f11-0123456789ab".parse().ok();
    spec.guest.family = GuestFamily::Linux;
    spec.guest.sealed_disks = Sealing::None;
    spec.processors.topology = Some(ProcessorTopology {
        sockets: 2,
        dies: 1,
        cores: 2,
        threads: 1,
    });
    spec.processors.nested = true;
    spec.tpm = Some(Tpm {
        version: TpmVersion::V2_0,
        interface: TpmInterface::Crb,
    });
    let mut boot = Disk::file(Bus::Virtio, "/srv/shop.qcow2", DiskFormat::Qcow2);
    boot.boot_order = Some(1);
    boot.serial = Some("SHOP1".to_owned());
    boot.size_bytes = Some(20 << 30);
    let data = Disk::file(Bus::Virtio, "/srv/data.qcow2", DiskFormat::Qcow2);
    let mut drive = Disk::file(Bus::Sata, "/srv/install.iso", DiskFormat::Raw);
    drive.device = DiskDevice::Cdrom;
    spec.disks = vec![boot, data, drive];
    let network = NetworkRef {
        kind: NetworkKind::Bridge,
        name: "br0".to_owned(),
    };
    let mut nic = Nic::new(NicModel::Virtio, Some(network));
    nic.mac = "52:54:00:12:34:56".parse().ok();
    nic.vlan = Vlan::Trunk {
        native: Some(1),
        allowed: vec![10, 20, 30],
    };
    nic.guards.mac_spoofing = Permission::Allowed;
    nic.boot_order = Some(2);
    spec.nics = vec![nic];
    spec.serial_ports.push(SerialPort {
        port: 0,
        backend: SerialBackend::Pty,
        extensions: detente_machine::spec::Extensions::default(),
    });
    spec.integration.insert(IntegrationService::QemuGuestAgent);
    spec.lifecycle.start = StartPolicy::Always;
    spec.lifecycle.stop = StopPolicy::ShutDown;
    spec.notes = Some("behind the counter".to_owned());
    spec
}

fn switches() -> Switches {
    let named = [("br0".to_owned(), "External".to_owned())];
    Switches(named.into())
}

fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}[{index}]"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(member, &format!("{path}{dot}{name}"), found);
            }
        }
        leaf => {
            found.insert(path.to_owned(), leaf.clone());
        }
    }
}

/// There and back: with its notes everything is as it was; without them, only what the report says.
fn check(spec: &MachineSpec) -> Result<(), TestCaseError> {
    let (machine, losses) = match kit::definition(spec, &switches()) {
        Ok(made) => made,
        Err(KitError::TooMany { .. }) => return Ok(()),
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    // Through the document, as the script and the inventory have it.
    let kit = Kit::new("detente test", machine, Vec::new());
    let mut machine = Kit::from_json(kit.to_json().as_bytes()).unwrap().machine;
    let (back, _) = machine.to_spec().unwrap();
    prop_assert_eq!(&back, spec);
    machine.notes = None;
    let (bare, _) = machine.to_spec().unwrap();
    let (mut was, mut now) = (BTreeMap::new(), BTreeMap::new());
    leaves(&serde_json::to_value(spec).unwrap(), "", &mut was);
    leaves(&serde_json::to_value(&bare).unwrap(), "", &mut now);
    for field in was.keys().chain(now.keys()) {
        let moved = field.contains(".source.") || field == "notes";
        prop_assert!(
            // What only Hyper-V says was never lost.
            moved
                || was.get(field).is_none_or(Value::is_null)
                || was.get(field) == now.get(field)
                || losses.covers(field),
            "{} was {:?} and is {:?}, and nobody says so",
            field,
            was.get(field),
            now.get(field)
        );
    }
    Ok(())
}

fn disks() -> impl Strategy<Value = Vec<Disk>> {
    let bus = prop_oneof![
        Just(Bus::Virtio),
        Just(Bus::Scsi),
        Just(Bus::Sata),
        Just(Bus::Ide),
        Just(Bus::Nvme)
    ];
    let disk = (
        bus,
        any::<bool>(),
        any::<bool>(),
        proptest::option::of("[A-Z0-9]{1,8}"),
    );
    let disk = disk.prop_map(|(bus, cdrom, read_only, serial)| {
        let mut disk = Disk::file(bus, "/srv/a.qcow2", DiskFormat::Qcow2);
        if cdrom && matches!(bus, Bus::Scsi | Bus::Sata | Bus::Ide) {
            disk.device = DiskDevice::Cdrom;
            disk.source = None;
        }
        if read_only {
            disk.access = DiskAccess::ReadOnly;
        }
        disk.serial = serial;
        disk
    });
    let ordered = |mut disks: Vec<Disk>, ranks: Vec<bool>| {
        for (index, (disk, ranked)) in disks.iter_mut().zip(ranks).enumerate() {
            disk.boot_order = ranked.then(|| u32::try_from(index + 1).unwrap());
        }
        disks
    };
    (
        proptest::collection::vec(disk, 0..6),
        proptest::collection::vec(any::<bool>(), 6),
    )
        .prop_map(move |(disks, ranks)| ordered(disks, ranks))
}

fn nics() -> impl Strategy<Value = Vec<Nic>> {
    let model = prop_oneof![
        Just(NicModel::Virtio),
        Just(NicModel::E1000e),
        Just(NicModel::Synthetic),
        Just(NicModel::Legacy),
        Just(NicModel::Other("ne2k_pci".to_owned()))
    ];
    let vlan = prop_oneof![
        Just(Vlan::Untagged),
        (1_u16..4095).prop_map(|id| Vlan::Access { id }),
        Just(Vlan::Trunk {
            native: None,
            allowed: vec![7, 9]
        })
    ];
    let guard = prop_oneof![
        Just(Permission::PlatformDefault),
        Just(Permission::Allowed),
        Just(Permission::Refused)
    ];
    let network = proptest::option::of(prop_oneof![Just("br0"), Just("other")]);
    let nic = (model, vlan, guard, network, any::<bool>());
    let nic = nic.prop_map(|(model, vlan, guard, network, fixed)| {
        let network = network.map(|name| NetworkRef {
            kind: NetworkKind::Bridge,
            name: name.to_owned(),
        });
        let mut nic = Nic::new(model, network);
        nic.vlan = vlan;
        nic.guards.mac_spoofing = guard;
        nic.guards.dhcp_server = guard;
        (nic, fixed)
    });
    proptest::collection::vec(nic, 0..4).prop_map(|nics| {
        let number = |(index, (mut nic, fixed)): (usize, (Nic, bool))| {
            let mac = format!("52:54:00:00:00:{index:02x}");
            nic.mac = fixed.then(|| mac.parse().unwrap());
            nic
        };
        nics.into_iter().enumerate().map(number).collect()
    })
}

fn memory() -> impl Strategy<Value = (u64, MemoryRange)> {
    let kib = 1_u64 << 10;
    prop_oneof![
        (1024..9_000_000_u64).prop_map(move |size| (size * kib, MemoryRange::Fixed)),
        (1024..9_000_000_u64, 0..9_000_u64).prop_map(move |(size, more)| {
            let maximum_bytes = (size + more) * kib;
            (size * kib, MemoryRange::Balloon { maximum_bytes })
        }),
        (
            2048..9_000_000_u64,
            0..1024_u64,
            0..90_000_u64,
            0..100_u32,
            0..=100_u32
        )
            .prop_map(move |(size, less, more, buffer_percent, priority)| {
                let dynamic = DynamicMemory {
                    minimum_bytes: (size - less) * kib,
                    maximum_bytes: (size + more) * kib,
                    buffer_percent,
                    priority,
                };
                (size * kib, MemoryRange::Dynamic(dynamic))
            }),
    ]
}

fn firmware() -> impl Strategy<Value = Firmware> {
    let on = |keys| Firmware::Uefi {
        secure_boot: SecureBoot::On { keys },
    };
    prop_oneof![
        Just(Firmware::Bios),
        Just(Firmware::Uefi {
            secure_boot: SecureBoot::Off
        }),
        Just(on(SecureBootKeys::MicrosoftBoth)),
        Just(on(SecureBootKeys::MicrosoftWindows)),
        Just(on(SecureBootKeys::Custom)),
    ]
}

fn specs() -> impl Strategy<Value = MachineSpec> {
    let model = prop_oneof![
        Just(ProcessorModel::PlatformDefault),
        Just(ProcessorModel::HostPassthrough),
        Just(ProcessorModel::Migratable),
        Just(ProcessorModel::Named("EPYC".to_owned()))
    ];
    let kinds = (
        "[ -.0-~]{1,120}",
        1_u32..9,
        any::<bool>(),
        any::<bool>(),
        model,
    );
    (
        kinds,
        memory(),
        firmware(),
        disks(),
        nics(),
        proptest::option::of("[a-z]{1,9}"),
    )
        .prop_map(
            |(
                (name, count, tpm, nested, model),
                (startup, range),
                firmware,
                disks,
                nics,
                notes,
            )| {
                let mut spec = MachineSpec::new(&name, count, startup, firmware);
                spec.memory.range = range;
                spec.disks = disks;
                spec.nics = nics;
                spec.notes = notes;
                spec.processors.nested = nested;
                spec.processors.model = model;
                spec.display = if nested {
                    Display::Present
                } else {
                    Display::Absent
                };
                spec.clock = if tpm { Clock::LocalTime } else { Clock::Utc };
                spec.identity.generation_id = if nested {
                    GenerationId::HostMade
                } else {
                    GenerationId::Absent
                };
                if tpm {
                    spec.tpm = Some(Tpm {
                        version: TpmVersion::V2_0,
                        interface: TpmInterface::Tis,
                    });
                    spec.integration.insert(IntegrationService::Balloon);
                }
                spec
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_in_silence(spec in specs()) {
        prop_assume!(spec.validate().is_ok());
        check(&spec)?;
    }
}

#[test]
fn a_machine_with_everything_comes_back() {
    check(&full()).unwrap();
}

/// Read by eye; whoever changes it reads it again. `actual` is written where tests may write.
#[test]
fn the_document_is_what_it_was() {
    let (machine, losses) = kit::definition(&full(), &switches()).unwrap();
    let files = vec![KitFile {
        name: "disk0.vhdx".to_owned(),
        length_bytes: 4 << 20,
        sha256: "00".repeat(32),
    }];
    let mut text = Kit::new("detente test", machine, files).to_json();
    for loss in losses.iter() {
        text.push_str(&format!("{loss}\n"));
    }
    let actual = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("kit.txt");
    std::fs::write(&actual, &text).unwrap();
    let golden = include_str!("golden/kit.txt");
    assert!(
        text == golden,
        "{} is not tests/golden/kit.txt",
        actual.display()
    );
}

#[test]
fn generations_follow_from_the_firmware() {
    let mut spec = full();
    spec.firmware = Firmware::Bios;
    let (machine, losses) = kit::definition(&spec, &switches()).unwrap();
    assert_eq!(machine.generation, 1);
    assert!(machine.firmware.is_none() && !machine.security.tpm);
    // What starts it and the drive on IDE, the other disk on SCSI.
    let places: Vec<_> = machine
        .hard_disk_drives
        .iter()
        .map(|disk| {
            (
                disk.controller_type.name(),
                disk.controller_number,
                disk.controller_location,
            )
        })
        .collect();
    assert_eq!(places, [("IDE", 0, 0), ("SCSI", 0, 0)]);
    assert_eq!(machine.dvd_drives[0].controller_type.name(), "IDE");
    assert!(losses.covers("tpm"));
}

#[test]
fn what_would_be_lost_shuts_a_gate() {
    let gates = |change: &dyn Fn(&mut MachineSpec)| {
        let mut spec = full();
        change(&mut spec);
        let (_, losses) = kit::definition(&spec, &switches()).unwrap();
        losses.gates(&[])
    };
    assert_eq!(gates(&|_| {}), []);
    assert_eq!(
        gates(&|spec| spec.guest.sealed_disks = Sealing::Tpm),
        [Gate::TpmState]
    );
    assert_eq!(
        gates(&|spec| spec.guest.sealed_disks = Sealing::Unknown),
        [Gate::TpmState]
    );
    assert_eq!(
        gates(&|spec| spec.checkpoints.existing = 1),
        [Gate::Checkpoints]
    );
    assert_eq!(
        gates(&|spec| spec.disks[1].access = DiskAccess::Shared),
        [Gate::SharedDisk]
    );
    let custom = SecureBoot::On {
        keys: SecureBootKeys::Custom,
    };
    let firmware = Firmware::Uefi {
        secure_boot: custom,
    };
    assert_eq!(
        gates(&|spec| spec.firmware = firmware.clone()),
        [Gate::SecureBootKeys]
    );
    let device = Passthrough {
        kind: PassthroughKind::Pci,
        name: "0000:01:00.0".to_owned(),
        extensions: detente_machine::spec::Extensions::default(),
    };
    assert_eq!(
        gates(&|spec| spec.passthrough.push(device.clone())),
        [Gate::Passthrough]
    );
}

#[test]
fn a_name_is_data() {
    let mut spec = full();
    spec.name = "$(Remove-Item C:) '; \" `n | x".to_owned();
    let (machine, losses) = kit::definition(&spec, &switches()).unwrap();
    assert_eq!(machine.name, "$(Remove-Item C_) '; _ `n _ x");
    let name = losses.iter().find(|loss| loss.field == "name").unwrap();
    assert_eq!(name.fate, Fate::Approximated);
    assert!(!kit::SCRIPT.contains("Remove-Item C"));
    check(&spec).unwrap();
}

#[test]
fn kits_that_name_other_files_are_refused() {
    let (machine, _) = kit::definition(&full(), &switches()).unwrap();
    let text = Kit::new("detente test", machine, Vec::new()).to_json();
    for name in ["..", "../disk0.vhdx", r"C:\\disk0.vhdx", "/etc/shadow", ""] {
        let spoiled = text.replace("\"disk0.vhdx\"", &format!("\"{name}\""));
        assert_ne!(spoiled, text);
        let read = Kit::from_json(spoiled.as_bytes());
        // An empty path is that of a disk without a file.
        assert!(read.is_err() || name.is_empty(), "{name}");
    }
    let newer = text.replace("hyperv-kit/1", "hyperv-kit/2");
    assert!(Kit::from_json(newer.as_bytes()).is_err());
}

//! Whatever the definition: what comes back from libvirt is what went there, but for what the loss
//! report says; and hostile XML gives errors and nothing else.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use detente_machine::kit::{self, Switches};
use detente_machine::kubevirt::to_kubevirt;
use detente_machine::kvm::{DeviceChoice, KvmOptions};
use detente_machine::libvirt::{from_libvirt, to_libvirt};
use detente_machine::qemu::Accelerator;
use detente_machine::qemu_definition::to_qemu_command;
use detente_machine::spec::{
    Bus, CheckpointPolicy, Checkpoints, Chipset, Clock, Controller, ControllerModel, CrashAction,
    Disk, DiskAccess, DiskDevice, DiskFormat, Display, DynamicMemory, Extensions, Firmware,
    GenerationId, GuestFamily, IntegrationService, Lifecycle, Link, MacAddress, MachineSpec,
    Memory, MemoryRange, NetworkKind, NetworkRef, Nic, NicModel, Permission, ProcessorLimits,
    ProcessorModel, ProcessorTopology, SecureBoot, SecureBootKeys, SerialBackend, SerialPort, Slot,
    StartPolicy, StopPolicy, Tpm, Uuid, UuidByteOrder, Vlan,
};
use detente_machine::{Fate, Losses};
use proptest::prelude::*;
use serde_json::Value;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

fn memory() -> impl Strategy<Value = Memory> {
    let range = prop_oneof![
        Just(MemoryRange::Fixed),
        (1_u64..64).prop_map(|more| MemoryRange::Balloon {
            maximum_bytes: 8 * GIB + more * MIB
        }),
        (1_u64..512, 1_u64..64, 0_u32..100).prop_map(|(least, more, priority)| {
            MemoryRange::Dynamic(DynamicMemory {
                minimum_bytes: least * 2 * MIB,
                maximum_bytes: 8 * GIB + more * 16 * GIB,
                buffer_percent: 20,
                priority,
            })
        }),
    ];
    (512_u64..4096, range).prop_map(|(pairs, range)| Memory {
        startup_bytes: pairs * 2 * MIB,
        range,
    })
}

fn processors() -> impl Strategy<Value = detente_machine::spec::Processors> {
    let topology = proptest::option::of((1_u32..3, 1_u32..3, 1_u32..5, 1_u32..3));
    let model = prop_oneof![
        Just(ProcessorModel::PlatformDefault),
        Just(ProcessorModel::HostModel),
        Just(ProcessorModel::HostPassthrough),
        Just(ProcessorModel::Maximum),
        Just(ProcessorModel::Migratable),
        Just(ProcessorModel::Named("EPYC-Rome".to_owned())),
    ];
    let percent = || proptest::option::of(1_u32..=100);
    let limits = (percent(), percent(), proptest::option::of(1_u32..10_000));
    (topology, model, limits, any::<bool>()).prop_map(|(topology, model, limits, nested)| {
        let topology = topology.map(|(sockets, dies, cores, threads)| ProcessorTopology {
            sockets,
            dies,
            cores,
            threads,
        });
        let count = topology.and_then(ProcessorTopology::count).unwrap_or(4);
        let mut own = detente_machine::spec::Processors::new(count);
        own.topology = topology;
        own.model = model;
        own.nested = nested;
        own.limits = ProcessorLimits {
            reserve_percent: limits.0,
            maximum_percent: limits.1,
            weight: limits.2,
        };
        own
    })
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
        Just(on(SecureBootKeys::MicrosoftUefiCertificateAuthority)),
    ]
}

/// Disks of every bus, each in a place of its own.
fn disks() -> impl Strategy<Value = Vec<Disk>> {
    let bus = prop_oneof![Just(Bus::Virtio), Just(Bus::Scsi), Just(Bus::Sata)];
    let format = prop_oneof![
        Just(DiskFormat::Qcow2),
        Just(DiskFormat::Raw),
        Just(DiskFormat::Vhdx)
    ];
    let one = (
        bus,
        format,
        any::<bool>(),
        proptest::option::of("[A-Z0-9]{1,12}"),
    );
    proptest::collection::vec(one, 0..5).prop_map(|all| {
        let mut disks = Vec::new();
        for (index, (bus, format, is_cdrom, serial)) in all.into_iter().enumerate() {
            let path = format!("/images/a & b'<{index}>.img");
            let mut disk = Disk::file(bus, &path, format);
            let location = u32::try_from(index).unwrap();
            let controller = 0;
            disk.slot = Some(Slot {
                controller,
                location,
            });
            disk.serial = serial;
            disk.size_bytes = Some(GIB);
            disk.boot_order = (index % 2 == 0).then_some(location + 1);
            if is_cdrom && bus != Bus::Virtio {
                disk.device = DiskDevice::Cdrom;
                disk.access = DiskAccess::ReadOnly;
                disk.source = None;
                disk.size_bytes = None;
            }
            disks.push(disk);
        }
        disks
    })
}

fn cards() -> impl Strategy<Value = Vec<Nic>> {
    let model = prop_oneof![
        Just(NicModel::Virtio),
        Just(NicModel::E1000e),
        Just(NicModel::Rtl8139),
        Just(NicModel::Synthetic),
    ];
    let kind = prop_oneof![
        Just(NetworkKind::Network),
        Just(NetworkKind::Bridge),
        Just(NetworkKind::Switch),
    ];
    let vlan = prop_oneof![
        Just(Vlan::Untagged),
        (1_u16..4095).prop_map(|id| Vlan::Access { id }),
        proptest::collection::btree_set(1_u16..4095, 2..5).prop_map(|ids| Vlan::Trunk {
            native: ids.first().copied(),
            allowed: ids.into_iter().collect(),
        }),
    ];
    let one = (model, kind, vlan, any::<bool>(), any::<bool>());
    proptest::collection::vec(one, 0..4).prop_map(|all| {
        let mut nics = Vec::new();
        for (index, (model, kind, vlan, down, named)) in all.into_iter().enumerate() {
            let name = format!("net <{index}>");
            let mut nic = Nic::new(model, Some(NetworkRef { kind, name }));
            let last = u8::try_from(index).unwrap();
            nic.mac = Some(MacAddress([0x52, 0x54, 0, 0, 0, last]));
            nic.vlan = vlan;
            nic.link = if down { Link::Down } else { Link::Up };
            nic.name = named.then(|| format!("card {index}"));
            if named {
                nic.guards.dhcp_server = Permission::Refused;
            }
            nics.push(nic);
        }
        nics
    })
}

type Rest = (
    Option<[u8; 16]>,
    bool,
    Option<String>,
    Vec<IntegrationService>,
    bool,
    (u8, u8, u8, u8),
);

fn rest() -> impl Strategy<Value = Rest> {
    let services = vec![
        IntegrationService::Heartbeat,
        IntegrationService::Shutdown,
        IntegrationService::QemuGuestAgent,
        IntegrationService::Balloon,
        IntegrationService::Entropy,
        IntegrationService::PanicNotifier,
        IntegrationService::HypervEnlightenments,
    ];
    let count = services.len();
    (
        proptest::option::of(any::<[u8; 16]>()),
        any::<bool>(),
        proptest::option::of("[a-z<>&'\"\u{e9}][a-z<>&'\"\\n ]{0,20}[a-z]"),
        proptest::sample::subsequence(services, 0..=count),
        any::<bool>(),
        (0_u8..3, 0_u8..3, 0_u8..4, 0_u8..3),
    )
}

fn spec() -> impl Strategy<Value = MachineSpec> {
    (memory(), processors(), firmware(), disks(), cards(), rest()).prop_map(
        |(memory, processors, firmware, disks, nics, rest)| {
            let mut spec = MachineSpec::new("a 'name' & <more>", 1, GIB, firmware);
            spec.memory = memory;
            spec.processors = processors;
            spec.disks = disks;
            spec.nics = nics;
            identity(&mut spec, &rest);
            devices(&mut spec, &rest);
            policies(&mut spec, &rest);
            spec
        },
    )
}

fn identity(spec: &mut MachineSpec, rest: &Rest) {
    let &(uuid, turned, ref notes, ref services, ..) = rest;
    spec.identity.uuid = uuid.map(Uuid);
    if turned && uuid.is_some() {
        spec.identity.byte_order = UuidByteOrder::AsWritten;
        spec.identity.platform_id = uuid.map(Uuid);
    }
    spec.identity.generation_id = match (uuid, turned) {
        (Some(id), true) => GenerationId::Fixed(Uuid(id)),
        (Some(_), false) => GenerationId::HostMade,
        (None, _) => GenerationId::Absent,
    };
    spec.notes = notes.clone();
    spec.integration = services.iter().copied().collect();
}

fn devices(spec: &mut MachineSpec, rest: &Rest) {
    let &(.., flag, _) = rest;
    spec.chipset = Some(Chipset::Q35);
    spec.controllers = vec![Controller {
        bus: Bus::Scsi,
        index: 0,
        model: if flag {
            ControllerModel::Synthetic
        } else {
            ControllerModel::VirtioScsi
        },
        extensions: Extensions::default(),
    }];
    spec.display = if flag {
        Display::Present
    } else {
        Display::Absent
    };
    spec.tpm = flag.then(|| Tpm {
        version: Default::default(),
        interface: Default::default(),
    });
    if flag {
        let path = Some("/run/a.sock".to_owned());
        spec.serial_ports = vec![
            SerialPort {
                port: 0,
                backend: SerialBackend::Pty,
                extensions: Extensions::default(),
            },
            SerialPort {
                port: 1,
                backend: SerialBackend::UnixSocket { path },
                extensions: Extensions::default(),
            },
        ];
    }
}

fn policies(spec: &mut MachineSpec, rest: &Rest) {
    let &(_, turned, _, _, flag, (a, b, c, d)) = rest;
    spec.clock = [
        Clock::Utc,
        Clock::LocalTime,
        Clock::Timezone {
            name: "Europe/Berlin".to_owned(),
        },
    ][usize::from(a)]
    .clone();
    spec.guest.family = [
        GuestFamily::Unknown,
        GuestFamily::Linux,
        GuestFamily::Windows,
    ][usize::from(b)];
    spec.lifecycle = Lifecycle {
        start: [
            StartPolicy::Unspecified,
            StartPolicy::Never,
            StartPolicy::IfItRan,
            StartPolicy::Always,
        ][usize::from(c)],
        start_delay_s: flag.then_some(30),
        stop: if turned {
            StopPolicy::ShutDown
        } else {
            StopPolicy::Unspecified
        },
        on_crash: [
            CrashAction::Stop,
            CrashAction::Restart,
            CrashAction::Preserve,
        ][usize::from(d)],
    };
    spec.checkpoints = Checkpoints {
        policy: if turned {
            CheckpointPolicy::Production
        } else {
            CheckpointPolicy::Unspecified
        },
        automatic: turned,
        existing: 0,
    };
}

/// Every place where two definitions differ.
fn differences(left: &MachineSpec, right: &MachineSpec) -> Vec<String> {
    let mut found = Vec::new();
    let value = |spec: &MachineSpec| serde_json::to_value(spec).unwrap();
    walk("", &value(left), &value(right), &mut found);
    found
}

fn walk(field: &str, left: &Value, right: &Value, found: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let inner = [field, key.as_str()]
                    .iter()
                    .filter(|part| !part.is_empty())
                    .copied()
                    .collect::<Vec<_>>()
                    .join(".");
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or_default()
                };
                walk(&inner, &of(a), &of(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                walk(&format!("{field}[{index}]"), a, b, found);
            }
        }
        _ if left == right => {}
        _ => found.push(field.to_owned()),
    }
}

/// What differs and no report says.
fn unsaid(left: &MachineSpec, right: &MachineSpec, losses: &Losses) -> Vec<String> {
    let mut found = differences(left, right);
    found.retain(|field| !losses.covers(field));
    found
}

/// The same without what is only carried along: then nothing may differ that is not said at all,
/// and a [`Fate::Kept`] must have come back.
fn kept_but_gone(left: &MachineSpec, right: &MachineSpec, losses: &Losses) -> Vec<String> {
    let mut worse = Losses::new();
    for loss in losses.iter() {
        match loss.fate {
            Fate::Kept => {}
            Fate::Approximated => worse.approximated(loss.field.as_str(), loss.why.as_str()),
            Fate::Dropped | Fate::Refused => worse.dropped(loss.field.as_str(), loss.why.as_str()),
        }
    }
    unsaid(left, right, &worse)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_comes_back_from_libvirt_is_what_went_there(spec in spec()) {
        let (xml, losses) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
        let (again, _) = from_libvirt(xml.as_bytes()).unwrap();
        prop_assert_eq!(unsaid(&spec, &again, &losses), Vec::<String>::new(), "{}", xml);
        prop_assert_eq!(kept_but_gone(&spec, &again, &losses), Vec::<String>::new(), "{}", xml);
        // What is said to hang on the host's bridge is written all the same.
        let vlans = |spec: &MachineSpec| spec.nics.iter().map(|nic| nic.vlan.clone()).collect::<Vec<_>>();
        prop_assert_eq!(vlans(&spec), vlans(&again), "{}", xml);
        // The second time nothing changes any more.
        let (twice, losses) = to_libvirt(&again, &KvmOptions::default()).unwrap();
        let (third, _) = from_libvirt(twice.as_bytes()).unwrap();
        let moved = differences(&again, &third);
        prop_assert_eq!(moved, Vec::<String>::new(), "{:?} {}", losses, twice);
    }

    #[test]
    fn every_choice_of_devices_is_said(spec in spec(), plain in any::<bool>()) {
        let options = KvmOptions {
            devices: if plain { DeviceChoice::Plain } else { DeviceChoice::Virtio },
            accelerator: Accelerator::Tcg,
            ..KvmOptions::default()
        };
        let (xml, losses) = to_libvirt(&spec, &options).unwrap();
        let (again, _) = from_libvirt(xml.as_bytes()).unwrap();
        prop_assert_eq!(unsaid(&spec, &again, &losses), Vec::<String>::new(), "{}", xml);
    }

    #[test]
    fn from_kvm_to_hyper_v_and_back_changes_only_what_is_said(spec in spec()) {
        let (first, _) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
        let (ours, _) = from_libvirt(first.as_bytes()).unwrap();
        // Some machines have more than Hyper-V gives any.
        let Ok((theirs, there)) = kit::definition(&ours, &Switches::default()) else {
            return Ok(());
        };
        let (back, came) = theirs.to_spec().unwrap();
        let (xml, here) = to_libvirt(&back, &KvmOptions::default()).unwrap();
        let (again, _) = from_libvirt(xml.as_bytes()).unwrap();
        let mut losses = there;
        losses.append(came);
        losses.append(here);
        prop_assert_eq!(unsaid(&ours, &again, &losses), Vec::<String>::new(), "{}", xml);
    }

    #[test]
    fn every_definition_has_a_script_and_a_manifest(spec in spec()) {
        let (script, _) = to_qemu_command(&spec, &KvmOptions::default()).unwrap();
        prop_assert!(script.ends_with("\"$@\"\n"));
        let (manifest, _) = to_kubevirt(&spec, &KvmOptions::default()).unwrap();
        prop_assert!(manifest.starts_with("apiVersion: kubevirt.io/v1\n"));
        let again = MachineSpec::from_json(spec.to_json().as_bytes()).unwrap();
        prop_assert_eq!(again, spec);
    }
}

/// A generator of numbers that is the same everywhere: Marsaglia's xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// Reads it, and writes what was read: errors are fine, panics are not.
fn exercise(bytes: &[u8]) -> bool {
    let Ok((spec, _)) = from_libvirt(bytes) else {
        return false;
    };
    spec.validate().unwrap();
    let (xml, _) = to_libvirt(&spec, &KvmOptions::default()).unwrap();
    from_libvirt(xml.as_bytes()).unwrap();
    to_qemu_command(&spec, &KvmOptions::default()).unwrap();
    to_kubevirt(&spec, &KvmOptions::default()).unwrap();
    let _ = kit::definition(&spec, &Switches::default());
    true
}

const SEED: &[u8] = include_bytes!("libvirt/rhel9.xml");

/// Pieces that hurt, put in the place of others.
const EVIL: &[&str] = &[
    "18446744073709551615",
    "-1",
    "",
    "\u{0}",
    "&amp;",
    "&#x0;",
    "&lol;",
    "<a>",
    "</devices>",
    "'",
    "4294967295",
    "zz",
    "vdzzzzzzzzz",
    "52:54:00:12:34:57",
    "../..",
    "<disk/>",
    "<interface/>",
    "unit='TiB'",
    "1000000000000000000000",
];

#[test]
fn spoiled_domains_give_errors_and_nothing_else() {
    assert!(exercise(SEED));
    let mut sound = 0;
    for seed in 1..=3000_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut bytes = SEED.to_vec();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
                1 => {
                    let end = (at + dice.below(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => {
                    let evil = EVIL[dice.below(EVIL.len())].bytes();
                    bytes.splice(at..at, evil);
                }
                _ => {
                    // A value for another: what stands between two quotes.
                    let quotes: Vec<usize> = (at..bytes.len())
                        .filter(|&index| bytes[index] == b'\'')
                        .take(2)
                        .collect();
                    if let [start, end] = quotes[..] {
                        let evil = EVIL[dice.below(EVIL.len())].bytes();
                        bytes.splice(start + 1..end, evil);
                    }
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        sound += usize::from(exercise(&bytes));
    }
    // Not all of it dies at the first gate.
    assert!(sound > 100, "only {sound} were read");
}

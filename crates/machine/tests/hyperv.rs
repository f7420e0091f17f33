//! Inventories and old exports of Hyper-V, in neutral words. The fixtures are derived from public
//! sources, as each says: no Hyper-V is to be had here.

use detente_machine::hyperv_inventory::{Inventory, InventoryError, State};
use detente_machine::spec::{
    Bus, CheckpointPolicy, Firmware, IntegrationService, MemoryRange, NicModel, SecureBoot,
    SecureBootKeys, SerialBackend, Slot, StartPolicy, StopPolicy, Vlan,
};
use detente_machine::{Gate, hyperv_xml, vmcx};

const TRAPS: &[u8] = include_bytes!("hyperv/traps.json");
const LEGACY: &[u8] = include_bytes!("hyperv/legacy.xml");

#[test]
fn the_traps_of_powershell_are_read() {
    let inventory = Inventory::from_json(TRAPS).unwrap();
    let machine = inventory.machine(None).unwrap();
    assert_eq!(machine.state, Some(State::Off));
    let (spec, losses) = machine.to_spec().unwrap();
    assert_eq!(spec.name, "vm-linux-01");
    let topology = spec.processors.topology.unwrap();
    assert_eq!((topology.cores, topology.threads), (2, 2));
    let MemoryRange::Dynamic(dynamic) = spec.memory.range else {
        panic!("{:?}", spec.memory);
    };
    assert_eq!(dynamic.maximum_bytes, 8 << 30);
    let keys = SecureBootKeys::MicrosoftUefiCertificateAuthority;
    let secure_boot = SecureBoot::On { keys };
    assert_eq!(spec.firmware, Firmware::Uefi { secure_boot });
    let [disk] = spec.disks.as_slice() else {
        panic!("{:?}", spec.disks);
    };
    let place = Slot {
        controller: 0,
        location: 0,
    };
    assert_eq!(
        (disk.bus, disk.slot, disk.boot_order),
        (Bus::Scsi, Some(place), Some(1))
    );
    let [first, second] = spec.nics.as_slice() else {
        panic!("{:?}", spec.nics);
    };
    assert_eq!(first.mac.unwrap().to_string(), "00:15:5d:01:01:01");
    let allowed = vec![10, 20, 30];
    assert_eq!(
        first.vlan,
        Vlan::Trunk {
            native: None,
            allowed
        }
    );
    assert_eq!(first.boot_order, Some(2));
    assert_eq!((second.mac, &second.vlan), (None, &Vlan::Access { id: 42 }));
    assert_eq!(second.network, None);
    assert_eq!(first.model, NicModel::Synthetic);
    let path = r"\\.\pipe\vm-linux-01".to_owned();
    assert_eq!(
        spec.serial_ports[0].backend,
        SerialBackend::NamedPipe { path }
    );
    assert_eq!(
        spec.integration.iter().collect::<Vec<_>>(),
        [&IntegrationService::Heartbeat]
    );
    assert_eq!(spec.checkpoints.policy, CheckpointPolicy::Production);
    assert_eq!(spec.checkpoints.existing, 2);
    assert_eq!(spec.lifecycle.start, StartPolicy::Always);
    assert_eq!(spec.lifecycle.stop, StopPolicy::ShutDown);
    assert_eq!(spec.passthrough.len(), 1);
    for field in ["nics[1].mac", "hyperv.firmware.boot_order"] {
        assert!(losses.covers(field), "{field}: {losses:?}");
    }
}

#[test]
fn a_host_says_which_machine_is_meant() {
    let text = String::from_utf8(TRAPS.to_vec()).unwrap();
    // A list of two of the same name, in UTF-16, as Windows PowerShell redirects.
    let one = text.find("\"machines\": ").unwrap() + "\"machines\": ".len();
    let (head, machine) = text.split_at(one);
    let machine = machine.trim_end().strip_suffix('}').unwrap();
    let twin = machine.replace("0f4dc2b1", "1f4dc2b1");
    let two = format!("\u{feff}{head}[{machine},{twin}]}}");
    let wide: Vec<u8> = two.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let inventory = Inventory::from_json(&wide).unwrap();
    let several = |wanted| {
        matches!(
            inventory.machine(wanted),
            Err(InventoryError::Several { .. })
        )
    };
    assert!(several(None) && several(Some("vm-linux-01")));
    let id = "1F4DC2B1-8D4B-4A2C-9F1A-2B6B2C1F0A11";
    assert!(inventory.machine(Some(id)).is_ok());
    let none = inventory.machine(Some("other"));
    assert!(matches!(none, Err(InventoryError::NoSuch { .. })));
}

#[test]
fn spoiled_inventories_are_refused() {
    let text = String::from_utf8(TRAPS.to_vec()).unwrap();
    for (from, to, expect) in [
        ("inventory/1", "inventory/2", "too old for newer ones"),
        (
            "\"generation\": 2",
            "\"generation\": \"two\"",
            "invalid type",
        ),
        ("\"Dynamic\"", "\"Elastic\"", "VhdType has no value"),
        (
            "\"controller_type\": 1",
            "\"controller_type\": 7",
            "ControllerType has no value 7",
        ),
        ("00155D010101", "00155D0101", "hardware address"),
        ("{6A2C3D4E", "{6A2C", "UUID"),
    ] {
        let spoiled = text.replacen(from, to, 1);
        assert_ne!(spoiled, text, "{from}");
        let error = Inventory::from_json(spoiled.as_bytes()).unwrap_err();
        let error = format!(
            "{error}: {:?}",
            std::error::Error::source(&error).map(ToString::to_string)
        );
        assert!(error.contains(expect), "{to}: {error}");
    }
}

#[test]
fn what_is_shielded_or_has_keys_of_its_own_is_gated() {
    let text = String::from_utf8(TRAPS.to_vec()).unwrap();
    let spoiled = text
        .replace("\"shielded\": false", "\"shielded\": true")
        .replace("MicrosoftUEFICertificateAuthority", "Contoso");
    let inventory = Inventory::from_json(spoiled.as_bytes()).unwrap();
    let (_, losses) = inventory.machines[0].to_spec().unwrap();
    assert_eq!(losses.gates(&[]), [Gate::SecureBootKeys, Gate::Shielded]);
}

#[test]
fn old_exports_are_read() {
    let wide = String::from_utf8(LEGACY.to_vec()).unwrap();
    let wide: Vec<u8> = format!("\u{feff}{wide}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [LEGACY, &wide] {
        assert!(hyperv_xml::is_configuration(bytes));
        let machine = hyperv_xml::parse(bytes).unwrap();
        assert_eq!(
            (machine.generation, machine.version.as_deref()),
            (1, Some("5.0"))
        );
        let (spec, losses) = machine.to_spec().unwrap();
        assert_eq!(
            (spec.name.as_str(), spec.notes.as_deref()),
            ("shop", Some("till and stock"))
        );
        assert_eq!(spec.processors.count, 2);
        assert_eq!(spec.processors.limits.maximum_percent, Some(50));
        assert_eq!(spec.processors.limits.reserve_percent, Some(10));
        let places: Vec<_> = spec
            .disks
            .iter()
            .map(|disk| (disk.bus, disk.slot))
            .collect();
        let slot = |controller, location| {
            Some(Slot {
                controller,
                location,
            })
        };
        let expect = [
            (Bus::Ide, slot(0, 0)),
            (Bus::Ide, slot(1, 0)),
            (Bus::Scsi, slot(0, 1)),
        ];
        assert_eq!(places, expect);
        assert_eq!(spec.nics[0].mac.unwrap().to_string(), "00:15:5d:01:07:dc");
        assert_eq!(spec.nics[0].network.as_ref().unwrap().name, "External");
        assert_eq!(
            spec.integration.iter().collect::<Vec<_>>(),
            [&IntegrationService::Heartbeat]
        );
        assert_eq!(spec.serial_ports.len(), 1);
        // The disk comes after the drive for CD, as the host has it.
        assert_eq!(spec.disks[0].boot_order, Some(2));
        assert!(losses.covers("identity.uuid"));
    }
}

#[test]
fn spoiled_exports_are_refused() {
    let text = String::from_utf8(LEGACY.to_vec()).unwrap();
    for (from, to, expect) in [
        ("<properties>", "<property>", "not sound XML"),
        ("<name type=\"string\">shop</name>", "", "no name"),
        (
            "integer\">1024<",
            "integer\">much<",
            "settings/memory/bank/size",
        ),
        ("00-15-5D-01-07-DC", "00-15", "hardware address"),
        (
            "<count type=\"integer\">2</count>",
            "",
            "no number of processors",
        ),
    ] {
        let spoiled = text.replacen(from, to, 1);
        assert_ne!(spoiled, text, "{from}");
        let error = hyperv_xml::parse(spoiled.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expect), "{to}: {error}");
    }
    assert!(!hyperv_xml::is_configuration(b"<domain/>"));
}

#[test]
fn the_files_of_later_hosts_are_known() {
    let mut second = vec![0; vmcx::HEAD_BYTES];
    second[0x1000..].copy_from_slice(b"\x14\x20\x28\x01");
    assert!(vmcx::is_vmcx(&second));
    assert!(!vmcx::is_vmcx(&second[..0x1003]));
    assert!(!vmcx::is_vmcx(b""));
}

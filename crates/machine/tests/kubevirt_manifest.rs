//! Manifests, held against the types that KubeVirt publishes (`kubevirt/derive.py` says how they
//! came here), by a validator and a YAML parser of others.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use detente_machine::kubevirt::to_kubevirt;
use detente_machine::kvm::{KvmOptions, NetworkMap};
use detente_machine::libvirt::from_libvirt;
use detente_machine::spec::{NetworkKind, NetworkRef};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

const TYPES: &str = include_str!("kubevirt/virtual-machine.json");
const RHEL9: &[u8] = include_bytes!("libvirt/rhel9.xml");

/// The document, by a parser of others.
fn parse(yaml: &str) -> Value {
    let events: Vec<Event<'_>> = Parser::new_from_str(yaml)
        .map(|event| event.unwrap().0)
        .collect();
    let mut events = events.into_iter().filter(|event| {
        !matches!(
            event,
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing
        )
    });
    let first = events.next().unwrap();
    node(first, &mut events)
}

fn node<'a>(event: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match event {
        Event::Scalar(text, style, ..) => {
            let is_plain = style == ScalarStyle::Plain;
            match text.parse::<i64>() {
                Ok(number) if is_plain => Value::from(number),
                Ok(_) | Err(_) => match (is_plain, text.as_ref()) {
                    (true, "true") => Value::Bool(true),
                    (true, "false") => Value::Bool(false),
                    (true | false, _) => Value::String(text.into_owned()),
                },
            }
        }
        Event::SequenceStart(..) => {
            let mut list = Vec::new();
            loop {
                match events.next().unwrap() {
                    Event::SequenceEnd => return Value::Array(list),
                    inner => list.push(node(inner, events)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut map = Map::new();
            loop {
                let key = match events.next().unwrap() {
                    Event::MappingEnd => return Value::Object(map),
                    inner => node(inner, events).as_str().unwrap().to_owned(),
                };
                let inner = events.next().unwrap();
                map.insert(key, node(inner, events));
            }
        }
        other => panic!("{other:?}"),
    }
}

fn manifest() -> Value {
    let (mut spec, _) = from_libvirt(RHEL9).unwrap();
    spec.nics[1].network = Some(NetworkRef {
        kind: NetworkKind::Pod,
        name: String::new(),
    });
    spec.guest.family = detente_machine::spec::GuestFamily::Windows;
    let mut networks = NetworkMap::default();
    networks.insert(
        "br0",
        NetworkRef {
            kind: NetworkKind::Attachment,
            name: "prod/payroll".to_owned(),
        },
    );
    let options = KvmOptions {
        networks,
        ..KvmOptions::default()
    };
    let (yaml, losses) = to_kubevirt(&spec, &options).unwrap();
    for field in ["disks[0].source", "numa", "passthrough[0]", "nics[0].vlan"] {
        assert!(losses.covers(field), "{field} is not said");
    }
    parse(&yaml)
}

#[test]
fn a_manifest_has_the_types_that_kubevirt_publishes() {
    let types: Value = serde_json::from_str(TYPES).unwrap();
    let validator = jsonschema::draft202012::new(&types).unwrap();
    let own = manifest();
    let errors: Vec<_> = validator
        .iter_errors(&own)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{own:#}");
    // The types are no door that everything goes through.
    let domain = "/spec/template/spec/domain";
    for (pointer, wrong) in [
        ("/cpu/cores", Value::from("two")),
        ("/firmware", serde_json::json!({ "uefi": {} })),
        (
            "/devices/disks/0/disk",
            serde_json::json!({ "busses": "virtio" }),
        ),
    ] {
        let mut twin = own.clone();
        *twin.pointer_mut(&format!("{domain}{pointer}")).unwrap() = wrong;
        assert!(!validator.is_valid(&twin), "{pointer}");
    }
}

/// By KubeVirt's user guide: virtual hardware, disks and volumes, interfaces and networks.
#[test]
fn a_manifest_says_what_the_machine_is() {
    let own = manifest();
    let at = |pointer: &str| own.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
    let domain = |pointer: &str| at(&format!("/spec/template/spec/domain{pointer}")).clone();
    assert_eq!(at("/metadata/name"), "payroll");
    assert_eq!(at("/spec/runStrategy"), "Halted");
    assert_eq!(domain("/cpu/sockets"), 2);
    assert_eq!(domain("/cpu/model"), "host-model");
    assert_eq!(domain("/memory/guest"), "4194304Ki");
    assert_eq!(domain("/firmware/bootloader/efi/secureBoot"), true);
    assert_eq!(domain("/features/smm/enabled"), true);
    assert_eq!(
        domain("/firmware/uuid"),
        "564d1a0c-9bd2-4b7e-8f11-0123456789ab"
    );
    assert_eq!(domain("/devices/tpm/persistent"), true);
    assert_eq!(domain("/devices/disks/0/bootOrder"), 1);
    assert_eq!(
        domain("/devices/interfaces/0/macAddress"),
        "52:54:00:12:34:56"
    );
    assert_eq!(
        domain("/devices/interfaces/1/masquerade"),
        serde_json::json!({})
    );
    assert_eq!(
        at("/spec/template/spec/networks/0/multus/networkName"),
        "prod/payroll"
    );
    assert_eq!(
        at("/spec/template/spec/volumes/0/persistentVolumeClaim/claimName"),
        "payroll-disk0"
    );
    // The empty drive is not among them.
    assert_eq!(
        at("/spec/template/spec/volumes").as_array().unwrap().len(),
        3
    );
}

//! The argument lists of both profiles, and paths that try to break out of them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use detente_machine::qemu::{
    Accelerator, Wiring, arguments, arguments_by_hand, devices, shell_line,
};
use detente_machine::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, LaunchSpec,
    Profile, Topology,
};

fn spec(profile: Profile, bus: DiskBus) -> LaunchSpec {
    LaunchSpec {
        name: "payroll".to_owned(),
        profile,
        topology: Topology {
            sockets: 1,
            cores: 2,
            threads: 1,
        },
        memory_mib: 1024,
        disks: vec![LaunchDisk {
            overlay: "/run/o.qcow2".into(),
            below: DiskBelow::Files(vec![
                file("/images/top.qcow2", ImageFormat::Qcow2),
                file("/images/base.raw", ImageFormat::Raw),
            ]),
            bus,
            serial: "detente-0".to_owned(),
        }],
        boot: DirectBoot {
            kernel: "/run/vmlinuz".into(),
            initramfs: "/run/initrd".into(),
            cmdline: "root=/dev/vda1 console=ttyS0".to_owned(),
        },
        network: LaunchNetwork {
            mac: [0x52, 0x54, 0x00, 0xde, 0x7e, 0x01],
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: profile.hardware().entropy,
        console_input: true,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
        extras: detente_machine::Extras::default(),
    }
}

fn file(path: impl Into<PathBuf>, format: ImageFormat) -> DiskFile {
    DiskFile {
        path: path.into(),
        format,
    }
}

fn wiring(profile: Profile, accel: Accelerator) -> Wiring<'static> {
    Wiring {
        accel,
        sandbox: true,
        com1_fd: 3,
        com2_fd: 4,
        virtio_port_fd: profile.hardware().virtio_port.then_some(7),
        guest_agent_fd: None,
        qmp_fd: 5,
        net_fd: 6,
        firmware: None,
    }
}

/// One option with its value a line, as the golden files have it.
fn listing(arguments: &[OsString]) -> String {
    let mut text = String::new();
    for argument in arguments {
        let argument = argument.to_str().expect("this spec is all UTF-8");
        if argument.starts_with('-') {
            text.push('\n');
        } else {
            text.push(' ');
        }
        text.push_str(argument);
    }
    text.push('\n');
    text.trim_start().to_owned()
}

fn values<'a>(arguments: &'a [OsString], option: &str) -> Vec<&'a OsStr> {
    arguments
        .windows(2)
        .filter(|pair| pair[0] == option)
        .map(|pair| pair[1].as_os_str())
        .collect()
}

/// QEMU's key-value syntax, read by its rules: commas part, doubled commas do not.
fn read_key_values(text: &[u8]) -> Vec<Vec<u8>> {
    let mut pairs = vec![Vec::new()];
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, rest.first()) {
            (b',', Some(b',')) => {
                pairs.last_mut().expect("never empty").push(b',');
                rest = &rest[1..];
            }
            (b',', _) => pairs.push(Vec::new()),
            (byte, _) => pairs.last_mut().expect("never empty").push(byte),
        }
    }
    pairs
}

#[test]
fn the_kvm_profile_is_as_agreed() {
    let spec = spec(Profile::Kvm, DiskBus::Virtio);
    let list = listing(&arguments(&spec, &wiring(Profile::Kvm, Accelerator::Kvm)));
    assert_eq!(list, include_str!("golden/kvm.snap"));
}

#[test]
fn the_legacy_profile_is_as_agreed() {
    let spec = spec(Profile::KvmLegacy, DiskBus::Sata);
    let wiring = wiring(Profile::KvmLegacy, Accelerator::Tcg);
    assert_eq!(
        listing(&arguments(&spec, &wiring)),
        include_str!("golden/kvm-legacy.snap")
    );
}

#[test]
fn a_disk_on_another_bus_differs_in_nothing_else() {
    let wiring = wiring(Profile::Kvm, Accelerator::Kvm);
    let own = listing(&arguments(&spec(Profile::Kvm, DiskBus::Virtio), &wiring));
    let other = listing(&arguments(&spec(Profile::Kvm, DiskBus::Nvme), &wiring));
    assert_eq!(own.replace("virtio-blk-pci,", "nvme,"), other);
    assert_ne!(own, other);
}

#[test]
fn odd_paths_stay_whole() {
    let odd: [&[u8]; 7] = [
        b"/i/a,b.qcow2",
        b"/i/c,readonly=off,,x",
        b"/i/it's \"so\".raw",
        b"/i/two words",
        b"/i/json:{\"driver\":\"nbd\"}",
        b"/i/not-utf8-\xff\xfe",
        b"/i/ends with,",
    ];
    for path in odd {
        let path = PathBuf::from(OsString::from_vec(path.to_vec()));
        let mut spec = spec(Profile::Kvm, DiskBus::Virtio);
        let top = file(&path, ImageFormat::Qcow2);
        spec.disks[0].below = DiskBelow::Files(vec![top]);
        spec.disks[0].overlay.clone_from(&path);
        spec.boot.kernel.clone_from(&path);
        let list = arguments(&spec, &wiring(Profile::Kvm, Accelerator::Tcg));
        let mut expected = b"filename=".to_vec();
        expected.extend(path.as_os_str().as_bytes());
        let found = values(&list, "-blockdev")
            .into_iter()
            .map(|value| read_key_values(value.as_bytes()))
            .filter(|pairs| pairs.last() == Some(&expected) && pairs.len() == 4)
            .count();
        assert_eq!(found, 2, "{path:?}");
        assert_eq!(values(&list, "-kernel"), [path.as_os_str()]);
    }
}

#[test]
fn an_odd_name_or_serial_adds_no_property() {
    let mut spec = spec(Profile::Kvm, DiskBus::Virtio);
    spec.name = "a,debug-threads=on".to_owned();
    spec.disks[0].serial = "s,bootindex=1".to_owned();
    let list = arguments(&spec, &wiring(Profile::Kvm, Accelerator::Tcg));
    assert_eq!(values(&list, "-name"), ["guest=a,,debug-threads=on"]);
    let disk = values(&list, "-device")
        .into_iter()
        .find(|value| value.as_bytes().starts_with(b"virtio-blk"));
    let pairs = read_key_values(disk.expect("there is a disk").as_bytes());
    assert_eq!(pairs.last().expect("not empty"), b"serial=s,bootindex=1");
}

#[test]
fn every_chain_ends_with_no_backing() {
    let qcow2 = file("/i/only.qcow2", ImageFormat::Qcow2);
    let raw = file("/i/only.raw", ImageFormat::Raw);
    for chain in [
        vec![],
        vec![qcow2.clone()],
        vec![qcow2.clone(), qcow2.clone()],
        vec![qcow2, raw],
    ] {
        let mut spec = spec(Profile::Kvm, DiskBus::Virtio);
        spec.disks[0].below = DiskBelow::Files(chain);
        let list = arguments(&spec, &wiring(Profile::Kvm, Accelerator::Tcg));
        let lowest = values(&list, "-blockdev")
            .into_iter()
            .filter_map(|value| serde_json::from_slice::<serde_json::Value>(value.as_bytes()).ok())
            .next()
            .expect("the overlay at least is a format node");
        match lowest["driver"].as_str().expect("a driver") {
            "raw" => assert!(lowest.get("backing").is_none()),
            driver => {
                assert_eq!(driver, "qcow2");
                assert!(lowest["backing"].is_null() && lowest.get("backing").is_some());
            }
        }
    }
}

#[test]
fn what_is_served_over_a_socket_is_as_agreed() {
    let mut spec = spec(Profile::Kvm, DiskBus::Virtio);
    spec.disks[0].below = DiskBelow::Nbd {
        socket: "/run/disk0.nbd".into(),
        files: vec!["/images/child.vhdx".into(), "/images/parent.vhdx".into()],
    };
    let wiring = wiring(Profile::Kvm, Accelerator::Kvm);
    let list = listing(&arguments(&spec, &wiring));
    assert_eq!(list, include_str!("golden/kvm-nbd.snap"));
}

#[test]
fn the_path_of_a_socket_stays_whole() {
    let path = PathBuf::from(OsString::from_vec(b"/i/a,server.type=inet,\xff".to_vec()));
    let mut spec = spec(Profile::Kvm, DiskBus::Virtio);
    spec.disks[0].below = DiskBelow::Nbd {
        socket: path.clone(),
        files: Vec::new(),
    };
    let list = arguments(&spec, &wiring(Profile::Kvm, Accelerator::Tcg));
    let mut expected = b"server.path=".to_vec();
    expected.extend(path.as_os_str().as_bytes());
    let pairs = read_key_values(values(&list, "-blockdev")[0].as_bytes());
    assert_eq!(pairs.last(), Some(&expected));
    assert_eq!(pairs.len(), 5);
}

#[test]
fn files_below_a_raw_one_are_not_opened() {
    let mut spec = spec(Profile::Kvm, DiskBus::Virtio);
    spec.disks[0].below = DiskBelow::Files(vec![
        file("/i/base.raw", ImageFormat::Raw),
        file("/i/never", ImageFormat::Qcow2),
    ]);
    let list = arguments(&spec, &wiring(Profile::Kvm, Accelerator::Tcg));
    assert!(!shell_line(list).contains("/i/never"));
}

#[test]
fn a_seventh_sata_disk_gets_another_controller() {
    let mut spec = spec(Profile::KvmLegacy, DiskBus::Sata);
    spec.disks = vec![spec.disks[0].clone(); 7];
    let list = arguments(&spec, &wiring(Profile::KvmLegacy, Accelerator::Tcg));
    let buses: Vec<_> = values(&list, "-device")
        .into_iter()
        .filter_map(|value| value.to_str()?.split(',').find(|p| p.starts_with("bus=")))
        .collect();
    let expected = "bus=ide.0 bus=ide.1 bus=ide.2 bus=ide.3 bus=ide.4 bus=ide.5 bus=sata1.0";
    assert_eq!(buses.join(" "), expected);
    assert!(values(&list, "-device").contains(&OsStr::new("ahci,id=sata1")));
}

#[test]
fn a_line_for_people_names_no_descriptor() {
    let spec = spec(Profile::Kvm, DiskBus::Virtio);
    let line = shell_line(arguments_by_hand(&spec, Accelerator::Tcg));
    assert!(!line.contains("fd="), "{line}");
    assert!(line.contains("-append 'root=/dev/vda1 console=ttyS0'"));
}

/// Expected values by hand, from POSIX 2.2 (quoting).
#[test]
fn a_shell_reads_back_what_was_quoted() {
    for (word, expected) in [
        ("", "''"),
        ("plain-1.2/x,y=z", "plain-1.2/x,y=z"),
        ("two words", "'two words'"),
        ("it's", r"'it'\''s'"),
        ("$HOME `id` \"q\" \\", "'$HOME `id` \"q\" \\'"),
        ("~", "'~'"),
        ("new\nline", r"$'new\012line'"),
        ("\u{1b}[2J'", r"$'\033[2J\''"),
        ("é", "'é'"),
    ] {
        assert_eq!(shell_line([word]), expected);
    }
    let bytes = OsString::from_vec(vec![b'a', 0xff]);
    assert_eq!(shell_line([bytes]), r"$'a\377'");
}

#[test]
fn the_devices_of_a_profile_are_those_of_its_arguments() {
    for (profile, bus) in [
        (Profile::Kvm, DiskBus::Virtio),
        (Profile::KvmLegacy, DiskBus::Sata),
    ] {
        let wiring = wiring(profile, Accelerator::Kvm);
        let list = arguments(&spec(profile, bus), &wiring);
        let mut names: Vec<_> = values(&list, "-device")
            .into_iter()
            .map(|value| value.to_str().unwrap().split(',').next().unwrap())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names, devices(profile), "{profile}");
    }
}

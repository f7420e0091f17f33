//! The scripted host keeps what it promises to tests.

use std::time::Instant;

use detente_host::scripted::{Input, ScriptedHost};
use detente_host::{Host, MachineEvent, NetworkSeen, Port, PowerOff};
use detente_machine::{DirectBoot, LaunchNetwork, LaunchSpec, Profile, Topology};

fn spec() -> LaunchSpec {
    LaunchSpec {
        name: "scripted".to_owned(),
        profile: Profile::Kvm,
        topology: Topology {
            sockets: 1,
            cores: 1,
            threads: 1,
        },
        memory_mib: 64,
        disks: Vec::new(),
        boot: DirectBoot {
            kernel: "kernel".into(),
            initramfs: "initramfs".into(),
            cmdline: String::new(),
        },
        network: LaunchNetwork {
            mac: [0; 6],
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: true,
        console_input: true,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
        extras: detente_machine::Extras::default(),
    }
}

/// Boots, then powers off when its button is pressed and it has been waited for twice.
fn host() -> ScriptedHost {
    ScriptedHost::new(|_| {
        let mut ticks_left = None;
        Box::new(move |input| match input {
            Input::Started => vec![MachineEvent::Output {
                port: Port::Console,
                bytes: b"boot".to_vec(),
            }],
            Input::Operated(_) => Vec::new(),
            Input::PowerButton => {
                ticks_left = Some(2);
                Vec::new()
            }
            Input::Tick => match &mut ticks_left {
                None => Vec::new(),
                Some(0) => vec![
                    MachineEvent::PowerOff(PowerOff::Guest),
                    MachineEvent::Exited {
                        status: "exit code 0".to_owned(),
                        stderr: String::new(),
                    },
                ],
                Some(left) => {
                    *left -= 1;
                    Vec::new()
                }
            },
            Input::Sent(_, _) => Vec::new(),
        })
    })
}

#[test]
fn a_script_is_followed_without_waiting() {
    let host = host();
    let mut machine = host.start(&spec(), "work".as_ref()).unwrap();
    let mut next = || machine.next_event(Instant::now()).unwrap();
    assert!(matches!(next(), Some(MachineEvent::Output { .. })));
    assert_eq!(next(), None);
    machine.press_power_button().unwrap();
    let mut next = || machine.next_event(Instant::now()).unwrap();
    assert_eq!((next(), next()), (None, None));
    assert_eq!(next(), Some(MachineEvent::PowerOff(PowerOff::Guest)));
    assert!(matches!(next(), Some(MachineEvent::Exited { .. })));
    assert!(machine.next_event(Instant::now()).is_err(), "it has ended");
}

#[test]
fn what_is_done_is_recorded() {
    let seen = NetworkSeen {
        pings: 3,
        ..NetworkSeen::default()
    };
    let host = host().with_network_seen(seen.clone());
    let mut machine = host.start(&spec(), "work".as_ref()).unwrap();
    machine.send(Port::AgentSerial, b"hello").unwrap();
    assert_eq!(machine.network_seen(), seen);
    machine.stop().unwrap();
    drop(host.start(&spec(), "work".as_ref()).unwrap());
    let recorded = host.recorded();
    assert_eq!(recorded.sent, [(Port::AgentSerial, b"hello".to_vec())]);
    assert_eq!(recorded.started, [spec(), spec()]);
    assert_eq!((recorded.stopped, recorded.power_buttons), (2, 0));
}

//! QEMU's machine program, stopped, with the disk nodes of our machines: what it reads of a disk
//! that is served is what the disk holds, and what it writes stays in the overlay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of tests are short"
)]
#![expect(clippy::print_stderr, reason = "says which test could not run")]

#[expect(dead_code, reason = "this client speaks for itself")]
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use detente_disk::{Format, OverlaySpec, empty_overlay};
use detente_machine::qemu::{Accelerator, arguments_by_hand, hotplug_nodes};
use detente_machine::{
    DirectBoot, DiskBelow, DiskBus, LaunchDisk, LaunchNetwork, LaunchSpec, Profile, Topology,
};
use detente_nbd::{Export, Server};
use serde_json::{Value, json};

use support::{striped, striped_bytes};

/// A disk that is served from `folder`, below an overlay there.
fn disk(folder: &Path, server: &Server) -> LaunchDisk {
    let overlay = folder.join("overlay");
    let bytes = empty_overlay(&OverlaySpec {
        virtual_size: striped_bytes().len() as u64,
        backing_path: "/nowhere/disk.vhdx".to_owned(),
        backing_format: Format::Vhdx,
    });
    fs::write(&overlay, bytes.unwrap()).unwrap();
    LaunchDisk {
        overlay,
        below: DiskBelow::Nbd {
            socket: server.address(),
            files: vec!["/nowhere/disk.vhdx".into()],
        },
        bus: DiskBus::Virtio,
        serial: "detente0".to_owned(),
    }
}

fn machine(disk: LaunchDisk) -> LaunchSpec {
    LaunchSpec {
        name: "stopped".to_owned(),
        profile: Profile::Kvm,
        topology: Topology {
            sockets: 1,
            cores: 1,
            threads: 1,
        },
        memory_mib: 128,
        disks: vec![disk],
        boot: DirectBoot {
            kernel: "kernel".into(),
            initramfs: "initramfs".into(),
            cmdline: String::new(),
        },
        network: LaunchNetwork {
            mac: [0x52, 0x54, 0, 0, 0, 1],
            dhcp: false,
            spoil_transfer: false,
        },
        entropy: false,
        console_input: false,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
        extras: detente_machine::Extras::default(),
    }
}

/// QEMU, whose monitor is its standard input and output.
struct Qemu {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Qemu {
    /// A machine with nothing but these nodes; nothing where QEMU is not installed.
    fn start(test: &str, nodes: &[std::ffi::OsString]) -> Option<Self> {
        let child = Command::new("qemu-system-x86_64")
            .args(["-nodefaults", "-machine", "none", "-S", "-display", "none"])
            .args(["-qmp", "stdio"])
            .args(nodes)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("skipped: {test}: qemu-system-x86_64 is not installed");
            return None;
        };
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut qemu = Self {
            child,
            input: input.unwrap(),
            output: BufReader::new(output.unwrap()),
        };
        qemu.ask("qmp_capabilities", &json!({}));
        Some(qemu)
    }

    /// What the monitor returns, and what else was printed before.
    fn ask(&mut self, command: &str, arguments: &Value) -> (Value, String) {
        let order = json!({ "execute": command, "arguments": arguments });
        writeln!(self.input, "{order}").unwrap();
        let (mut line, mut printed) = (String::new(), String::new());
        loop {
            line.clear();
            assert!(
                self.output.read_line(&mut line).unwrap() > 0,
                "QEMU is gone"
            );
            match serde_json::from_str::<Value>(&line) {
                Ok(said) if said.get("return").is_some() => return (said, printed),
                Ok(said) => assert!(said.get("error").is_none(), "{said}"),
                Err(_) => printed.push_str(&line),
            }
        }
    }

    /// Runs a command of qemu-io on a node.
    fn io(&mut self, node: &str, command: &str) -> String {
        let line = json!({ "command-line": format!("qemu-io {node} \"{command}\"") });
        self.ask("human-monitor-command", &line);
        // Printed at the latest before the next answer.
        let (_, printed) = self.ask("query-status", &json!({}));
        printed
    }

    /// The bytes of a sector.
    fn sector(&mut self, node: &str, number: u64) -> Vec<u8> {
        let line =
            json!({ "command-line": format!("qemu-io {node} \"read -v {} 512\"", number * 512) });
        let (_, mut printed) = self.ask("human-monitor-command", &line);
        printed += &self.ask("query-status", &json!({})).1;
        let mut bytes = Vec::new();
        for row in printed
            .lines()
            .filter(|row| row.as_bytes().get(8) == Some(&b':'))
        {
            let hex = row[9..].split_whitespace().take(16);
            bytes.extend(hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
        bytes
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads and writes a served disk through a node above its overlay.
fn use_disk(qemu: &mut Qemu, node: &str) {
    let bytes = striped_bytes();
    // Data, zeroes, and the odd sector at the end.
    for number in [0, 127, 128, 256, 2048] {
        let at = number as usize * 512;
        assert_eq!(qemu.sector(node, number), bytes[at..at + 512], "{number}");
    }
    let said = qemu.io(node, "write -P 0x5a 512 512");
    assert!(!said.contains("failed"), "{said}");
    assert_eq!(qemu.sector(node, 1), [0x5a; 512]);
    assert_eq!(qemu.sector(node, 0), bytes[..512]);
}

#[test]
fn a_stopped_machine_reads_what_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("disk0,odd.nbd");
    let server = Server::bind(&socket, Export::read_only(striped())).unwrap();
    let spec = machine(disk(folder.path(), &server));
    let all = arguments_by_hand(&spec, Accelerator::Tcg);
    let nodes: Vec<_> = all
        .chunk_by(|_, next| !next.as_encoded_bytes().starts_with(b"-"))
        .filter(|option| option[0] == "-blockdev")
        .flatten()
        .cloned()
        .collect();
    assert_eq!(nodes.len(), 6, "{nodes:?}");
    let test = "a_stopped_machine_reads_what_is_served";
    let Some(mut qemu) = Qemu::start(test, &nodes) else {
        return;
    };
    let (said, _) = qemu.ask("query-named-block-nodes", &json!({ "flat": true }));
    let drivers: Vec<_> = said["return"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["drv"])
        .collect();
    assert!(drivers.contains(&&json!("nbd")), "{said}");
    use_disk(&mut qemu, "disk0");
}

#[test]
fn a_disk_that_is_served_can_be_plugged_in_and_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than a socket's path may be: QEMU gets a short one.
    let long = folder.path().join("x".repeat(150));
    fs::create_dir(&long).unwrap();
    let server = Server::bind(&long.join("s"), Export::read_only(striped())).unwrap();
    let disk = disk(folder.path(), &server);
    let test = "a_disk_that_is_served_can_be_plugged_in_and_taken_out";
    let Some(mut qemu) = Qemu::start(test, &[]) else {
        return;
    };
    let nodes = hotplug_nodes("m1d0", &disk).unwrap();
    for _ in 0..2 {
        for node in &nodes {
            qemu.ask("blockdev-add", node);
        }
        assert_eq!(qemu.sector("m1d0", 256), striped_bytes()[131_072..][..512]);
        for node in nodes.iter().rev() {
            let name = json!({ "node-name": node["node-name"] });
            qemu.ask("blockdev-del", &name);
        }
    }
}

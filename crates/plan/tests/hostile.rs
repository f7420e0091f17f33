//! Replays the corpus, and seeded mutations of a sound stream against the protocol's readers.

use std::path::Path;

use detente_plan::protocol::{
    AgentMessage, Before, Bytes, Content, Cpus, FileContent, FileSeen, FileState, HostMessage,
    Moment, Observation, Owner, PROTOCOL, Phase, Task, WriteFile, Xattr, encode, exercise,
};
use detente_samples::{Numbers, Seeds};

/// A stream as a run would send it, with noise between the frames.
fn sound() -> Vec<u8> {
    let agent = [
        AgentMessage::Hello {
            protocol: PROTOCOL,
            run_id: "run-1".into(),
            plan_digest: "00".repeat(32),
            agent_sha256: "ff".repeat(32),
            kernel_release: "6.1.0".into(),
        },
        AgentMessage::Heartbeat {
            sequence: 1,
            phase: Phase::Root,
            uptime_ms: 1000,
        },
        AgentMessage::Observed {
            task_id: 1,
            observation: Observation::Cpus(Cpus {
                online: 2,
                sockets: 1,
                cores_per_socket: 2,
                threads_per_core: 1,
                numa_nodes: 1,
                model: "a model".into(),
            }),
            duration_ms: 3,
        },
        AgentMessage::Progress {
            task_id: 2,
            lines: vec!["dracut: *** Creating image file ***".into()],
            left_out: 1,
        },
        AgentMessage::Observed {
            task_id: 2,
            observation: Observation::Files {
                files: vec![described()],
            },
            duration_ms: 4,
        },
    ];
    let run = |task| HostMessage::Run {
        task_id: 1,
        task,
        timeout_ms: 1000,
        output_limit_bytes: 4096,
    };
    let transfer = run(Task::TransferTcp {
        address: [10, 0, 2, 2],
        port: 7,
        bytes: 1 << 20,
        seed: 9,
    });
    let write = run(Task::WriteFile(WriteFile {
        path: "/etc/fstab".try_into().expect("plain"),
        content: Content::Message {
            bytes: Bytes(b"UUID=R / ext4".to_vec()),
        },
        before: Before::File {
            sha256: "00".repeat(32),
        },
        mode: Some(0o644),
        owner: None,
        modified: None,
        xattrs: None,
    }));
    let mut stream = b"noise\r\n".to_vec();
    for message in &agent {
        stream.extend(encode(message).expect("small"));
    }
    stream.extend(b"\xd7DT\x01\xff");
    stream.extend(encode(&transfer).expect("small"));
    stream.extend(encode(&write).expect("small"));
    stream
}

fn described() -> FileSeen {
    FileSeen {
        path: "/etc/fstab".into(),
        link: None,
        resolved: Some("/etc/fstab".into()),
        state: FileState::File(Box::new(FileContent {
            bytes: 3,
            sha256: "00".repeat(32),
            mode: 0o644,
            owner: Owner { uid: 0, gid: 0 },
            modified: Moment {
                seconds: -1,
                nanoseconds: 999_999_999,
            },
            names: 1,
            xattrs: vec![Xattr {
                name: "security.selinux".into(),
                value: Bytes(b"system_u:object_r:etc_t:s0\0".to_vec()),
            }],
        })),
    }
}

fn mutated(seed: u64) -> Vec<u8> {
    let (mut stream, mut numbers) = (sound(), Numbers::new(seed));
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(stream.len());
        let byte = numbers.next().to_le_bytes()[0];
        match numbers.below(4) {
            0 => stream[at] = byte,
            1 => stream.insert(at, byte),
            2 => stream.truncate(at.max(1)),
            _ => {
                let copy = stream[at..].to_vec();
                stream.extend(copy);
                stream.truncate(64 * 1024);
            }
        }
    }
    stream
}

/// Files that each break one rule; their names say which.
#[test]
fn the_corpus_is_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("the corpus") {
        exercise(&std::fs::read(file.expect("a file").path()).expect("bytes"));
        count += 1;
    }
    assert!(count > 10, "the corpus is missing");
}

#[test]
fn mutated_streams_do_no_harm() {
    exercise(&sound());
    for seed in Seeds::of_environment("the agent's protocol", 1) {
        exercise(&mutated(seed));
    }
}

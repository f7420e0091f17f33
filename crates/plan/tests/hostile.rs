//! Replays the corpus, and seeded mutations of a sound stream against the protocol's readers.

use std::path::Path;

use detente_plan::protocol::{
    AgentMessage, Cpus, HostMessage, Observation, PROTOCOL, Phase, Task, encode, exercise,
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
    ];
    let host = HostMessage::Run {
        task_id: 1,
        task: Task::TransferTcp {
            address: [10, 0, 2, 2],
            port: 7,
            bytes: 1 << 20,
            seed: 9,
        },
        timeout_ms: 1000,
        output_limit_bytes: 4096,
    };
    let mut stream = b"noise\r\n".to_vec();
    for message in &agent {
        stream.extend(encode(message).expect("small"));
    }
    stream.extend(b"\xd7DT\x01\xff");
    stream.extend(encode(&host).expect("small"));
    stream
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

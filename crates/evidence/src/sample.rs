//! A run for this crate's tests.

use crate::{
    AgentRecord, Attempt, CaseResult, Check, Comparator, DigestRecord, GuestRecord, ImageRecord,
    MachineRecord, Measurement, Outcome, PlanRecord, PlatformRecord, ProfileRun, Requirement, Run,
    RunKind, StepRecord, ToolRecord, Verdict,
};

/// Two profiles with three cases each; the outcomes differ.
pub(crate) fn run() -> Run {
    Run {
        schema: Run::SCHEMA.to_owned(),
        run_id: "run-20261122T141500Z-1a2b3c4d".to_owned(),
        kind: RunKind::Unofficial,
        faults: Vec::new(),
        started_at: "2026-11-22T14:15:00Z".to_owned(),
        finished_at: "2026-11-22T14:16:00Z".to_owned(),
        tool: ToolRecord {
            name: "detente".to_owned(),
            version: "0.1.0".to_owned(),
            sha256: "aa".to_owned(),
        },
        agent: AgentRecord {
            sha256: "bb".to_owned(),
            size_bytes: 900_000,
        },
        plan: PlanRecord {
            id: "smoke".to_owned(),
            version: 1,
            digest: "cc".to_owned(),
        },
        selection: None,
        repetitions: 1,
        own_cases: Vec::new(),
        images: vec![ImageRecord {
            name: "server.qcow2".to_owned(),
            format: "qcow2".to_owned(),
            virtual_size_bytes: 4 << 30,
            chain_length: 1,
            digest: DigestRecord {
                method: "detente/content-digest/1".to_owned(),
                before: Some("dd".to_owned()),
                after: None,
            },
        }],
        guest: guest(),
        profiles: vec![
            profile("kvm", [Outcome::Passed, Outcome::Failed, Outcome::Error]),
            profile(
                "kvm-legacy",
                [
                    Outcome::PassedWithWarning,
                    Outcome::NotRun,
                    Outcome::Skipped,
                ],
            ),
        ],
        controls: Vec::new(),
        complete: true,
        verdict: Verdict::Failed,
        coverage: Vec::new(),
    }
}

fn guest() -> GuestRecord {
    GuestRecord {
        os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        os_id: "debian".to_owned(),
        os_version: "12".to_owned(),
        kernel_release: "6.1.0-28-amd64".to_owned(),
        boot_entry: "Debian GNU/Linux".to_owned(),
        cmdline: "root=UUID=1 ro quiet".to_owned(),
    }
}

fn profile(name: &str, outcomes: [Outcome; 3]) -> ProfileRun {
    let [boot, disk, entropy] = outcomes;
    ProfileRun {
        profile: name.to_owned(),
        platform: PlatformRecord {
            product: "QEMU".to_owned(),
            version: "7.2.0".to_owned(),
            package: Some("qemu-system-x86 1:7.2".to_owned()),
            implementation: "upstream_build".to_owned(),
            acceleration: "hardware".to_owned(),
            acceleration_proof: "a test program ran".to_owned(),
            host_kernel: "6.1.0".to_owned(),
            host_cpu: "a processor".to_owned(),
        },
        machine: MachineRecord {
            vcpus: 2,
            memory_mib: 2048,
            cmdline: "root=UUID=1 ro quiet console=ttyS0".to_owned(),
            cmdline_additions: vec!["console=ttyS0: the console is read".to_owned()],
        },
        boots: 1,
        steps: vec![StepRecord {
            text: "the root is there".to_owned(),
            elapsed_ms: 4_000,
        }],
        cases: vec![
            case("BOOT-01", Requirement::Required, boot),
            case("STO-01", Requirement::Required, disk),
            case("RNG-01", Requirement::Advisory, entropy),
        ],
        not_proved: vec![
            "firmware: direct boot (not_run)".to_owned(),
            "STO-01: no".to_owned(),
        ],
        statement: "Test result, not a vendor certification.".to_owned(),
        verdict: Verdict::Failed,
    }
}

fn case(id: &str, requirement: Requirement, outcome: Outcome) -> CaseResult {
    CaseResult {
        case_id: id.to_owned(),
        title: format!("title of {id}"),
        requirement,
        outcome,
        reason_code: (outcome != Outcome::Passed).then(|| outcome.word().to_owned()),
        message: "as seen".to_owned(),
        duration_ms: 12_345,
        checks: vec![Check {
            name: "one".to_owned(),
            outcome,
            message: "as seen".to_owned(),
        }],
        measurements: vec![Measurement {
            name: "boot".to_owned(),
            value: 12_345.5,
            unit: "ms".to_owned(),
            limit: Some(60_000.0),
            comparator: Some(Comparator::AtMost),
        }],
        attempts: vec![Attempt::only(outcome, 3)],
        evidence: vec!["kvm/console.log".to_owned()],
        channel: "agent".to_owned(),
        control: None,
    }
}

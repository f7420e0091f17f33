//! What the program writes, held against the committed schemas by an independent validator.

mod support;

use detente_evidence::{
    AgentRecord, Attempt, CaseResult, Check, Comparator, ControlRecord, Coverage, DigestRecord,
    FileEntry, Follows, GuestRecord, Hardware, ImageRecord, MachineRecord, Manifest, Measurement,
    Outcome, OwnCaseRecord, PlanRecord, PlatformRecord, ProfileRun, Requirement, Run, RunKind,
    SelectionRecord, StepRecord, System, ToolRecord, Verdict,
};
use detente_plan::Plan;
use detente_plan::judge::AllowList;
use serde_json::{Value, json};
use support::schema::{check, schema, validator};
use support::{detente, repository, stderr};

/// SHA-256 of nothing.
const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What a command says as JSON, whatever its finding.
#[track_caller]
fn said(arguments: &[&str]) -> Value {
    let output = detente().args(arguments).output().expect("it starts");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}; {}", stderr(&output)))
}

#[test]
fn every_schema_is_sound_says_its_document_and_describes_each_field() {
    let folder = repository().join("docs/schemas");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".json") else {
            continue;
        };
        let (document, version) = stem.rsplit_once('-').unwrap();
        let schema = schema(&name);
        let wanted = format!("detente/{document}/{version}");
        assert_eq!(schema["properties"]["schema"]["const"], wanted);
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        validator(&name);
        described(&name, &schema);
        count += 1;
    }
    assert_eq!(count, 34);
}

/// Every property has a description, its own or that of what it refers to.
#[track_caller]
fn described(name: &str, schema: &Value) {
    let mut left = vec![schema];
    while let Some(value) = left.pop() {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                let tag = property.get("const").is_some();
                let said = property.get("description").or(property.get("$ref"));
                assert!(tag || said.is_some(), "{name}: {key} has no description");
            }
        }
        match value {
            Value::Object(map) => left.extend(map.values()),
            Value::Array(list) => left.extend(list),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[test]
fn the_list_of_plans_is_as_its_schema_says() {
    check(
        "plan-list-1.json",
        &said(&["plan", "list", "--format", "json"]),
        &[
            ("/schema", json!("detente/plan-list/2")),
            ("/plans", json!([])),
            ("/plans/0/version", json!(0)),
            ("/plans/0/digest", json!("ABC")),
        ],
    );
}

#[test]
fn a_case_of_a_plan_is_as_its_schema_says() {
    check(
        "plan-case-1.json",
        &said(&["plan", "show", "smoke", "pwr-01", "--format", "json"]),
        &[
            ("/schema", json!("detente/plan-case/2")),
            ("/version", json!(0)),
            ("/case/id", json!("PWR")),
        ],
    );
}

#[test]
fn a_plan_is_as_its_schema_says() {
    let document = said(&["plan", "show", "smoke", "--format", "json"]);
    check(
        "plan-1.json",
        &document,
        &[
            ("/schema", json!("detente/plan/2")),
            ("/cases", json!([])),
            ("/cases/0/id", json!("boot")),
            ("/cases/0/requirement", json!("mandatory")),
            ("/cases/0/profiles", json!([])),
            ("/cases/0/limit_s", json!(1.5)),
            ("/cases/0/channel", json!("telepathy")),
            ("/parameters/memory_reserved_percent", json!(101)),
            ("/parameters/vcpus/cores", json!(0)),
        ],
    );
    let plan: Plan = serde_json::from_value(document).unwrap();
    assert_eq!(Some(plan), Plan::named("smoke").ok());
}

#[test]
fn the_allow_list_is_as_its_schema_says() {
    let mut document = serde_json::to_value(AllowList::built_in()).unwrap();
    check(
        "boot-log-allow-list-1.json",
        &document,
        &[
            ("/schema", json!("detente/boot-log-allow-list/2")),
            ("/version", json!(0)),
            ("/messages", json!([{ "text": "disk on fire" }])),
            ("/messages", json!([{ "text": "*", "why": "all" }])),
            ("/messages", json!([{ "text": "disk on fire", "why": "" }])),
        ],
    );
    document["messages"] = json!([]);
    assert!(validator("boot-log-allow-list-1.json").is_valid(&document));
}

#[test]
fn the_table_of_spoiled_twins_is_as_its_schema_says() {
    let bytes = std::fs::read(repository().join("docs/spoiled-twins.json")).unwrap();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    let row = json!({ "case": "CPU-01", "how": "no processor", "says": "none at all" });
    let with = |key: &str, value: Value| {
        let mut row = row.clone();
        row[key] = value;
        json!([row])
    };
    check(
        "spoiled-twins-1.json",
        &document,
        &[
            ("/schema", json!("detente/spoiled-twins/2")),
            ("/twins", json!([])),
            ("/twins", json!([row])),
            ("/twins", with("fault", json!("vcpus"))),
            ("/twins", with("test", json!("no such name"))),
            ("/twins", with("case", json!("cpu01"))),
            ("/twins/0/says", json!("none")),
        ],
    );
}

#[test]
fn what_doctor_says_is_as_its_schema_says() {
    check(
        "doctor-1.json",
        &said(&["doctor", "--format", "json"]),
        &[
            ("/verdict", json!("healthy")),
            ("/checks", json!([])),
            ("/checks/0/state", json!("good")),
            ("/checks/0/message", json!("")),
            ("/profiles/0/name", json!("xen")),
            ("/machine/memory_available_bytes", json!(-1)),
            ("/qemu", json!("7.2")),
        ],
    );
}

#[test]
fn what_the_lab_says_is_as_its_schema_says() {
    let empty = tempfile::tempdir().unwrap();
    let output = detente()
        .args(["lab", "down", "--format", "json"])
        .env("XDG_RUNTIME_DIR", empty.path())
        .output()
        .unwrap();
    support::expect_code(&output, 0);
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["message"], "no lab was up");
    check(
        "lab-status-1.json",
        &document,
        &[("/state", json!("away")), ("/changed", json!(null))],
    );
    // As a lab that is up is told.
    document["lab"] = json!({
        "version": "0.1.0",
        "kernel": "6.1.0",
        "kernel_origin": "this host's own",
        "processors": 2,
        "memory_mib": 2560,
        "guest_memory_mib": 2048,
        "folder": "/run/user/1000/detente/lab",
    });
    check(
        "lab-status-1.json",
        &document,
        &[("/lab/memory_mib", json!(-1)), ("/lab/kernel", json!(""))],
    );
}

#[test]
fn what_doctor_says_without_qemu_is_as_its_schema_says() {
    let empty = tempfile::tempdir().unwrap();
    let output = detente()
        .args(["doctor", "--format", "json"])
        .env("PATH", empty.path())
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Red Hat's QEMU is in no folder of PATH.
    let found = std::path::Path::new("/usr/libexec/qemu-kvm").exists();
    if !found {
        support::expect_code(&output, 1);
        assert_eq!(document["verdict"], "bad");
        assert_eq!(document["qemu"], Value::Null);
        assert!(document.to_string().contains("apt-get install"));
        assert!(document.to_string().contains("dnf install"));
    }
    check("doctor-1.json", &document, &[]);
}

#[test]
fn a_run_is_as_its_schema_says() {
    check(
        "run-1.json",
        &serde_json::to_value(run()).unwrap(),
        &[
            ("/schema", json!("detente/run/2")),
            ("/run_id", json!("run")),
            ("/started_at", json!("yesterday")),
            ("/kind", json!("official")),
            ("/verdict", json!("certified")),
            ("/images", json!([])),
            ("/images/0/digest/before", json!("")),
            ("/plan/digest", json!("")),
            ("/profiles", json!([])),
            ("/profiles/0/cases", json!([])),
            ("/profiles/0/platform/acceleration", json!("fast")),
            ("/profiles/0/platform/acceleration_proof", json!("")),
            ("/profiles/0/cases/0/outcome", json!("fine")),
            ("/profiles/0/cases/0/attempts", json!([])),
            ("/profiles/0/cases/0/duration_ms", json!(-1)),
            ("/profiles/0/cases/0/measurements/0/unit", json!("parsec")),
            ("/profiles/0/cases/0/measurements/0/value", json!(null)),
        ],
    );
}

#[test]
fn a_manifest_is_as_its_schema_says() {
    let file = FileEntry {
        name: "kvm/console.log".to_owned(),
        size_bytes: 0,
        sha256: DIGEST.to_owned(),
        media_type: "text/plain".to_owned(),
    };
    check(
        "manifest-1.json",
        &serde_json::to_value(Manifest::of(&run(), vec![file])).unwrap(),
        &[
            ("/schema", json!("detente/run/1")),
            ("/files/0/name", json!("/etc/passwd")),
            ("/files/0/sha256", json!("")),
            ("/files/0/media_type", json!("text")),
            ("/planned_cases", json!([])),
            ("/planned_cases/0/outcome", json!("fine")),
        ],
    );
}

#[test]
fn absent_values_and_every_outcome_are_allowed() {
    let mut run = run();
    run.tool.sha256.clear();
    run.images[0].digest.before = None;
    run.profiles[0].platform.package = None;
    run.profiles[0].cases[0].measurements[0].limit = None;
    run.profiles[0].cases[0].measurements[0].comparator = None;
    let validator = validator("run-1.json");
    for outcome in [
        Outcome::Passed,
        Outcome::PassedWithWarning,
        Outcome::Failed,
        Outcome::Error,
        Outcome::Skipped,
        Outcome::NotRun,
        Outcome::Interrupted,
        Outcome::NeedsReview,
    ] {
        run.profiles[0].cases[0].outcome = outcome;
        let document = serde_json::to_value(&run).unwrap();
        assert!(validator.is_valid(&document), "{outcome}");
    }
}

fn run() -> Run {
    Run {
        schema: Run::SCHEMA.to_owned(),
        run_id: "run-20261122T141500Z-1a2b3c4d".to_owned(),
        kind: RunKind::Unofficial,
        faults: Vec::new(),
        started_at: "2026-11-22T14:15:00.123456789Z".to_owned(),
        finished_at: "2026-11-22T14:16:00Z".to_owned(),
        tool: ToolRecord {
            name: "detente".to_owned(),
            version: "0.1.0".to_owned(),
            sha256: DIGEST.to_owned(),
        },
        agent: AgentRecord {
            sha256: DIGEST.to_owned(),
            size_bytes: 900_000,
        },
        plan: PlanRecord {
            id: "smoke".to_owned(),
            version: 1,
            digest: DIGEST.to_owned(),
        },
        selection: Some(SelectionRecord {
            cases: vec!["STO-01".to_owned()],
            skipped: vec!["CRS-03".to_owned()],
            rerun_of: Some("run-20261122T131500Z-1a2b3c4d".to_owned()),
        }),
        repetitions: 2,
        own_cases: vec![OwnCaseRecord {
            case_id: "USER-mounts".to_owned(),
            sha256: DIGEST.to_owned(),
        }],
        images: vec![ImageRecord {
            name: "server.qcow2".to_owned(),
            format: "qcow2".to_owned(),
            virtual_size_bytes: 4 << 30,
            chain_length: 1,
            digest: DigestRecord {
                method: "detente/content-digest/1".to_owned(),
                before: Some(DIGEST.to_owned()),
                after: Some(DIGEST.to_owned()),
            },
        }],
        guest: GuestRecord {
            os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            os_id: "debian".to_owned(),
            os_version: "12".to_owned(),
            kernel_release: "6.1.0-28-amd64".to_owned(),
            boot_entry: "Debian GNU/Linux".to_owned(),
            cmdline: "root=UUID=1 ro quiet".to_owned(),
        },
        profiles: vec![profile()],
        controls: vec![profile()],
        complete: true,
        verdict: Verdict::Passed,
        coverage: vec![Coverage {
            system: System::Linux,
            hardware: Hardware::Kvm,
            profiles: vec!["kvm".to_owned()],
            required: 20,
            seen: 19,
            not_run: None,
        }],
    }
}

fn profile() -> ProfileRun {
    ProfileRun {
        profile: "kvm".to_owned(),
        platform: PlatformRecord {
            product: "QEMU".to_owned(),
            version: "7.2.0".to_owned(),
            package: Some("qemu-system-x86 1:7.2".to_owned()),
            implementation: "upstream_build".to_owned(),
            acceleration: "emulated".to_owned(),
            acceleration_proof: "a test program ran in QEMU's translator".to_owned(),
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
        cases: vec![case()],
        not_proved: vec!["firmware: direct boot (not_run)".to_owned()],
        statement: "Test result, not a vendor certification.".to_owned(),
        verdict: Verdict::Passed,
    }
}

fn case() -> CaseResult {
    CaseResult {
        case_id: "BOOT-01".to_owned(),
        title: "cold boot".to_owned(),
        requirement: Requirement::Required,
        outcome: Outcome::Passed,
        reason_code: None,
        message: "ready".to_owned(),
        duration_ms: 12_345,
        checks: vec![Check {
            name: "ready".to_owned(),
            outcome: Outcome::Passed,
            message: "ready".to_owned(),
        }],
        measurements: vec![Measurement {
            name: "boot".to_owned(),
            value: 12_345.0,
            unit: "ms".to_owned(),
            limit: Some(60_000.0),
            comparator: Some(Comparator::AtMost),
        }],
        attempts: vec![Attempt::only(Outcome::Passed, 0)],
        evidence: vec!["kvm/console.log".to_owned()],
        channel: "agent".to_owned(),
        control: Some(ControlRecord {
            profile: "kvm".to_owned(),
            outcome: Outcome::Passed,
            follows: Follows::Platform,
        }),
    }
}

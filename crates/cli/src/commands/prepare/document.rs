//! The answer for programs: `detente/prepare-result/1`.

use detente_evidence::Run;
use detente_validate::prepare::PrepareOutcome;
use serde::Serialize;

/// What came of it, and of booting the result.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    pub(super) outcome: &'a PrepareOutcome,
    /// What the plan `smoke` showed, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) validation: Option<&'a Validation>,
    /// Of a batch: what tells the machine from what it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<&'a str>,
}

/// What booting the result showed.
#[derive(Debug, Serialize)]
pub(super) struct Validation {
    /// The folder of the run.
    pub(super) folder: String,
    /// Profiles that were asked for and cannot be booted here, each with the reason.
    pub(super) not_booted: Vec<String>,
    /// The run; none where nothing could be booted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<Run>,
}

#[cfg(test)]
mod tests {
    use detente_guest::check::{Boots, By, Profile, ProfileReadiness, State};
    use detente_guest::prepare::{Left, StepOutcome, StepResult, Whose};
    use detente_validate::prepare::{
        Action, Difference, Differences, DiskMade, How, MachineUsed, RESULT_SCHEMA, StillBroken,
        Took,
    };
    use serde_json::Value;

    use super::*;

    fn full() -> PrepareOutcome {
        PrepareOutcome {
            schema: RESULT_SCHEMA,
            action: Action::Undone,
            machine: Some(MachineUsed {
                profile: "kvm".to_owned(),
                why: "it boots".to_owned(),
                host: "QEMU 7.2".to_owned(),
                acceleration: detente_host::Acceleration::Emulated,
            }),
            steps: vec![StepResult {
                step: "write /etc/fstab".to_owned(),
                outcome: StepOutcome::Done,
                output: vec!["said".to_owned()],
                duration_ms: 1,
            }],
            disks: vec![DiskMade {
                source: "a.qcow2".to_owned(),
                path: "b.qcow2".to_owned(),
                format: "qcow2".to_owned(),
                content_digest: Some("0".repeat(64)),
                before: Some("a.qcow2.before".to_owned()),
            }],
            journal: Some("b.qcow2.journal".to_owned()),
            readiness: vec![readiness()],
            still_broken: vec![StillBroken {
                rule: "linux.x".to_owned(),
                profiles: vec![Profile::HypervGen2],
                evidence: vec!["a line".to_owned()],
            }],
            left: vec![Left {
                rule: "linux.y".to_owned(),
                why: "A person has to.".to_owned(),
                by: By::Hand,
                packages: vec!["hyperv-daemons".to_owned()],
            }],
            differences: Some(Differences {
                count: 1,
                files: vec![Difference {
                    path: "/var/log/x".to_owned(),
                    how: How::Touched,
                    whose: Whose::Logs,
                }],
                compared: 7,
                by_bytes: 6,
            }),
            took: Took::default(),
        }
    }

    fn readiness() -> ProfileReadiness {
        let aspects = detente_guest::check::Aspect::ALL.into_iter();
        ProfileReadiness {
            profile: Profile::Kvm,
            state: State::Ready,
            boots: Boots::Yes,
            aspects: aspects
                .map(|aspect| detente_guest::check::AspectState {
                    aspect,
                    state: State::Ready,
                })
                .collect(),
            not_shown: "",
        }
    }

    /// What is wrong with a document, by its schema.
    fn wrong(document: &Value) -> Vec<String> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/schemas/prepare-result-1.json"
        );
        let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors = validator.iter_errors(document);
        errors.map(|error| error.to_string()).collect()
    }

    #[test]
    fn the_result_is_as_its_schema_says() {
        let outcome = full();
        let validation = Validation {
            folder: "run".to_owned(),
            not_booted: vec!["kvm: none".to_owned()],
            run: None,
        };
        let document = Document {
            outcome: &outcome,
            validation: Some(&validation),
            job: Some("7"),
        };
        let mut value = serde_json::to_value(&document).unwrap();
        assert_eq!(wrong(&value), Vec::<String>::new());
        // A field that nobody knows, and a word that is none.
        value["further"] = Value::Null;
        assert_eq!(wrong(&value).len(), 1);
        value.as_object_mut().unwrap().remove("further");
        value["action"] = "done".into();
        assert_eq!(wrong(&value).len(), 1);
    }

    #[test]
    fn what_is_absent_may_be_absent() {
        let outcome = PrepareOutcome {
            action: Action::NothingToDo,
            machine: None,
            steps: Vec::new(),
            disks: Vec::new(),
            journal: None,
            differences: None,
            ..full()
        };
        let document = Document {
            outcome: &outcome,
            validation: None,
            job: None,
        };
        let value = serde_json::to_value(&document).unwrap();
        assert_eq!(wrong(&value), Vec::<String>::new());
    }
}

//! What the document in a machine's folder says: of this run, or of one before.

use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::commands::batch::Document;
use crate::{BAD, CANNOT_TELL, FINE};

/// A document of `detente/prepare-result/1`, as far as it is looked at here, and whole.
pub(super) struct Said {
    own: Own,
    whole: Value,
    /// The machine's folder.
    folder: String,
}

#[derive(Deserialize)]
struct Own {
    schema: String,
    action: String,
    #[serde(default)]
    machine: Option<Machine>,
    steps: Vec<Value>,
    readiness: Vec<Profile>,
    still_broken: Vec<Value>,
    #[serde(default)]
    job: Option<String>,
}

#[derive(Deserialize)]
struct Machine {
    profile: String,
}

#[derive(Deserialize)]
struct Profile {
    profile: String,
    state: String,
}

impl Said {
    /// Reads one; none where it is no such document.
    pub(super) fn read(json: &[u8], folder: &Path) -> Option<Self> {
        let whole: Value = serde_json::from_slice(json).ok()?;
        let own = Own::deserialize(&whole).ok()?;
        let folder = folder.display().to_string();
        (own.schema == detente_validate::prepare::RESULT_SCHEMA).then_some(Self {
            own,
            whole,
            folder,
        })
    }

    /// What tells the machine from what it was before.
    pub(super) fn job(&self) -> Option<&String> {
        self.own.job.as_ref()
    }

    /// The hardware for which it is so.
    fn with_state(&self, state: &str) -> Vec<&str> {
        let profiles = self.own.readiness.iter();
        let profiles = profiles.filter(|own| own.state == state);
        profiles.map(|own| own.profile.as_str()).collect()
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.whole.serialize(serializer)
    }
}

impl Document for Said {
    fn is_made(&self) -> bool {
        true
    }

    fn code(&self) -> u8 {
        if !self.own.still_broken.is_empty() || !self.with_state("not-ready").is_empty() {
            BAD
        } else if !self.with_state("unknown").is_empty() {
            CANNOT_TELL
        } else {
            FINE
        }
    }

    fn line(&self) -> String {
        let mut line = match (&self.own.machine, self.own.steps.len()) {
            (Some(machine), 1) => format!("{}: 1 step on {}", self.folder, machine.profile),
            (Some(machine), count) => {
                format!("{}: {count} steps on {}", self.folder, machine.profile)
            }
            (None, _) if self.own.action == "nothing-to-do" => {
                format!("{}: nothing to do, copied", self.folder)
            }
            (None, count) => format!("{}: {count} steps", self.folder),
        };
        for (state, words) in [
            ("not-ready", "not ready for"),
            ("unknown", "it cannot be told of"),
        ] {
            let profiles = self.with_state(state);
            if !profiles.is_empty() {
                line.push_str(&format!("; {words} {}", profiles.join(", ")));
            }
        }
        match self.own.still_broken.len() {
            0 => {}
            1 => line.push_str("; 1 rule is broken still"),
            count => line.push_str(&format!("; {count} rules are broken still")),
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(change: &dyn Fn(&mut Value)) -> Said {
        let mut document = json!({
            "schema": "detente/prepare-result/1",
            "action": "prepared",
            "machine": { "profile": "kvm" },
            "steps": [{}, {}],
            "readiness": [
                { "profile": "kvm", "state": "ready" },
                { "profile": "hyperv-gen2", "state": "ready-with-remarks" },
            ],
            "still_broken": [],
            "job": "7",
        });
        change(&mut document);
        Said::read(document.to_string().as_bytes(), Path::new("out/web")).unwrap()
    }

    #[test]
    fn the_line_and_the_code_say_whether_it_is_ready() {
        let fine = said(&|_| {});
        assert_eq!(
            (fine.code(), fine.line()),
            (FINE, "out/web: 2 steps on kvm".to_owned())
        );
        let bad = said(&|own| own["readiness"][1]["state"] = json!("not-ready"));
        let line = "out/web: 2 steps on kvm; not ready for hyperv-gen2".to_owned();
        assert_eq!((bad.code(), bad.line()), (BAD, line));
        let unknown = said(&|own| own["readiness"][0]["state"] = json!("unknown"));
        assert_eq!(unknown.code(), CANNOT_TELL);
        let broken = said(&|own| own["still_broken"] = json!([{}]));
        assert_eq!(broken.code(), BAD);
        assert!(broken.line().ends_with("; 1 rule is broken still"));
        let nothing = said(&|own| {
            own["action"] = json!("nothing-to-do");
            own.as_object_mut().unwrap().remove("machine");
        });
        assert_eq!(nothing.line(), "out/web: nothing to do, copied");
        assert_eq!(fine.job().map(String::as_str), Some("7"));
    }

    #[test]
    fn what_is_no_such_document_is_none() {
        for text in ["", "{}", r#"{"schema":"detente/prepare-result/2"}"#] {
            assert!(
                Said::read(text.as_bytes(), Path::new("out")).is_none(),
                "{text}"
            );
        }
    }
}

//! The answer as a log of static analysis: \[SARIF\] 2.1.0.
//!
//! As much of the format as findings need: one run, its rules, a result for each piece of
//! evidence, and a notification for each rule that could not be applied.

use detente_guest::check::{Finding, Gap, Proof, Rule, Severity, rules};
use serde::Serialize;
use serde_json::{Value, json};

use super::document::Document;
use super::explain::profiles;

/// A log with one run.
#[derive(Debug, Serialize)]
pub(super) struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Value; 1],
}

/// The base of paths in the guest.
const BASE: &str = "GUEST";

/// The log of a document.
pub(super) fn log(document: &Document) -> Log {
    let findings = document.readiness.findings.iter();
    let results: Vec<Value> = findings.flat_map(results).collect();
    let gaps = document.readiness.not_looked_at.iter();
    let notifications: Vec<Value> = gaps.map(notification).collect();
    let text = format!("the root of {}", document.disks.join(", "));
    let run = json!({
        "tool": {"driver": {
            "name": "detente check",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules().map(descriptor).collect::<Vec<_>>(),
        }},
        "originalUriBaseIds": {BASE: {"description": {"text": text}}},
        "invocations": [{
            "executionSuccessful": true,
            "toolExecutionNotifications": notifications,
        }],
        "results": results,
    });
    Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [run],
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::BlocksBoot | Severity::LosesNetwork => "error",
        Severity::Degrades => "warning",
        Severity::Note => "note",
    }
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.consequence},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {
            "aspect": rule.aspect,
            "basis": rule.basis,
            "severity": rule.severity,
            "source": rule.source,
        },
    })
}

fn results(finding: &Finding) -> impl Iterator<Item = Value> {
    let index = rules().position(|rule| rule.id == finding.rule);
    finding.evidence.iter().map(move |proof| {
        let text = format!(
            "{} ({}): {}. {}",
            finding.title,
            profiles(&finding.profiles),
            proof.text,
            finding.consequence
        );
        let mut result = json!({
            "ruleId": finding.rule,
            "ruleIndex": index,
            "level": level(finding.severity),
            "message": {"text": text},
            "properties": {"profiles": finding.profiles, "prepare": finding.prepare},
        });
        if let Some(location) = location(proof)
            && let Some(members) = result.as_object_mut()
        {
            members.insert("locations".to_owned(), json!([location]));
        }
        result
    })
}

fn location(proof: &Proof) -> Option<Value> {
    let uri = uri(proof.file.as_deref()?);
    let artifact = json!({"uri": uri, "uriBaseId": BASE});
    Some(match proof.line {
        Some(line) => json!({"physicalLocation":
            {"artifactLocation": artifact, "region": {"startLine": line}}}),
        None => json!({"physicalLocation": {"artifactLocation": artifact}}),
    })
}

/// A path as a relative reference: what may not stand in one is percent-encoded. [RFC 3986]
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.trim_start_matches('/').bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/+@".contains(&byte);
        if plain {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn notification(gap: &Gap) -> Value {
    let text = format!(
        "not looked at ({}): {}",
        profiles(&gap.profiles),
        gap.why.join("; ")
    );
    json!({
        "level": "warning",
        "message": {"text": text},
        "associatedRule": {"id": gap.rule},
    })
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_relative_references() {
        assert_eq!(uri("/etc/fstab"), "etc/fstab");
        assert_eq!(uri("/EFI/BOOT/a b%"), "EFI/BOOT/a%20b%25");
    }
}

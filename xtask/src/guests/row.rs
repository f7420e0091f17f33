//! One guest of the table: named fields, each cut down to what cannot name anybody.

use serde::Serialize;
use serde_json::Value;

/// The longest text of a field.
const TEXT_LIMIT: usize = 80;

/// The most names in a list.
const LIST_LIMIT: usize = 40;

/// What is told of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// `PRETTY_NAME`, `ID` and `VERSION_ID`.
    pub(super) os: String,
    pub(super) os_id: String,
    pub(super) os_version: String,
    pub(super) kernel: String,
    pub(super) firmware: String,
    /// Each profile of `check`, and what speaks against it.
    pub(super) checked: Vec<Checked>,
    /// Each profile that was booted.
    pub(super) validated: Vec<Validated>,
    /// The version of the program that booted it.
    pub(super) tool: String,
}

/// What `check` says of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Checked {
    pub(super) profile: String,
    pub(super) state: String,
    pub(super) rules: Vec<String>,
}

/// What `validate` saw on a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Validated {
    pub(super) profile: String,
    pub(super) verdict: String,
    pub(super) platform: String,
    pub(super) acceleration: String,
    pub(super) passed: usize,
    pub(super) failed: Vec<String>,
    /// Applied, and were neither passed nor failed.
    pub(super) unseen: Vec<String>,
}

impl Row {
    /// Of what the three commands answered.
    pub(super) fn of(facts: Option<&Value>, check: Option<&Value>, run: Option<&Value>) -> Self {
        let mut row = Self::default();
        if let Some(facts) = facts {
            let os = |name: &str| plain(&facts["operating_system"][name]);
            row.os = os("pretty_name");
            row.os_id = os("id");
            row.os_version = os("version_id");
            row.firmware = plain(&facts["firmware"]);
            row.kernel = plain(&facts["boot"]["default"]["kernel_release"]);
        }
        if let Some(check) = check {
            let profiles = list(&check["profiles"]);
            row.checked = profiles.map(|own| checked(own, check)).collect();
        }
        if let Some(run) = run {
            row.tool = plain(&run["tool"]["version"]);
            row.validated = list(&run["profiles"]).map(validated).collect();
        }
        row
    }
}

fn checked(own: &Value, check: &Value) -> Checked {
    let profile = plain(&own["profile"]);
    let concerns = |finding: &&Value| {
        let mut profiles = list(&finding["profiles"]);
        profiles.any(|concerned| plain(concerned) == profile)
    };
    let findings = list(&check["findings"]).filter(concerns);
    let rules = findings.map(|finding| plain(&finding["rule"])).collect();
    Checked {
        state: plain(&own["state"]),
        rules,
        profile,
    }
}

fn validated(part: &Value) -> Validated {
    let cases: Vec<(String, String)> = list(&part["cases"])
        .map(|case| (plain(&case["case_id"]), plain(&case["outcome"])))
        .collect();
    let named = |outcomes: &[&str]| -> Vec<String> {
        let of = cases
            .iter()
            .filter(|(_, is)| outcomes.contains(&is.as_str()));
        // A user's own cases are named by the user.
        of.map(|(id, _)| id.clone())
            .map(|id| {
                if id.starts_with("USER-") {
                    "USER".to_owned()
                } else {
                    id
                }
            })
            .collect()
    };
    let platform = &part["platform"];
    Validated {
        profile: plain(&part["profile"]),
        verdict: plain(&part["verdict"]),
        platform: format!(
            "{} {}",
            plain(&platform["product"]),
            plain(&platform["version"])
        ),
        acceleration: plain(&platform["acceleration"]),
        passed: named(&["passed", "passed_with_warning"]).len(),
        failed: named(&["failed"]),
        unseen: named(&["error", "not_run", "interrupted", "needs_review"]),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten().take(LIST_LIMIT)
}

/// A text of the guest's as it may stand in a table: short, on one line, with nothing that could be
/// an address, a path or a name of mail.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => "",
    };
    let is_plain = |c: char| c.is_alphanumeric() || " .-_()+~:".contains(c);
    let kept: String = text.chars().filter(|c| is_plain(*c)).collect();
    kept.chars().take(TEXT_LIMIT).collect()
}

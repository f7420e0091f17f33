//! What a rule found, with its proof.

use serde::Serialize;

use super::{Aspect, Basis, By, Profile, Rule, Severity};
use crate::facts::{Evidence, Place, Setting};

/// A rule that this guest breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// What it does.
    pub severity: Severity,
    /// What it is about.
    pub aspect: Aspect,
    /// The hardware on which it does that.
    pub profiles: Vec<Profile>,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What shows it.
    pub evidence: Vec<Proof>,
    /// What follows.
    pub consequence: &'static str,
    /// What helps.
    pub remedy: &'static str,
    /// Whether `detente prepare` is to do that.
    pub prepare: bool,
    /// Who does that.
    pub by: By,
    /// What the rule rests on.
    pub basis: Basis,
    /// Where that is written.
    pub source: &'static str,
}

impl Finding {
    pub(crate) fn new(rule: &'static Rule, profile: Profile, evidence: Vec<Proof>) -> Self {
        Self {
            rule: rule.id,
            severity: rule.severity,
            aspect: rule.aspect,
            profiles: vec![profile],
            title: rule.title,
            evidence,
            consequence: rule.consequence,
            remedy: rule.remedy,
            prepare: rule.by == By::Prepare,
            by: rule.by,
            basis: rule.basis,
            source: rule.source,
        }
    }
}

/// What shows that a rule is broken.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Proof {
    /// In words.
    pub text: String,
    /// The file, as the running guest names it, or as its volume does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The setting, argument or module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its value, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Proof {
    /// Words alone.
    pub(crate) fn words(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A setting, where it is made.
    pub(crate) fn setting(setting: &Setting) -> Self {
        Self::words(format!("{} {}", setting.name, setting.value).trim_end())
            .at(&setting.at)
            .pair(&setting.name, &setting.value)
    }

    /// With the place in the running guest.
    pub(crate) fn at(mut self, at: &Evidence) -> Self {
        self.file = Some(at.path.clone());
        self.line = at.line;
        self
    }

    /// With the file on a volume.
    pub(crate) fn on(self, place: &Place) -> Self {
        self.file(&place.path)
    }

    /// With a file.
    pub(crate) fn file(mut self, path: &str) -> Self {
        self.file = Some(path.to_owned());
        self
    }

    /// With key and value.
    pub(crate) fn pair(mut self, key: &str, value: &str) -> Self {
        self.key = Some(key.to_owned());
        self.value = Some(value.to_owned());
        self
    }

    /// With a key alone.
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

/// A rule that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The rule's name.
    pub rule: &'static str,
    /// What it is about.
    pub aspect: Aspect,
    /// The hardware for which it could not be applied.
    pub profiles: Vec<Profile>,
    /// Why, a sentence each.
    pub why: Vec<String>,
}

//! The question and its answer.

use serde::Serialize;

use crate::data::{Keys, Sources};
use crate::{Guest, Platform, PlatformKind, hyperv, kvm, lifecycle, windows};

/// What vendors say of a guest on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Support {
    /// The platform's name in the facts.
    pub platform: &'static str,
    /// Its name for people.
    pub platform_name: &'static str,
    /// What is said, in a word.
    pub status: SupportStatus,
    /// What it hangs on, a sentence each.
    pub conditions: Vec<String>,
    /// What is said, by whom it is said, and where.
    pub statements: Vec<Statement>,
    /// The date of the facts.
    pub as_of: String,
}

/// What is said, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SupportStatus {
    /// A vendor says that it is supported.
    Supported,
    /// A vendor says so, under conditions.
    SupportedWithConditions,
    /// It was, and guest or platform are not maintained any more.
    NotSupportedAnymore,
    /// A vendor says that it is on its way out.
    Deprecated,
    /// A vendor shows it, and supports it not yet.
    TechnologyPreview,
    /// No document was found that says so. It may be supported all the same.
    Unknown,
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// In our words.
    pub text: String,
    /// How sure that is: `high`, `medium`, `low`, `none`.
    pub confidence: String,
    /// Where it is written.
    pub sources: Vec<Source>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its title.
    pub title: String,
    /// The site or repository.
    pub repository: String,
    /// Where in it.
    pub path: String,
    /// Its date, if it shows one.
    pub date: Option<String>,
}

/// What vendors say of a guest on a platform.
#[must_use]
pub fn support(guest: &Guest, platform: &'static Platform) -> Support {
    let mut support = match (guest, platform.kind) {
        (Guest::Linux { id, version }, PlatformKind::Hyperv) => {
            hyperv::support(id, version, platform)
        }
        (Guest::Linux { id, version }, PlatformKind::Kvm) => kvm::support(id, version, platform),
        (Guest::Windows { id }, PlatformKind::Hyperv) => windows::on_hyperv(id, platform),
        (Guest::Windows { id }, PlatformKind::Kvm) => windows::on_kvm(id, platform),
    };
    lifecycle::apply(&mut support, guest, platform);
    if support.status == SupportStatus::Unknown {
        // What is not promised hangs on nothing; the statements stay.
        support.conditions.clear();
    }
    support
}

impl Support {
    /// Nothing is said.
    pub(crate) fn unknown(platform: &'static Platform, as_of: &str) -> Self {
        Self {
            platform: &platform.id,
            platform_name: &platform.name,
            status: SupportStatus::Unknown,
            conditions: Vec::new(),
            statements: Vec::new(),
            as_of: as_of.to_owned(),
        }
    }

    /// A condition makes of plain support a conditional one.
    pub(crate) fn condition(&mut self, text: impl Into<String>) {
        self.conditions.push(text.into());
        if self.status == SupportStatus::Supported {
            self.status = SupportStatus::SupportedWithConditions;
        }
    }
}

impl Statement {
    /// How sure it is.
    pub(crate) fn trusted(mut self, confidence: &str) -> Self {
        confidence.clone_into(&mut self.confidence);
        self
    }
}

/// A statement with its sources.
pub(crate) fn statement(text: &str, keys: &Keys, sources: &Sources) -> Statement {
    let found = keys.iter().filter_map(|key| sources.get(key));
    let found = found.map(|own| Source {
        title: own.title.clone(),
        repository: own.repository.clone(),
        path: own.path.clone(),
        date: own.date.clone(),
    });
    Statement {
        text: text.to_owned(),
        confidence: String::new(),
        sources: found.collect(),
    }
}

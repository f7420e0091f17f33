//! Linux guests on KVM.

use crate::Platform;
use crate::data::{Pair, data};
use crate::release::means;
use crate::support::{Support, SupportStatus, statement};

/// What the documents say.
pub(crate) fn support(id: &str, version: &str, platform: &'static Platform) -> Support {
    let facts = &data().kvm;
    let mut support = Support::unknown(platform, &facts.as_of);
    let rows = facts
        .records
        .iter()
        .filter(|own| own.host == platform.id && means(&own.guest, id, version) == Some(true));
    for row in rows {
        support
            .statements
            .push(statement(&words(row), &row.source, &facts.sources).trusted(&row.confidence));
        if support.status == SupportStatus::Unknown {
            support.status = status(&row.status);
        }
        if let Some(note) = &row.note {
            support.condition(note.clone());
        }
    }
    support
}

/// What a row says, in words.
pub(crate) fn words(row: &Pair) -> String {
    let what = match row.status.as_str() {
        "certified" => "is certified on",
        "vendor-supported" => "is supported by its own vendor on",
        "deprecated" => "is deprecated on",
        "unlisted" => "is not in the list of",
        "named-by-third-party" => "is named by a third party for",
        "technology-preview-nested-only" => "is a nested technology preview on",
        "full" | "supported" => "is supported on",
        "known-to-run" => "is known to run on",
        "supported-implied" => "is presumed by another supported feature of",
        "svvp-submitted" => "was submitted to Microsoft's validation programme for",
        other => return format!("{} on {}: {other}", row.guest, row.host),
    };
    format!("{} {what} {}", row.guest, row.host)
}

/// What a word of the documents means. What is no vendor's promise stays unknown.
pub(crate) fn status(word: &str) -> SupportStatus {
    match word {
        "certified" | "full" | "supported" => SupportStatus::Supported,
        "vendor-supported" | "full or commercially reasonable" => {
            SupportStatus::SupportedWithConditions
        }
        "deprecated" => SupportStatus::Deprecated,
        "technology-preview-nested-only" => SupportStatus::TechnologyPreview,
        _ => SupportStatus::Unknown,
    }
}

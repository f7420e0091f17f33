//! Windows guests.

use crate::Platform;
use crate::data::data;
use crate::kvm::{status, words};
use crate::support::{Support, SupportStatus, statement};

/// On Hyper-V.
pub(crate) fn on_hyperv(id: &str, platform: &'static Platform) -> Support {
    let facts = &data().windows_on_hyperv;
    let mut support = Support::unknown(platform, &facts.as_of);
    let Some(row) = facts.records.iter().find(|own| own.guest == id) else {
        return support;
    };
    support.status = SupportStatus::Supported;
    let text = format!("Microsoft lists {id} as a guest of Hyper-V");
    let said = statement(&text, &row.source, &facts.sources);
    support.statements.push(said.trusted(&row.confidence));
    if let Some(hosts) = &row.hosts {
        support.condition(format!("hosts: {hosts}"));
    }
    match (row.generation1, row.generation2) {
        (true, false) => support.condition("generation 1 alone"),
        (false, true) => support.condition("generation 2 alone"),
        (true, true) | (false, false) => {}
    }
    if let Some(note) = &row.note {
        support.condition(note.clone());
    }
    support
}

/// On KVM.
pub(crate) fn on_kvm(id: &str, platform: &'static Platform) -> Support {
    let facts = &data().windows_on_kvm;
    let mut support = Support::unknown(platform, &facts.as_of);
    let rows = facts.support.iter().chain(&facts.support_elsewhere);
    let row = rows
        .filter(|own| own.guest == id && own.host == platform.id)
        .find(|own| own.status != "not-found");
    if let Some(row) = row {
        support.status = status(&row.status);
        let said = statement(&words(row), &row.source, &facts.sources);
        support.statements.push(said.trusted(&row.confidence));
        if let Some(note) = &row.note {
            support.condition(note.clone());
        }
    }
    support
}

//! Linux guests on Hyper-V.

use serde_json::Value;

use crate::Platform;
use crate::data::{Generations, HypervRecord, Keys, OnHyperv, data};
use crate::release::{covers, means};
use crate::support::{Support, SupportStatus, statement};

/// What Microsoft's pages and the distributions say.
pub(crate) fn support(id: &str, version: &str, platform: &'static Platform) -> Support {
    let facts = &data().hyperv;
    let mut support = Support::unknown(platform, &facts.as_of);
    if let Some((record, core)) = newest(facts, id, version, &platform.id) {
        named(&mut support, facts, record, core);
    }
    for own in facts.vendor_support.iter().filter(|own| {
        let hosts = own.hosts.as_ref();
        hosts.is_none_or(|hosts| hosts.contains(&platform.id))
            && means(&own.guest, id, version) == Some(true)
    }) {
        let text = format!("{}: {}", own.by, own.statement);
        let said = statement(&text, &own.source, &facts.sources);
        support.statements.push(said.trusted(&own.confidence));
        // The distribution's own word for these very hosts.
        if own.hosts.is_some() && support.status == SupportStatus::Unknown && own.by == "SUSE" {
            support.status = SupportStatus::Supported;
        }
        if own.hosts.is_some() {
            support.condition(own.statement.clone());
        }
    }
    if let Some(row) = generations(facts, id, version) {
        generation(&mut support, facts, row);
    }
    support
}

/// The newest page that covers release and host; of the columns of one page the one without a
/// download.
fn newest<'a>(
    facts: &'a OnHyperv,
    id: &str,
    version: &str,
    host: &str,
) -> Option<(&'a HypervRecord, &'a Value)> {
    let covering = facts.records.iter().filter_map(|record| {
        let release = record.distros.iter().any(|own| own == id)
            && record.versions.iter().any(|own| covers(own, version));
        let core = core(record, host).filter(|_| release)?;
        Some((record, core))
    });
    covering.max_by_key(|(record, _)| {
        let source = facts.sources.get(&record.source);
        let date = source.and_then(|own| own.date.as_deref());
        (date, record.integration_services == "built-in")
    })
}

/// The feature `core` for a host, if it is said to be there.
fn core<'a>(record: &'a HypervRecord, host: &str) -> Option<&'a Value> {
    let core = record.features.get("core")?;
    let hosts = |cell: &Value| {
        let hosts = cell.get("hosts").and_then(Value::as_array);
        hosts.is_some_and(|hosts| hosts.iter().any(|own| own == host))
    };
    let yes = |cell: &Value| cell.get("value").is_some_and(|own| own == "yes");
    let fits = |cell: &&Value| hosts(cell) && yes(cell);
    match core.get("perHost").and_then(Value::as_array) {
        Some(cells) => cells.iter().find(fits),
        None => Some(core).filter(fits),
    }
}

fn named(support: &mut Support, facts: &OnHyperv, record: &HypervRecord, core: &Value) {
    support.status = SupportStatus::Supported;
    let mut text = format!(
        "Microsoft's page lists {} with core devices, storage, network and shutdown on this host",
        record.label
    );
    // How the page was read is no condition of anybody's.
    for remark in &record.remarks {
        text.push_str("; ");
        text.push_str(remark);
    }
    let source = Keys::One(record.source.clone());
    let said = statement(&text, &source, &facts.sources);
    support.statements.push(said.trusted(&record.confidence));
    if record.integration_services.starts_with("lis-") {
        support.condition(format!(
            "only with the download {}, which Microsoft has retired",
            record.integration_services
        ));
    }
    let notes = core.get("notes").and_then(Value::as_array);
    for note in notes.into_iter().flatten().filter_map(Value::as_str) {
        if let Some(text) = facts.notes.get(note) {
            support.condition(text.clone());
        }
    }
}

fn generations<'a>(facts: &'a OnHyperv, id: &str, version: &str) -> Option<&'a Generations> {
    let mut rows = facts.generation_support.iter();
    rows.find(|row| row.distro == id && covers(&row.versions, version))
}

fn generation(support: &mut Support, facts: &OnHyperv, row: &Generations) {
    let text = match (row.generation1, row.generation2) {
        (true, true) => "Microsoft names both generations for this release",
        (true, false) => "Microsoft names generation 1 alone for this release",
        (false, true) => "Microsoft names generation 2 alone for this release",
        (false, false) => "Microsoft names no generation for this release",
    };
    let said = statement(text, &row.source, &facts.sources);
    support.statements.push(said.trusted(&row.confidence));
    if !(row.generation1 && row.generation2) {
        support.condition(text);
    }
    if row.generation2 {
        support.condition(
            "generation 2 with Secure Boot needs the Microsoft UEFI Certificate Authority template",
        );
    }
    if let Some(note) = &row.note {
        support.condition(note.clone());
    }
}

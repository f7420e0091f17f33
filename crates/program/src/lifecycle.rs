//! Whether guest and host are still maintained, at the date of the facts.

use crate::data::{GuestEntry, HostEntry, data};
use crate::support::{Statement, Support, SupportStatus, statement};
use crate::{Guest, Platform};

/// The release's entry in the facts.
pub(crate) fn entry(guest: &Guest) -> Option<&'static GuestEntry> {
    let mut all = data().guests.guests.iter();
    match guest {
        Guest::Windows { id } => all.find(|own| own.id == *id),
        Guest::Linux { id, version } => all.find(|own| {
            let named = own.detect.os_release_version_id.as_deref();
            let fits = named.is_some_and(|named| match named.strip_suffix(".<minor>") {
                Some(major) => crate::release::covers(major, version),
                None => named == version || format!("{named}.0") == *version,
            });
            own.detect.os_release_id.as_deref() == Some(id.as_str()) && fits
        }),
    }
}

/// The release's name for people, if the facts have it.
#[must_use]
pub fn name(guest: &Guest) -> Option<&'static str> {
    entry(guest).map(|own| own.name.as_str())
}

/// When something stops being maintained.
struct Ends<'a> {
    ordinary: Option<&'a str>,
    paid: Option<&'a str>,
}

impl Ends<'_> {
    /// What that means at a date; ISO dates are ordered as text.
    fn at(&self, date: &str) -> Option<(SupportStatus, String)> {
        let (ordinary, paid) = (self.ordinary?, self.paid.unwrap_or_default());
        if ordinary >= date {
            None
        } else if paid >= date {
            let text = format!(
                "past its ordinary maintenance since {ordinary}, and under a longer one until {paid}"
            );
            Some((SupportStatus::SupportedWithConditions, text))
        } else {
            let last = if paid > ordinary { paid } else { ordinary };
            let text = format!("no longer maintained since {last}");
            Some((SupportStatus::NotSupportedAnymore, text))
        }
    }
}

fn guest_ends<'a>(guest: &Guest, entry: &'a GuestEntry) -> Ends<'a> {
    let paid = match guest {
        Guest::Linux { .. } => &entry.extended_end,
        Guest::Windows { .. } => &entry.esu_end,
    };
    let ordinary = match guest {
        Guest::Linux { .. } => &entry.maintenance_end,
        Guest::Windows { .. } => &entry.extended_end,
    };
    Ends {
        ordinary: ordinary.as_deref(),
        paid: paid.as_deref(),
    }
}

fn host_ends(entry: &HostEntry) -> Ends<'_> {
    Ends {
        ordinary: entry
            .extended_end
            .as_ref()
            .or(entry.maintenance_end.as_ref())
            .map(String::as_str),
        paid: entry
            .esu_end
            .as_ref()
            .or(entry.els_end.as_ref())
            .map(String::as_str),
    }
}

/// Adds what the ends of guest and host mean.
pub(crate) fn apply(support: &mut Support, guest: &Guest, platform: &Platform) {
    let date = support.as_of.clone();
    if let Some(entry) = entry(guest)
        && let Some((status, text)) = guest_ends(guest, entry).at(&date)
    {
        let sources = &data().guests.sources;
        let said = statement(&format!("{} is {text}", entry.name), &entry.source, sources);
        weigh(support, status, said.trusted(&entry.confidence));
    }
    let host = data().hosts.hosts.iter().find(|own| own.id == platform.id);
    if let Some(entry) = host
        && let Some((status, text)) = host_ends(entry).at(&date)
    {
        let sources = &data().hosts.sources;
        let said = statement(
            &format!("{} is {text}", entry.product),
            &entry.source,
            sources,
        );
        weigh(support, status, said.trusted(&entry.confidence));
    }
}

/// What is not known does not become known by dates.
fn weigh(support: &mut Support, status: SupportStatus, said: Statement) {
    support.status = match (support.status, status) {
        (SupportStatus::Unknown, _) => SupportStatus::Unknown,
        (_, SupportStatus::NotSupportedAnymore) => SupportStatus::NotSupportedAnymore,
        (SupportStatus::Supported, SupportStatus::SupportedWithConditions) => status,
        (own, _) => own,
    };
    support.condition(said.text.clone());
    support.statements.push(said);
}

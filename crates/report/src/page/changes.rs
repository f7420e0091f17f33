//! The differences from an earlier run.

use detente_evidence::Outcome;

use super::head::{Badge, badge, moment};
use crate::text::{clipped, listed, quantity, shown};
use crate::{CaseChange, Differences, MeasurementChange};

/// What changed since an earlier run.
pub(super) struct Changes {
    pub(super) earlier: String,
    pub(super) began: String,
    pub(super) groups: Vec<Group>,
    pub(super) settings: Vec<[String; 3]>,
    pub(super) measurements: Vec<Measured>,
    pub(super) is_empty: bool,
}

/// Cases that changed the same way.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) cases: Vec<Changed>,
}

/// Cases of one profile that ended otherwise in the same way and for the same reason.
#[derive(PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) profile: String,
    /// The cases: identity and title.
    cases: Vec<(String, String)>,
    pub(super) before: Option<Badge>,
    pub(super) after: Option<Badge>,
    pub(super) message: String,
}

/// A value that changed.
pub(super) struct Measured {
    pub(super) profile: String,
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) share: String,
}

pub(super) fn changes(found: &Differences) -> Changes {
    let groups = [
        ("New failures", &found.new_failures),
        ("Mended", &found.mended),
        ("Otherwise changed", &found.other),
    ];
    Changes {
        earlier: shown(&found.earlier_run_id),
        began: moment(&found.earlier_started_at),
        groups: groups
            .into_iter()
            .filter(|(_, cases)| !cases.is_empty())
            .map(|(title, cases)| Group {
                title,
                cases: together(cases),
            })
            .collect(),
        settings: found
            .settings
            .iter()
            .map(|setting| [&setting.name, &setting.before, &setting.after].map(|s| shown(s)))
            .collect(),
        measurements: found.measurements.iter().map(measured).collect(),
        is_empty: found.is_empty(),
    }
}

/// The changes, those alike in one entry: one failed boot changes every case after it.
fn together(cases: &[CaseChange]) -> Vec<Changed> {
    let mut entries: Vec<Changed> = Vec::new();
    for change in cases {
        let mut new = changed(change);
        match entries.iter_mut().find(|known| known.is_like(&new)) {
            Some(known) => known.cases.append(&mut new.cases),
            None => entries.push(new),
        }
    }
    entries
}

impl Changed {
    /// One case with its title, more by their identities alone.
    pub(super) fn name(&self) -> String {
        if let [(id, title)] = self.cases.as_slice() {
            return format!("{id} {title}");
        }
        let ids: Vec<_> = self.cases.iter().map(|(id, _)| id.clone()).collect();
        listed(&ids)
    }

    fn is_like(&self, other: &Self) -> bool {
        (&self.profile, &self.before, &self.after, &self.message)
            == (&other.profile, &other.before, &other.after, &other.message)
    }
}

fn changed(change: &CaseChange) -> Changed {
    let word = |outcome: Option<Outcome>| outcome.map(badge);
    Changed {
        profile: shown(&change.profile),
        cases: vec![(shown(&change.case_id), shown(&change.title))],
        before: word(change.before),
        after: word(change.after),
        message: shown(&change.message),
    }
}

fn measured(change: &MeasurementChange) -> Measured {
    let name = format!("{}: {}", change.case_id, change.name);
    Measured {
        profile: shown(&change.profile),
        name: clipped(&name, 200),
        before: quantity(change.before, &change.unit),
        after: quantity(change.after, &change.unit),
        share: share(change.before, change.after),
    }
}

/// `+25 %`; nothing where that says nothing.
fn share(before: f64, after: f64) -> String {
    let share = (after - before) / before * 100.0;
    if !share.is_finite() || share.abs() > 1_000_000.0 {
        return String::new();
    }
    format!("{share:+.0} %")
}

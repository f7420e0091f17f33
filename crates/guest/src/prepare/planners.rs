//! Which planner mends which rule.

use detente_volume::FsError;

use super::draft::{Ask, Draft};
use super::guest_tree::has_program;
use super::{
    Options, Plan, PlanError, agents, arguments, disk_names, firmware, initramfs, logins, modprobe,
    mounts, network,
};
use crate::check::{By, Finding, Readiness};
use crate::facts::{Facts, SelinuxMode};
use crate::files::Files;
use crate::guest::Guest;

/// Makes what mends its rules part of a plan, or says why not.
type Planner = fn(Ask<'_>, &mut Draft<'_>) -> Result<(), FsError>;

/// The planners, in the order in which they are asked: those that rebuild come last, since they
/// look at what the others changed.
const PLANNERS: &[(&[&str], Planner)] = &[
    (mounts::RULES, mounts::plan),
    (arguments::RULES, arguments::plan),
    (disk_names::RULES, disk_names::plan),
    (modprobe::RULES, modprobe::plan),
    (network::RULES, network::plan),
    (logins::RULES, logins::plan),
    (firmware::RULES, firmware::plan),
    (agents::RULES, agents::plan),
    (initramfs::RULES, initramfs::plan),
];

/// What has to be changed in a guest so that what [`check`](crate::check::check) found on the
/// hardware of [`Options::profiles`] is mended. Nothing is written. The guest is to be inspected
/// with the contents of its initramfs files, and checked for the same profiles.
///
/// # Errors
/// [`PlanError::Read`] when a file of the guest cannot be read.
pub fn plan(guest: &Guest, readiness: &Readiness, options: &Options) -> Result<Plan, PlanError> {
    let tree = guest.tree();
    Ok(of(&guest.facts, Files::new(&*tree), readiness, options)?)
}

/// [`plan`], from facts and files.
pub(crate) fn of(
    facts: &Facts,
    files: Files<'_>,
    readiness: &Readiness,
    options: &Options,
) -> Result<Plan, FsError> {
    let mut draft = Draft::new(files);
    for (rules, planner) in PLANNERS {
        let own = readiness.findings.iter();
        let own: Vec<&Finding> = own.filter(|own| rules.contains(&own.rule)).collect();
        let ask = Ask {
            facts,
            files,
            options,
            findings: &own,
        };
        planner(ask, &mut draft)?;
    }
    for finding in &readiness.findings {
        match finding.by {
            By::Hand | By::Machine => draft.leave(finding.rule, finding.by, finding.remedy),
            By::Prepare if draft.answers(finding.rule) => {}
            By::Prepare => draft.leave(
                finding.rule,
                By::Hand,
                format!(
                    "what was found is nowhere to be changed: {}",
                    finding.remedy
                ),
            ),
        }
    }
    for gap in &readiness.not_looked_at {
        draft.leave(
            gap.rule,
            By::Hand,
            format!("it could not be looked at: {}", gap.why.join("; ")),
        );
    }
    if enforces_labels(facts) && has_program(files, "restorecon")? {
        draft.relabel();
    }
    draft.finish(&options.profiles)
}

/// Whether the guest boots with SELinux on.
fn enforces_labels(facts: &Facts) -> bool {
    facts
        .security
        .selinux
        .as_ref()
        .is_some_and(|own| match own.effective {
            SelinuxMode::Enforcing | SelinuxMode::Permissive => true,
            SelinuxMode::Disabled => false,
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::check::rules;

    #[test]
    fn every_rule_that_prepare_is_to_mend_has_one_planner() {
        let planned: Vec<&str> = PLANNERS
            .iter()
            .flat_map(|(rules, _)| *rules)
            .copied()
            .collect();
        let once: BTreeSet<&str> = planned.iter().copied().collect();
        assert_eq!(once.len(), planned.len(), "a rule has two planners");
        let ours = rules()
            .filter(|rule| rule.by == By::Prepare)
            .map(|rule| rule.id);
        assert_eq!(once, ours.collect());
    }
}

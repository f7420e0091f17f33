//! What can be said of a machine whose root is on a disk that was not given.

use super::engine::{self, Applied};
use super::{Looked, Profile, Proof, Readiness, rules};
use crate::InspectError;

/// The only rule that can be applied.
const RULE: &str = "linux.disk.root-part-missing";

/// What is known of a machine that could not be inspected because a part of its root was not among
/// the disks: that, and nothing else. `None` where it could not be inspected for another reason.
#[must_use]
pub fn check_unread(error: &InspectError, profiles: &[Profile]) -> Option<Readiness> {
    let proof = proof(error)?;
    let look = |id: &str| {
        if id == RULE {
            Looked::found([proof.clone()])
        } else {
            Looked::gap("the root cannot be read, because a disk of the machine was not given")
        }
    };
    let applied = profiles.iter().flat_map(|&profile| {
        let own = rules().filter(move |rule| rule.profiles.contains(&profile));
        own.map(move |rule| (rule, profile))
    });
    let applied = applied.map(|(rule, profile)| Applied {
        rule,
        profile,
        looked: look(rule.id),
    });
    Some(engine::readiness(&applied.collect::<Vec<_>>(), profiles))
}

fn proof(error: &InspectError) -> Option<Proof> {
    match error {
        InspectError::UnreadRoot {
            volume, missing, ..
        }
        | InspectError::Incomplete { volume, missing } => {
            let text = format!("{volume} lacks {}", missing.join(", "));
            (!missing.is_empty()).then(|| Proof::words(text).key(&volume.to_string()))
        }
        InspectError::RootAway { entry, spec, .. } => {
            let text = format!("root={spec} of the entry {entry:?} is on none of the disks");
            Some(Proof::words(text).pair("root", spec))
        }
        InspectError::NoDisk
        | InspectError::EmptyDisk { .. }
        | InspectError::Disk { .. }
        | InspectError::Storage { .. }
        | InspectError::Corrupt { .. }
        | InspectError::Unsupported { .. }
        | InspectError::EncryptedRoot { .. }
        | InspectError::UnsupportedRoot { .. }
        | InspectError::NoOperatingSystem { .. }
        | InspectError::Windows { .. }
        | InspectError::NotX86_64 { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Aspect, Boots, State};
    use crate::facts::VolumeId;

    #[test]
    fn one_finding_and_the_rest_unknown() {
        let volume = VolumeId::new(0, 2);
        let missing = vec!["pv1".to_owned()];
        let error = InspectError::Incomplete { volume, missing };
        let readiness = check_unread(&error, &Profile::ALL).unwrap();
        let [finding] = readiness.findings.as_slice() else {
            panic!("{:?}", readiness.findings);
        };
        assert_eq!(finding.rule, RULE);
        assert_eq!(finding.profiles, Profile::ALL);
        assert_eq!(finding.evidence[0].text, "disk 0 partition 2 lacks pv1");
        for row in &readiness.profiles {
            assert_eq!((row.state, row.boots), (State::NotReady, Boots::No));
            // Whatever else is asked cannot be told.
            for cell in &row.aspects {
                let expected = match cell.aspect {
                    Aspect::BootStorage => [State::NotReady; 2],
                    _ => [State::Unknown, State::NotApplicable],
                };
                assert!(expected.contains(&cell.state), "{cell:?}");
            }
        }
        let others = rules().filter(|rule| rule.id != RULE).count();
        assert_eq!(readiness.not_looked_at.len(), others);
    }

    #[test]
    fn other_reasons_say_nothing_of_readiness() {
        let volume = VolumeId::new(0, 2);
        let whole = InspectError::UnreadRoot {
            volume,
            why: "thin volumes are not read".to_owned(),
            missing: Vec::new(),
        };
        assert_eq!(check_unread(&whole, &Profile::ALL), None);
        let seen = String::new();
        let nothing = InspectError::NoOperatingSystem { seen };
        assert_eq!(check_unread(&nothing, &Profile::ALL), None);
    }
}

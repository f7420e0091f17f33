//! What the shared machine has beside the profile's own, for the cases that want it.

use detente_machine::Extras;
use detente_plan::CaseId;

use super::{cards, disks, sizes};

/// Room and devices for the cases that apply; none where nothing is changed.
pub(crate) fn extras(applies: impl Fn(CaseId) -> bool) -> Extras {
    let if_applies = |id: CaseId, value: u64| if applies(id) { value } else { 0 };
    let slots = [
        (CaseId::Sto02, disks::HOT_SLOT),
        (CaseId::Sto03, disks::GROWING_SLOT),
        (CaseId::Sto04, disks::DISCARDED_SLOT),
        (CaseId::Sto14, disks::READ_ONLY_SLOT),
        (CaseId::Net07, cards::SLOT),
    ];
    let agent = [CaseId::Hb02, CaseId::Agt01, CaseId::Snp02];
    let used = slots.iter().filter(|(case, _)| applies(*case));
    Extras {
        slots: used.map(|(_, slot)| slot + 1).max().unwrap_or(0),
        balloon: applies(CaseId::Mem02),
        empty_sockets: u32::from(applies(CaseId::Cpu04)),
        guest_agent: agent.into_iter().any(&applies),
        pluggable_memory_mib: if_applies(CaseId::Mem04, sizes::PLUGGED_MIB),
        ..Extras::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_that_change_nothing_leave_the_profiles_machine() {
        assert_eq!(extras(|case| case == CaseId::Boot01), Extras::default());
    }

    #[test]
    fn each_case_finds_its_slot() {
        assert_eq!(extras(|case| case == CaseId::Sto02).slots, 1);
        assert_eq!(extras(|case| case == CaseId::Net07).slots, 5);
        let all = extras(|_| true);
        assert!(all.balloon && all.empty_sockets == 1 && all.pluggable_memory_mib == 256);
    }
}

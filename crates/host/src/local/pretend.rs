//! Operations that a machine only says it has done: faults.

use detente_machine::{Pretended, PretendedSet};

use crate::Operation;

/// What is really done of an operation; nothing where it is only said.
pub(super) fn really(operation: &Operation, pretended: PretendedSet) -> Option<Operation> {
    let mut really = operation.clone();
    let only_said = match &mut really {
        Operation::Pause => Some(Pretended::Pause),
        Operation::SetLink { .. } => Some(Pretended::Link),
        Operation::GrowDisk { .. } => Some(Pretended::GrownDisk),
        Operation::UnplugDisk { .. } => Some(Pretended::UnpluggedDisk),
        Operation::PlugCard { .. } => Some(Pretended::PluggedCard),
        Operation::PlugProcessor => Some(Pretended::PluggedProcessor),
        Operation::PlugMemory { .. } => Some(Pretended::PluggedMemory),
        Operation::SetMemory { .. } => Some(Pretended::Balloon),
        Operation::Snapshot { .. } => Some(Pretended::Snapshot),
        Operation::PlugDisk {
            read_only,
            discards,
            ..
        } => {
            *read_only &= !pretended.contains(Pretended::ReadOnly);
            *discards &= !pretended.contains(Pretended::Discarding);
            None
        }
        Operation::Reset => Some(Pretended::Reset),
        Operation::RestoreState { .. } => Some(Pretended::Restored),
        Operation::Resume
        | Operation::PressCtrlAltDelete
        | Operation::SaveState { .. }
        | Operation::InjectNmi
        | Operation::ForgetDisk { .. }
        | Operation::UnplugCard { .. }
        | Operation::ReadMemory
        | Operation::ReadStored { .. } => None,
    };
    let nothing = only_said.is_some_and(|what| pretended.contains(what));
    (!nothing).then_some(really)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(pretended: Pretended) -> PretendedSet {
        let mut set = PretendedSet::default();
        set.insert(pretended);
        set
    }

    fn plug() -> Operation {
        Operation::PlugDisk {
            name: "more".to_owned(),
            source: crate::DiskSource::File("more.raw".into()),
            read_only: true,
            discards: true,
            serial: "more".to_owned(),
            slot: 0,
        }
    }

    #[test]
    fn without_a_fault_everything_is_done() {
        let none = PretendedSet::default();
        for operation in [plug(), Operation::Pause, Operation::PlugProcessor] {
            assert_eq!(really(&operation, none), Some(operation));
        }
    }

    #[test]
    fn only_what_is_pretended_is_not_done() {
        let fault = only(Pretended::Pause);
        assert_eq!(really(&Operation::Pause, fault), None);
        assert_eq!(really(&Operation::Resume, fault), Some(Operation::Resume));
        assert_eq!(really(&plug(), fault), Some(plug()));
    }

    #[test]
    fn a_disk_is_plugged_in_another_way() {
        for fault in [Pretended::ReadOnly, Pretended::Discarding] {
            let Some(Operation::PlugDisk {
                read_only,
                discards,
                ..
            }) = really(&plug(), only(fault))
            else {
                panic!("it is plugged in");
            };
            assert_eq!(read_only, fault != Pretended::ReadOnly);
            assert_eq!(discards, fault != Pretended::Discarding);
        }
    }
}

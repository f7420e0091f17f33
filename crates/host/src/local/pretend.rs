//! Operations that a machine only says it has done: faults.

use detente_machine::Pretended;

use crate::Operation;

/// What is really done of an operation; nothing where it is only said.
pub(super) fn really(operation: &Operation, pretended: Option<Pretended>) -> Option<Operation> {
    let Some(pretended) = pretended else {
        return Some(operation.clone());
    };
    let nothing = matches!(
        (pretended, operation),
        (Pretended::PluggedDisk, Operation::PlugDisk { .. })
            | (Pretended::GrownDisk, Operation::GrowDisk { .. })
            | (Pretended::PluggedCard, Operation::PlugCard { .. })
            | (Pretended::Link, Operation::SetLink { .. })
            | (Pretended::PluggedProcessor, Operation::PlugProcessor)
            | (Pretended::PluggedMemory, Operation::PlugMemory { .. })
            | (Pretended::Balloon, Operation::SetMemory { .. })
            | (Pretended::Pause, Operation::Pause)
            | (Pretended::Snapshot, Operation::Snapshot { .. })
    );
    if nothing {
        return None;
    }
    let mut really = operation.clone();
    if let Operation::PlugDisk {
        read_only,
        discards,
        ..
    } = &mut really
    {
        *read_only &= pretended != Pretended::ReadOnly;
        *discards &= pretended != Pretended::Discarding;
    }
    Some(really)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plug() -> Operation {
        Operation::PlugDisk {
            name: "more".to_owned(),
            file: "more.raw".into(),
            read_only: true,
            discards: true,
            serial: "more".to_owned(),
            slot: 0,
        }
    }

    #[test]
    fn without_a_fault_everything_is_done() {
        assert_eq!(really(&plug(), None), Some(plug()));
    }

    #[test]
    fn only_what_is_pretended_is_not_done() {
        let fault = Some(Pretended::Pause);
        assert_eq!(really(&Operation::Pause, fault), None);
        assert_eq!(really(&Operation::Resume, fault), Some(Operation::Resume));
        assert_eq!(really(&plug(), Some(Pretended::PluggedDisk)), None);
    }

    #[test]
    fn a_disk_is_plugged_in_another_way() {
        for fault in [Pretended::ReadOnly, Pretended::Discarding] {
            let Some(Operation::PlugDisk {
                read_only,
                discards,
                ..
            }) = really(&plug(), Some(fault))
            else {
                panic!("it is plugged in");
            };
            assert_eq!(read_only, fault != Pretended::ReadOnly);
            assert_eq!(discards, fault != Pretended::Discarding);
        }
    }
}

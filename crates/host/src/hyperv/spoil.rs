//! Faults of the integration services: what the machine is asked for is not what was wanted, and
//! the answer does not show it.

use detente_machine::ServiceFaults;
use detente_machine::hyperv::{Command, KvpRequest};

/// What becomes of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ordered {
    /// The machine is asked for this.
    Ask(Command),
    /// The machine is not asked; whoever wanted it is told that it is done.
    Pretend,
}

/// A command as these faults leave it.
pub(super) fn spoiled(command: Command, faults: ServiceFaults) -> Ordered {
    match command {
        Command::Freeze | Command::Thaw if faults.pretend_freezing => Ordered::Pretend,
        Command::Kvp {
            request: KvpRequest::Set { pool, key, value },
        } if faults.spoil_values => {
            let value = format!("{value}!");
            let request = KvpRequest::Set { pool, key, value };
            Ordered::Ask(Command::Kvp { request })
        }
        command => Ordered::Ask(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: ServiceFaults = ServiceFaults {
        spoil_values: true,
        pretend_freezing: true,
    };

    fn set(value: &str) -> Command {
        let request = KvpRequest::Set {
            pool: 0,
            key: "key".to_owned(),
            value: value.to_owned(),
        };
        Command::Kvp { request }
    }

    #[test]
    fn without_a_fault_everything_is_asked_for_as_it_is() {
        for command in [Command::Freeze, Command::Thaw, set("value")] {
            let ordered = spoiled(command.clone(), ServiceFaults::default());
            assert_eq!(ordered, Ordered::Ask(command));
        }
    }

    #[test]
    fn each_fault_spoils_its_own_commands() {
        assert_eq!(spoiled(Command::Freeze, ALL), Ordered::Pretend);
        assert_eq!(spoiled(Command::Thaw, ALL), Ordered::Pretend);
        assert_eq!(spoiled(set("value"), ALL), Ordered::Ask(set("value!")));
        let ask = Ordered::Ask(Command::PowerOff);
        assert_eq!(spoiled(Command::PowerOff, ALL), ask);
    }
}

//! CPU-01: processor count and topology.

use detente_evidence::Comparator;
use detente_machine::Topology;

use super::finding::{Finding, check, measured, number};
use crate::protocol::Cpus;

/// Memory nodes of a machine: none of ours is given more than one.
const GIVEN_NODES: u32 = 1;

/// Judges the processors against those that the machine was given.
#[must_use]
pub fn cpu01(seen: &Cpus, given: Topology) -> Finding {
    let rows = [
        ("online processors", seen.online, given.count()),
        ("sockets", seen.sockets, given.sockets),
        ("cores per socket", seen.cores_per_socket, given.cores),
        ("threads per core", seen.threads_per_core, given.threads),
        ("memory nodes", seen.numa_nodes, GIVEN_NODES),
    ];
    let checks = rows
        .iter()
        .map(|(name, seen, given)| {
            // A guest that sees none of something has not looked.
            let equal = seen == given && *seen > 0;
            check(name, equal, format!("{name} {seen}, given {given}"))
        })
        .collect();
    let measurements = rows
        .iter()
        .map(|(name, seen, given)| {
            let limit = Some((Comparator::Equal, f64::from(*given)));
            measured(name, number(u64::from(*seen)), "count", limit)
        })
        .collect();
    Finding::of_checks(checks, measurements)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    const GIVEN: Topology = Topology {
        sockets: 2,
        cores: 4,
        threads: 2,
    };

    fn sound() -> Cpus {
        Cpus {
            online: 16,
            sockets: 2,
            cores_per_socket: 4,
            threads_per_core: 2,
            numa_nodes: 1,
            model: "QEMU Virtual CPU".to_owned(),
        }
    }

    #[track_caller]
    fn check(seen: &Cpus, outcome: Outcome, message: &str) {
        let finding = cpu01(seen, GIVEN);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn what_was_given_passes() {
        check(
            &sound(),
            Outcome::Passed,
            "online processors 16, given 16; sockets 2, given 2; cores per socket 4, given 4; \
             threads per core 2, given 2; memory nodes 1, given 1",
        );
    }

    #[test]
    fn a_processor_that_is_offline_fails() {
        let seen = Cpus {
            online: 15,
            ..sound()
        };
        check(&seen, Outcome::Failed, "online processors 15, given 16");
    }

    #[test]
    fn another_number_of_sockets_fails() {
        let seen = Cpus {
            sockets: 1,
            ..sound()
        };
        check(&seen, Outcome::Failed, "sockets 1, given 2");
    }

    #[test]
    fn another_number_of_cores_fails() {
        let seen = Cpus {
            cores_per_socket: 8,
            ..sound()
        };
        check(&seen, Outcome::Failed, "cores per socket 8, given 4");
    }

    #[test]
    fn another_number_of_threads_fails() {
        let seen = Cpus {
            threads_per_core: 1,
            ..sound()
        };
        check(&seen, Outcome::Failed, "threads per core 1, given 2");
    }

    #[test]
    fn a_second_memory_node_fails() {
        let seen = Cpus {
            numa_nodes: 2,
            ..sound()
        };
        check(&seen, Outcome::Failed, "memory nodes 2, given 1");
    }

    #[test]
    fn nothing_given_and_nothing_seen_is_no_pass() {
        let none = Topology {
            sockets: 0,
            cores: 0,
            threads: 0,
        };
        let seen = Cpus {
            online: 0,
            sockets: 0,
            cores_per_socket: 0,
            threads_per_core: 0,
            ..sound()
        };
        assert_eq!(cpu01(&seen, none).outcome, Outcome::Failed);
    }

    #[test]
    fn every_row_is_measured_against_its_limit() {
        for measured in cpu01(&sound(), GIVEN).measurements {
            assert_eq!(Some(measured.value), measured.limit, "{}", measured.name);
            assert_eq!(measured.comparator, Some(Comparator::Equal));
        }
    }
}

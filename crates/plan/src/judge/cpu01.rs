//! CPU-01: processor count and topology.

use detente_evidence::Comparator;
use detente_machine::Topology;

use super::finding::{Finding, check, measured, number};
use crate::protocol::Cpus;

/// Judges the processors against those that the machine was given.
#[must_use]
pub fn cpu01(seen: &Cpus, given: Topology) -> Finding {
    let rows = [
        ("online processors", seen.online, given.count()),
        ("sockets", seen.sockets, given.sockets),
        ("cores per socket", seen.cores_per_socket, given.cores),
        ("threads per core", seen.threads_per_core, given.threads),
    ];
    let checks = rows
        .iter()
        .map(|(name, seen, given)| {
            check(name, seen == given, format!("{name} {seen}, given {given}"))
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

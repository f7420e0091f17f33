//! Processors, as sysfs tells.

use std::collections::BTreeSet;
use std::path::Path;

use detente_plan::protocol::Cpus;

use crate::sysfs;

/// Counts below `root`, which has `sys` and `proc`.
pub(super) fn run(root: &Path) -> Cpus {
    let devices = root.join("sys/devices/system");
    let online = sysfs::list(&sysfs::text(devices.join("cpu/online")));
    let topology =
        |cpu: u32, name: &str| sysfs::text(devices.join(format!("cpu/cpu{cpu}/topology/{name}")));
    let packages: Vec<String> = online
        .iter()
        .map(|cpu| topology(*cpu, "physical_package_id"))
        .collect();
    let sockets: BTreeSet<&String> = packages.iter().collect();
    let in_first = online
        .iter()
        .zip(&packages)
        .filter(|(_, package)| Some(*package) == packages.first());
    // Dies have core numbers of their own.
    let cores: BTreeSet<(String, String)> = in_first
        .map(|(cpu, _)| (topology(*cpu, "die_id"), topology(*cpu, "core_id")))
        .collect();
    let siblings = online
        .first()
        .map(|cpu| sysfs::list(&topology(*cpu, "thread_siblings_list")));
    let nodes = sysfs::list(&sysfs::text(devices.join("node/online")));
    Cpus {
        online: count(online.len()),
        sockets: count(sockets.len()),
        cores_per_socket: count(cores.len()),
        threads_per_core: count(siblings.map_or(0, |list| list.len())),
        // A kernel without NUMA has no nodes there, and one in truth.
        numa_nodes: count(nodes.len().max(1)),
        model: model(&sysfs::text(root.join("proc/cpuinfo"))),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The first `model name`.
fn model(cpuinfo: &str) -> String {
    let value = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    value.map_or(String::new(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{model, run};

    #[test]
    fn two_sockets_of_one_core_with_two_threads_are_counted() {
        let root = tempfile::tempdir().unwrap();
        let devices = root.path().join("sys/devices/system");
        fs::create_dir_all(devices.join("cpu")).unwrap();
        fs::write(devices.join("cpu/online"), "0-3\n").unwrap();
        for cpu in 0..4 {
            let topology = devices.join(format!("cpu/cpu{cpu}/topology"));
            fs::create_dir_all(&topology).unwrap();
            let package = cpu / 2;
            fs::write(topology.join("physical_package_id"), format!("{package}\n")).unwrap();
            fs::write(topology.join("core_id"), "0\n").unwrap();
            let siblings = format!("{}-{}\n", package * 2, package * 2 + 1);
            fs::write(topology.join("thread_siblings_list"), siblings).unwrap();
        }
        let cpus = run(root.path());
        assert_eq!(
            (cpus.online, cpus.sockets, cpus.cores_per_socket),
            (4, 2, 1)
        );
        assert_eq!((cpus.threads_per_core, cpus.numa_nodes), (2, 1));
    }

    #[test]
    fn the_model_is_the_first_one() {
        let text =
            "processor\t: 0\nmodel\t\t: 6\nmodel name\t: QEMU Virtual CPU: a\nmodel name\t: b\n";
        assert_eq!(model(text), "QEMU Virtual CPU: a");
        assert_eq!(model("model name"), "");
    }
}

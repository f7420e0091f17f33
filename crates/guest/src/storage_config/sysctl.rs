//! Settings of the kernel: [sysctl.d(5)].

use detente_volume::FsError;

use crate::facts::{Evidence, Setting};
use crate::files::Files;
use crate::settings::{drop_ins, lines};

/// The earlier hides a file of the same name in the later.
const FOLDERS: [&str; 4] = [
    "/etc/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
];
const HUGE: [&str; 3] = [
    "vm.nr_hugepages",
    "vm.nr_hugepages_mempolicy",
    "vm.nr_overcommit_hugepages",
];
/// What another machine may answer otherwise: panics, watchdogs, the console, NUMA, memory.
const WANTED: [&str; 13] = [
    "kernel.panic",
    "kernel.unknown_nmi_panic",
    "kernel.nmi_watchdog",
    "kernel.watchdog",
    "kernel.softlockup",
    "kernel.hardlockup",
    "kernel.hung_task",
    "kernel.printk",
    "kernel.numa_balancing",
    "kernel.shm",
    "vm.overcommit",
    "vm.min_free_kbytes",
    "vm.zone_reclaim_mode",
];
const MAX_SETTINGS: usize = 512;

/// Huge pages, and the rest that matters; in the order in which they are set.
pub(super) fn gather(files: Files<'_>) -> Result<(Vec<Setting>, Vec<Setting>), FsError> {
    let mut all = Vec::new();
    for path in drop_ins::overridden(files, &FOLDERS, ".conf")? {
        all.extend(parse(&path, &files.text(&path)?.unwrap_or_default()));
    }
    // Where /etc/sysctl.d has a link to it, it was read already.
    let main = "/etc/sysctl.conf";
    if files.link("/etc/sysctl.d/99-sysctl.conf")?.is_none() {
        all.extend(parse(main, &files.text(main)?.unwrap_or_default()));
    }
    let (huge, mut rest): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|own| HUGE.contains(&own.name.as_str()));
    rest.retain(|own| WANTED.iter().any(|wanted| own.name.starts_with(wanted)));
    rest.truncate(MAX_SETTINGS);
    Ok((huge, rest))
}

fn parse(path: &str, text: &str) -> Vec<Setting> {
    let setting = |(number, line): (u32, &str)| {
        let (key, value) = line.trim_start_matches('-').split_once('=')?;
        let key = key.trim().replace('/', ".");
        Some(Setting::new(
            key,
            value.trim(),
            Evidence::line(path, number),
        ))
    };
    lines(text, &['#', ';']).filter_map(setting).collect()
}

pub(super) fn exercise(text: &str) {
    parse("/x", text);
}

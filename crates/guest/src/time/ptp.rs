//! What names PTP clocks: udev rules, and lists of modules.

use detente_volume::FsError;

use crate::facts::{Evidence, Setting};
use crate::files::Files;
use crate::settings::udev::{self, Rule};
use crate::settings::{drop_ins, lines};

/// Of the distribution's many rules only those that can name a clock.
const OF_THE_DISTRIBUTION: [&str; 5] = ["50-udev-default", "ptp", "hyperv", "azure", "chrony"];
const RULES: [&str; 3] = [
    "/etc/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];

pub(super) fn gather(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let mut all = Vec::new();
    for path in drop_ins::overridden(files, &RULES, ".rules")? {
        let is_own = path.starts_with("/etc/");
        if !is_own && !OF_THE_DISTRIBUTION.iter().any(|part| path.contains(part)) {
            continue;
        }
        let text = files.text(&path)?.unwrap_or_default();
        all.extend(udev::parse(&path, &text).into_iter().filter_map(rule));
    }
    let mut lists = vec!["/etc/modules".to_owned()];
    for folder in ["/etc/modules-load.d", "/usr/lib/modules-load.d"] {
        lists.extend(drop_ins::folder(files, folder, ".conf")?);
    }
    for path in lists {
        let text = files.text(&path)?.unwrap_or_default();
        let is_ptp = |(_, line): &(u32, &str)| line.starts_with("ptp");
        let setting = |(number, line): (u32, &str)| {
            Setting::new("module", line, Evidence::line(&path, number))
        };
        all.extend(lines(&text, &['#', ';']).filter(is_ptp).map(setting));
    }
    Ok(all)
}

fn rule(rule: Rule) -> Option<Setting> {
    let is_ptp = rule.compared("SUBSYSTEM") == Some("ptp")
        || rule
            .compared("KERNEL")
            .is_some_and(|name| name.starts_with("ptp"));
    is_ptp.then(|| Setting::new("udev", rule.text, rule.at))
}

pub(super) fn exercise(text: &str) {
    udev::parse("/x", text)
        .into_iter()
        .for_each(|own| drop(rule(own)));
}

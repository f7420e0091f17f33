//! kdump: [kdump.conf(5)] of the RHEL family, SUSE's kdump(5), Debian's kdump-tools(5).

use detente_volume::FsError;

use crate::facts::{Evidence, Kdump, Setting};
use crate::files::Files;
use crate::settings::arguments::Arguments;
use crate::settings::{lines, shell};

const RHEL: &str = "/etc/kdump.conf";
const OTHERS: [&str; 2] = ["/etc/sysconfig/kdump", "/etc/default/kdump-tools"];
/// Directives that name where a dump goes to.
const TARGETS: [&str; 9] = [
    "raw", "ext2", "ext3", "ext4", "xfs", "btrfs", "minix", "nfs", "ssh",
];

pub(super) fn gather(files: Files<'_>, arguments: &Arguments) -> Result<Option<Kdump>, FsError> {
    let mut is_there = false;
    let mut found = Kdump {
        crashkernel: arguments.last("crashkernel").cloned(),
        ..Kdump::default()
    };
    if let Some(text) = files.text(RHEL)? {
        is_there = true;
        found.settings = directives(RHEL, &text);
    }
    for path in OTHERS {
        if let Some(text) = files.text(path)? {
            is_there = true;
            let wanted =
                |own: &Setting| own.name.starts_with("KDUMP") || own.name.starts_with("KEXEC");
            let settings = shell::parse(path, &text).into_iter();
            found.settings.extend(settings.filter(wanted));
        }
    }
    let is_target = |own: &&Setting| {
        TARGETS.contains(&own.name.as_str())
            || matches!(own.name.as_str(), "KDUMP_SAVEDIR" | "KDUMP_COREDIR")
            || (own.name == "dracut_args" && own.value.contains("--mount"))
    };
    found.target = found.settings.iter().rfind(is_target).cloned();
    Ok((is_there || found.crashkernel.is_some()).then_some(found))
}

fn directives(path: &str, text: &str) -> Vec<Setting> {
    let setting = |(number, line): (u32, &str)| {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        Setting::new(word, rest.trim(), Evidence::line(path, number))
    };
    lines(text, &['#']).map(setting).take(256).collect()
}

pub(super) fn exercise(text: &str) {
    directives("/x", text);
}

//! Kernel arguments about modules: in the entries of the boot menu, and in the settings from which
//! the next entries are made.

use detente_volume::FsError;

use super::normal;
use crate::command_line::parameters;
use crate::facts::{Entry, EntryKind, Evidence, ModuleArgument};
use crate::files::Files;
use crate::settings::{lines, shell};

/// \[kernel-parameters\], \[modprobe(8)\], \[dracut.cmdline(7)\], \[systemd-modules-load(8)\].
const NAMES: [&str; 12] = [
    "modprobe.blacklist",
    "module_blacklist",
    "rd.driver.blacklist",
    "rdblacklist",
    "rd_NO_DRIVER",
    "rd.driver.pre",
    "rd.driver.post",
    "rdloaddriver",
    "modules_load",
    "modules-load",
    "rd.modules_load",
    "rd.modules-load",
];
/// More than any command line has.
const MAX_ARGUMENTS: usize = 256;

/// Those of a command line: name, modules, as written.
pub(super) fn of_line(line: &str) -> Vec<(String, Vec<String>, String)> {
    let argument = |(name, value): (String, Option<String>)| {
        let value = value?;
        let modules = || value.split(',').filter(|word| !word.is_empty());
        let known = NAMES.contains(&name.as_str()) || name == "initcall_blacklist";
        // Alpine's initramfs loads what `modules=` names.
        let alpine = name == "modules";
        let text = format!("{name}={value}");
        (known || alpine).then(|| (name, modules().map(normal).collect(), text))
    };
    parameters(line)
        .into_iter()
        .filter_map(argument)
        .take(MAX_ARGUMENTS)
        .collect()
}

pub(super) fn of_entries(entries: &[Entry]) -> Vec<ModuleArgument> {
    let mut all = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let EntryKind::Linux { command_line, .. } = &entry.kind else {
            continue;
        };
        for (name, modules, text) in of_line(command_line) {
            all.push(ModuleArgument {
                name,
                modules,
                text,
                entry: Some(index),
                at: None,
            });
        }
    }
    all.truncate(MAX_ARGUMENTS);
    all
}

/// From `/etc/default/grub` and `/etc/kernel/cmdline`.
pub(super) fn of_settings(files: Files<'_>) -> Result<Vec<ModuleArgument>, FsError> {
    let mut all = Vec::new();
    let mut take = |line: &str, at: &Evidence| {
        for (name, modules, text) in of_line(line) {
            all.push(ModuleArgument {
                name,
                modules,
                text,
                entry: None,
                at: Some(at.clone()),
            });
        }
    };
    for path in ["/etc/default/grub", "/etc/update-extlinux.conf"] {
        let text = files.text(path)?.unwrap_or_default();
        for setting in shell::parse(path, &text) {
            let is_line = setting.name.starts_with("GRUB_CMDLINE_LINUX");
            if is_line || setting.name == "default_kernel_opts" || setting.name == "modules" {
                take(&setting.value, &setting.at);
            }
        }
    }
    let path = "/etc/kernel/cmdline";
    let text = files.text(path)?.unwrap_or_default();
    for (number, line) in lines(&text, &['#']) {
        take(line, &Evidence::line(path, number));
    }
    all.truncate(MAX_ARGUMENTS);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    #[test]
    fn arguments_of_entries_and_of_settings() {
        let entry = |command_line: &str| Entry {
            id: String::new(),
            title: String::new(),
            kind: EntryKind::Linux {
                kernel: String::new(),
                initramfs: Vec::new(),
                command_line: command_line.to_owned(),
            },
        };
        let entries = [
            entry("root=x ro quiet"),
            entry("ro modprobe.blacklist=hv-netvsc,hv_utils rd.driver.blacklist=nvme"),
        ];
        let seen: Vec<_> = of_entries(&entries)
            .into_iter()
            .map(|argument| (argument.modules.join(" "), argument.entry))
            .collect();
        assert_eq!(
            seen,
            [
                ("hv_netvsc hv_utils".to_owned(), Some(1)),
                ("nvme".to_owned(), Some(1))
            ]
        );
        let fs = Memory::new()
            .file(
                "/etc/default/grub",
                "GRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX=\"ro module_blacklist=virtio_blk\"\n",
            )
            .file(
                "/etc/kernel/cmdline",
                "root=x initcall_blacklist=hyperv_init\n",
            );
        let seen = of_settings(fs.files()).unwrap();
        assert_eq!(seen[0].at, Some(Evidence::line("/etc/default/grub", 2)));
        assert_eq!(seen[1].text, "initcall_blacklist=hyperv_init");
        assert_eq!(seen[1].at, Some(Evidence::line("/etc/kernel/cmdline", 1)));
    }
}

//! What the guest says of kernel modules: modprobe's configuration, modules that are loaded at every
//! start, kernel arguments, and the settings of programs that make initramfs files.

mod arguments;
mod builders;
mod loads;

use detente_volume::FsError;

use crate::facts::{Entry, Evidence, ModuleRule, ModuleRuleKind, ModuleSettings};
use crate::files::Files;
use crate::settings::{drop_ins, joined_lines};

/// \[modprobe.d(5)\], what comes first hides files of the same name further down. kmod has the
/// first four; older systems have the last one.
const FOLDERS: [&str; 5] = [
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
];
/// module-init-tools, before kmod, read one file: RHEL 5, SLES 11.
const OLD: [&str; 2] = ["/etc/modprobe.conf", "/etc/modprobe.conf.local"];
/// More lines than all files of a system have, aliases aside.
const MAX_RULES: usize = 4096;

/// Reads everything; `entries` are those of the boot menu.
pub(crate) fn find(files: Files<'_>, entries: &[Entry]) -> Result<ModuleSettings, FsError> {
    let mut arguments = arguments::of_entries(entries);
    arguments.extend(arguments::of_settings(files)?);
    Ok(ModuleSettings {
        rules: rules(files)?,
        loads: loads::find(files)?,
        arguments,
        builders: builders::find(files)?,
    })
}

fn rules(files: Files<'_>) -> Result<Vec<ModuleRule>, FsError> {
    let mut rules = Vec::new();
    let mut paths: Vec<String> = OLD.map(str::to_owned).to_vec();
    paths.extend(drop_ins::overridden(files, &FOLDERS, ".conf")?);
    for path in paths {
        if rules.len() < MAX_RULES
            && let Some(text) = files.text(&path)?
        {
            rules.extend(parse(&path, &text));
        }
    }
    rules.truncate(MAX_RULES);
    Ok(rules)
}

/// The lines of one file that modprobe understands.
pub(crate) fn parse(path: &str, text: &str) -> Vec<ModuleRule> {
    let rule = |(number, line): (u32, String)| {
        let (module, kind) = rule(&line)?;
        Some(ModuleRule {
            module,
            kind,
            text: line,
            at: Evidence::line(path, number),
        })
    };
    let lines = joined_lines(text, &['#']).into_iter();
    lines.filter_map(rule).take(MAX_RULES).collect()
}

fn rule(line: &str) -> Option<(String, ModuleRuleKind)> {
    let (command, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let rest = rest.trim();
    let given = !rest.is_empty();
    let kind = match command {
        "blacklist" => ModuleRuleKind::Blacklist,
        "install" if given => ModuleRuleKind::Install {
            command: rest.to_owned(),
            disables: loads_nothing(rest),
        },
        "remove" if given => ModuleRuleKind::Remove {
            command: rest.to_owned(),
        },
        "options" if given => ModuleRuleKind::Options {
            parameters: rest.to_owned(),
        },
        "alias" if given => {
            let target = normal(rest);
            return Some((name.to_owned(), ModuleRuleKind::Alias { target }));
        }
        "softdep" => {
            let (pre, post) = softdep(rest);
            ModuleRuleKind::Softdep { pre, post }
        }
        _ => return None,
    };
    (!name.is_empty()).then(|| (normal(name), kind))
}

/// The kernel takes `-` and `_` in the names of modules for the same.
pub(crate) fn normal(name: &str) -> String {
    name.trim().replace('-', "_")
}

/// Whether a command for `install` is one that only ends.
fn loads_nothing(command: &str) -> bool {
    let words = command.split(['#', ';', '&', '|']).next();
    let mut words = words.unwrap_or_default().split_whitespace();
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or(program);
    let only_ends = matches!(name, "true" | "false" | ":" | "exit" | "echo" | "logger");
    let more = ["modprobe", "insmod"]
        .iter()
        .any(|word| command.contains(word));
    (only_ends || program == "/dev/null") && !more
}

/// `pre: a b post: c`.
fn softdep(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut pre, mut post, mut behind) = (Vec::new(), Vec::new(), false);
    for word in text.split_whitespace() {
        match word {
            "pre:" => behind = false,
            "post:" => behind = true,
            word if behind => post.push(normal(word)),
            word => pre.push(normal(word)),
        }
    }
    (pre, post)
}

/// For the exerciser.
pub(crate) fn exercise(text: &str) {
    parse("/x", text);
    loads::parse("/x", text);
    arguments::of_line(text);
    builders::exercise(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    #[test]
    fn every_command_with_its_line() {
        let text = "# comment\nblacklist hv-netvsc\ninstall hv_storvsc /bin/true\n\
                    install usb \\\n  /sbin/modprobe --ignore-install usb; /bin/true\n\
                    options scsi_mod use_blk_mq=1 x=2\nalias net-pf-10 off\nalias eth0 virtio-net\n\
                    softdep uhci-hcd pre: ehci-hcd post: x\nremove x /bin/y\nunknown a b\nblacklist\n\
                    install ahci\n";
        let rules = parse("/etc/modprobe.d/a.conf", text);
        let seen: Vec<(&str, Option<u32>)> = rules
            .iter()
            .map(|rule| (rule.module.as_str(), rule.at.line))
            .collect();
        assert_eq!(
            seen,
            [
                ("hv_netvsc", Some(2)),
                ("hv_storvsc", Some(3)),
                ("usb", Some(4)),
                ("scsi_mod", Some(6)),
                ("net-pf-10", Some(7)),
                ("eth0", Some(8)),
                ("uhci_hcd", Some(9)),
                ("x", Some(10)),
            ]
        );
        let disables = |index: usize| match &rules[index].kind {
            ModuleRuleKind::Install { disables, .. } => *disables,
            other => panic!("{other:?}"),
        };
        assert!(disables(1) && !disables(2));
        assert_eq!(
            rules[6].kind,
            ModuleRuleKind::Softdep {
                pre: vec!["ehci_hcd".to_owned()],
                post: vec!["x".to_owned()],
            }
        );
        let target = "virtio_net".to_owned();
        assert_eq!(rules[5].kind, ModuleRuleKind::Alias { target });
    }

    #[test]
    fn a_file_in_etc_hides_that_of_the_same_name() {
        let fs = Memory::new()
            .file("/etc/modprobe.d/b.conf", "blacklist two\n")
            .file("/usr/lib/modprobe.d/a.conf", "blacklist one\n")
            .file("/usr/lib/modprobe.d/b.conf", "blacklist hidden\n")
            .file("/lib/modprobe.d/c.conf", "blacklist three\n")
            .file("/etc/modprobe.d/d.conf.bak", "blacklist no\n")
            .file("/etc/modprobe.conf", "blacklist zero\n");
        let settings = find(fs.files(), &[]).unwrap();
        let seen: Vec<String> = settings
            .rules
            .iter()
            .map(|rule| format!("{} {}", rule.module, rule.at))
            .collect();
        assert_eq!(
            seen,
            [
                "zero /etc/modprobe.conf:1",
                "one /usr/lib/modprobe.d/a.conf:1",
                "two /etc/modprobe.d/b.conf:1",
                "three /lib/modprobe.d/c.conf:1",
            ]
        );
    }
}

//! Where the kernel's command lines are written, and how they are changed there.

use detente_volume::FsError;

use super::draft::{Ask, Draft, Reason};
use super::edit::lines::{self, Line};
use super::edit::shell;
use super::running_path::running_path;
use crate::facts::Loader;
use crate::files::Files;

/// What a command line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// All that a kernel gets.
    Entry,
    /// What new entries get in any case.
    Default,
    /// A part of what they get.
    Part,
}

/// How a file holds command lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// GRUB's configuration.
    Grub,
    /// An entry of the Boot Loader Specification.
    Bls,
    /// GRUB's environment block.
    Environment,
    /// Assignments of a shell: `/etc/default/grub`.
    Settings,
    /// The whole file is one.
    Whole,
    /// syslinux and extlinux.
    Syslinux,
    /// GRUB before 2.
    GrubLegacy,
}

/// Files at fixed places.
const FILES: &[(&str, Kind)] = &[
    ("/boot/grub2/grub.cfg", Kind::Grub),
    ("/boot/grub/grub.cfg", Kind::Grub),
    ("/boot/grub2/custom.cfg", Kind::Grub),
    ("/boot/grub/custom.cfg", Kind::Grub),
    ("/etc/grub.d/40_custom", Kind::Grub),
    ("/boot/grub2/grubenv", Kind::Environment),
    ("/boot/grub/grubenv", Kind::Environment),
    ("/boot/grub/menu.lst", Kind::GrubLegacy),
    ("/boot/grub/grub.conf", Kind::GrubLegacy),
    ("/boot/extlinux.conf", Kind::Syslinux),
    ("/boot/extlinux/extlinux.conf", Kind::Syslinux),
    ("/boot/syslinux/syslinux.cfg", Kind::Syslinux),
    ("/etc/default/grub", Kind::Settings),
    ("/etc/sysconfig/bootloader", Kind::Settings),
    ("/etc/sysconfig/kernel", Kind::Settings),
    ("/etc/update-extlinux.conf", Kind::Settings),
    ("/etc/kernel/cmdline", Kind::Whole),
];

/// Folders, and the end of the names that count.
const FOLDERS: &[(&str, &str, Kind)] = &[
    ("/boot/loader/entries", ".conf", Kind::Bls),
    ("/boot/efi/loader/entries", ".conf", Kind::Bls),
    ("/efi/loader/entries", ".conf", Kind::Bls),
    ("/etc/default/grub.d", ".cfg", Kind::Settings),
    ("/etc/kernel/cmdline.d", ".conf", Kind::Whole),
];

/// More files than a menu has.
const MAX_FILES: usize = 512;

/// The variables that hold command lines, and what they hold.
const VARIABLES: &[(&str, Use)] = &[
    ("GRUB_CMDLINE_LINUX", Use::Default),
    ("GRUB_CMDLINE_LINUX_DEFAULT", Use::Part),
    ("GRUB_CMDLINE_LINUX_RECOVERY", Use::Part),
    ("GRUB_CMDLINE_LINUX_XEN_REPLACE", Use::Part),
    ("GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT", Use::Part),
    ("DEFAULT_APPEND", Use::Default),
    ("FAILSAFE_APPEND", Use::Part),
    ("default_kernel_opts", Use::Default),
    // extlinux's updater of Alpine: a value, not a line.
    ("root", Use::Part),
];

/// The files with command lines that are there.
pub(crate) fn sites(ask: Ask<'_>) -> Result<Vec<(String, Kind)>, FsError> {
    let mut all: Vec<(String, Kind)> = Vec::new();
    let config = ask.facts.boot.config.as_ref();
    let kind = match ask.facts.boot.loader {
        Loader::Grub2 => Some(Kind::Grub),
        Loader::GrubLegacy => Some(Kind::GrubLegacy),
        Loader::Syslinux => Some(Kind::Syslinux),
        Loader::SystemdBoot | Loader::Uki | Loader::Unknown => None,
    };
    if let (Some(place), Some(kind)) = (config, kind) {
        all.extend(running_path(ask.facts, place).map(|path| (path, kind)));
    }
    for (path, kind) in FILES {
        if ask.files.is_file(path)? {
            all.push(((*path).to_owned(), *kind));
        }
    }
    for (folder, end, kind) in FOLDERS {
        for name in ask.files.list(folder)? {
            if name.ends_with(end) {
                all.push((format!("{folder}/{name}"), *kind));
            }
        }
    }
    of_vendors(ask.files, &mut all)?;
    all.truncate(MAX_FILES);
    Ok(all)
}

/// `grub.cfg` and `grubenv` beside the loaders on the EFI system partition.
fn of_vendors(files: Files<'_>, all: &mut Vec<(String, Kind)>) -> Result<(), FsError> {
    for folder in ["/boot/efi/EFI", "/efi/EFI", "/boot/EFI"] {
        for vendor in files.list(folder)? {
            for (name, kind) in [("grub.cfg", Kind::Grub), ("grubenv", Kind::Environment)] {
                let path = format!("{folder}/{vendor}/{name}");
                if files.is_file(&path)? {
                    all.push((path, kind));
                }
            }
        }
    }
    Ok(())
}

/// Changes the command lines wherever they are written. Says whether any was.
pub(crate) fn change(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    why: &Reason,
    change: &dyn Fn(&str, Use) -> String,
) -> Result<bool, FsError> {
    let mut any = false;
    for (path, kind) in sites(ask)? {
        any |= draft.edit(&path, why, |bytes| edit(bytes, kind, change))?;
    }
    Ok(any)
}

/// The file with its command lines changed.
pub(crate) fn edit(bytes: &[u8], kind: Kind, change: &dyn Fn(&str, Use) -> String) -> Vec<u8> {
    match kind {
        Kind::Grub => lines::edit(bytes, |_, text| of_grub(text, change)),
        Kind::Bls => lines::edit(bytes, |_, text| {
            // What is put in by a name is written elsewhere.
            let own = if text.contains("kernelopts") {
                Use::Part
            } else {
                Use::Entry
            };
            behind(text, &["options"], 1, |line| change(line, own))
        }),
        Kind::Syslinux => lines::edit(bytes, |_, text| {
            behind(text, &["append"], 1, |line| change(line, Use::Entry))
        }),
        Kind::GrubLegacy => lines::edit(bytes, |_, text| of_grub_legacy(text, change)),
        Kind::Whole => lines::edit(bytes, |_, text| {
            if text.trim().is_empty() || text.trim_start().starts_with('#') {
                return Line::Keep;
            }
            Line::Text(change(text, Use::Default))
        }),
        Kind::Settings => shell::edit(bytes, |own, value| {
            let (_, kind) = VARIABLES.iter().find(|(name, _)| *name == own.name)?;
            let new = match own.name.as_str() {
                "root" => change(&format!("root={value}"), *kind)
                    .get("root=".len()..)?
                    .to_owned(),
                _ => change(value, *kind),
            };
            (new != value).then_some(new)
        }),
        Kind::Environment => environment(bytes, change),
    }
}

fn of_grub(text: &str, change: &dyn Fn(&str, Use) -> String) -> Line {
    let trimmed = text.trim_start();
    for name in ["set kernelopts=\"", "set default_kernelopts=\""] {
        if let Some(rest) = trimmed.strip_prefix(name)
            && let Some(value) = rest.strip_suffix('"')
        {
            let head = text.strip_suffix(rest).unwrap_or_default();
            return Line::Text(format!("{head}{}\"", change(value, Use::Entry)));
        }
    }
    let own = if text.contains("$kernelopts") {
        Use::Part
    } else {
        Use::Entry
    };
    let commands = ["linux", "linux16", "linuxefi"];
    behind(text, &commands, 2, |line| change(line, own))
}

fn of_grub_legacy(text: &str, change: &dyn Fn(&str, Use) -> String) -> Line {
    // What Debian's update-grub of old makes entries from.
    for name in ["# kopt=", "# defoptions="] {
        if let Some(value) = text.strip_prefix(name) {
            let own = if name == "# kopt=" {
                Use::Default
            } else {
                Use::Part
            };
            return Line::Text(format!("{name}{}", change(value, own)));
        }
    }
    behind(text, &["kernel"], 2, |line| change(line, Use::Entry))
}

/// Changes what is behind the first words of a line, if the first one is such a command.
fn behind(
    text: &str,
    commands: &[&str],
    words: usize,
    change: impl FnOnce(&str) -> String,
) -> Line {
    let fields = super::edit::fields::fields(text);
    let first = fields.first().and_then(|own| text.get(own.clone()));
    let is_command = first.is_some_and(|first| {
        commands
            .iter()
            .any(|command| first.eq_ignore_ascii_case(command))
    });
    let Some(start) = fields
        .get(words)
        .map(|own| own.start)
        .filter(|_| is_command)
    else {
        return Line::Keep;
    };
    let (head, tail) = text.split_at_checked(start).unwrap_or((text, ""));
    Line::Text(format!("{head}{}", change(tail)))
}

/// GRUB writes into the block where it is: its length stays, `#` fills it.
fn environment(bytes: &[u8], change: &dyn Fn(&str, Use) -> String) -> Vec<u8> {
    let len = bytes.len();
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'#').count();
    let text = bytes.get(..len.saturating_sub(padding)).unwrap_or(bytes);
    let mut new = lines::edit(text, |_, line| match line.strip_prefix("kernelopts=") {
        Some(value) => Line::Text(format!("kernelopts={}", change(value, Use::Entry))),
        None => Line::Keep,
    });
    if new.len() > len {
        return bytes.to_vec();
    }
    new.resize(len, b'#');
    new
}

/// Every kind of file over hostile text.
pub(crate) fn exercise(bytes: &[u8]) {
    use super::edit::arguments::{Fate, edit as edit_line};
    let kinds = [
        Kind::Grub,
        Kind::Bls,
        Kind::Environment,
        Kind::Settings,
        Kind::Whole,
        Kind::Syslinux,
        Kind::GrubLegacy,
    ];
    for kind in kinds {
        let same = edit(bytes, kind, &|line, _| line.to_owned());
        assert_eq!(same, bytes, "command lines that are kept stay");
        edit(bytes, kind, &|line, _| edit_line(line, |_| Fate::Gone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::edit::arguments::{Fate, edit as edit_line, insert};

    /// Takes `nopv` out, and puts `x=1` at the end of whole lines.
    fn changed(line: &str, own: Use) -> String {
        let line = edit_line(line, |own| match own.name.as_str() {
            "nopv" => Fate::Gone,
            _ => Fate::Keep,
        });
        match own {
            Use::Entry | Use::Default => insert(&line, "x=1", |_| false),
            Use::Part => line,
        }
    }

    fn check(kind: Kind, old: &str, expect: &str) {
        let new = edit(old.as_bytes(), kind, &changed);
        assert_eq!(String::from_utf8(new).unwrap(), expect);
    }

    #[test]
    fn each_kind_of_file_is_changed_in_its_command_lines_alone() {
        check(
            Kind::Grub,
            "menuentry 'nopv' {\n\tlinux\t/vmlinuz nopv ro\n  initrd /nopv\n}\nset kernelopts=\"nopv a\"\n\
             linux /v $kernelopts nopv\n",
            "menuentry 'nopv' {\n\tlinux\t/vmlinuz ro x=1\n  initrd /nopv\n}\nset kernelopts=\"a x=1\"\n\
             linux /v $kernelopts\n",
        );
        check(
            Kind::Bls,
            "title nopv\noptions root=a nopv\n",
            "title nopv\noptions root=a x=1\n",
        );
        check(
            Kind::Bls,
            "options a nopv $tuned_params\noptions $kernelopts nopv\n",
            "options a $tuned_params x=1\noptions $kernelopts\n",
        );
        check(
            Kind::Settings,
            "# nopv\nGRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX='a nopv'\nGRUB_CMDLINE_LINUX_DEFAULT=nopv\n",
            "# nopv\nGRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX='a x=1'\nGRUB_CMDLINE_LINUX_DEFAULT=\n",
        );
        check(
            Kind::Syslinux,
            "LABEL a\n  APPEND ro nopv\n",
            "LABEL a\n  APPEND ro x=1\n",
        );
        check(
            Kind::GrubLegacy,
            "# kopt=a nopv\ntitle x\n kernel /v ro nopv\n",
            "# kopt=a x=1\ntitle x\n kernel /v ro x=1\n",
        );
        check(Kind::Whole, "# nopv\na nopv\n", "# nopv\na x=1\n");
    }

    #[test]
    fn grubs_environment_keeps_its_length() {
        let mut old = b"# GRUB Environment Block\nkernelopts=a nopv\n".to_vec();
        old.resize(1024, b'#');
        let new = edit(&old, Kind::Environment, &changed);
        assert_eq!(new.len(), 1024);
        assert!(new.starts_with(b"# GRUB Environment Block\nkernelopts=a x=1\n####"));
        // What does not fit is left as it is.
        let tight = b"kernelopts=a";
        assert_eq!(edit(tight, Kind::Environment, &changed), tight);
    }
}

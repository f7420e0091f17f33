//! Other configuration that names disks: what new boot entries are made from, kdump, mdadm, LVM.

use detente_volume::FsError;

use super::draft::{Ask, Draft, Reason};
use super::edit::lines::{self, Line};
use super::edit::shell;
use super::stable_name::{is_unstable, stable_name};
use crate::check::{By, Finding};
use crate::facts::Facts;

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.grub.device-name",
    "linux.kdump.device-name",
    "linux.mdadm.device-name",
    "linux.lvm.devices-file",
    "linux.lvm.filter",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        match finding.rule {
            "linux.mdadm.device-name" => mdadm(draft, finding)?,
            "linux.lvm.devices-file" => devices_file(draft, finding)?,
            "linux.lvm.filter" => filter(draft, finding)?,
            _ => values(ask, draft, finding)?,
        }
    }
    Ok(())
}

/// Names disks by what is on them, in the values that were found.
fn values(ask: Ask<'_>, draft: &mut Draft<'_>, finding: &Finding) -> Result<(), FsError> {
    for proof in &finding.evidence {
        let (Some(path), Some(line)) = (&proof.file, proof.line) else {
            continue;
        };
        let why = Reason::new(
            finding.rule,
            format!("{path}:{line} names disks by what is on them."),
        );
        let stable = |text: &str| by_content(ask.facts, text);
        let is_setting = path.contains("/default/") || path.contains("/sysconfig/");
        let done = draft.edit(path, &why, |bytes| match is_setting {
            true => shell::edit(bytes, |own, value| {
                let new = stable(value);
                (own.line == line && new != value).then_some(new)
            }),
            false => lines::one(bytes, line, |text| Line::Text(stable(text))),
        })?;
        if !done && still(draft, path, line)? {
            let why = format!("{path}:{line}: the disk has no identity, or several could be meant");
            draft.leave(finding.rule, By::Hand, why);
        }
    }
    Ok(())
}

/// Whether a line names a disk as other hardware does not: an edit of another rule may have mended
/// it.
fn still(draft: &Draft<'_>, path: &str, line: u32) -> Result<bool, FsError> {
    let bytes = draft.bytes(path)?.unwrap_or_default();
    let mut found = false;
    lines::edit(&bytes, |number, text| {
        found |= number == line
            && words(text).any(|(at, end)| is_unstable(text.get(at..end).unwrap_or_default()));
        Line::Keep
    });
    Ok(found)
}

/// Where `/dev/…` stands in a text.
fn words(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.match_indices("/dev/").map(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        let is_end = |c: char| c.is_whitespace() || "\"'|,;=()[]*?$\\".contains(c);
        let len = rest.find(is_end).unwrap_or(rest.len());
        (at, at.saturating_add(len))
    })
}

/// The text with stable names. `root=`, `resume=` and kdump's lines of file systems take `UUID=`;
/// anything else gets a path.
fn by_content(facts: &Facts, text: &str) -> String {
    let (mut all, mut done) = (String::with_capacity(text.len()), 0_usize);
    for (at, end) in words(text) {
        let old = text.get(at..end).unwrap_or_default();
        let Some(new) = stable_name(facts, old).filter(|_| is_unstable(old) && at >= done) else {
            continue;
        };
        let before = text.get(..at).unwrap_or_default();
        let takes_tag = ["root=", "resume=", "boot="]
            .iter()
            .any(|own| before.ends_with(own))
            || is_file_system(before);
        all.push_str(text.get(done..at).unwrap_or_default());
        all.push_str(&if takes_tag { new.tag() } else { new.path() });
        done = end;
    }
    all.push_str(text.get(done..).unwrap_or_default());
    all
}

/// \[kdump.conf(5)\]: `ext4 UUID=…`.
fn is_file_system(before: &str) -> bool {
    ["ext2", "ext3", "ext4", "xfs", "btrfs", "minix"].contains(&before.trim())
}

fn mdadm(draft: &mut Draft<'_>, finding: &Finding) -> Result<(), FsError> {
    for proof in &finding.evidence {
        let (Some(path), Some(number)) = (&proof.file, proof.line) else {
            continue;
        };
        let why = Reason::new(finding.rule, "mdadm looks at every partition.");
        let mut inside = false;
        let done = draft.edit(path, &why, |bytes| {
            lines::edit(bytes, |own, text| {
                // A line that begins with a blank goes on with the one before.
                let goes_on = inside && text.starts_with([' ', '\t']);
                inside = own == number || goes_on;
                match (own == number, goes_on) {
                    (true, _) => Line::Text("DEVICE partitions".to_owned()),
                    (false, true) => Line::Gone,
                    (false, false) => Line::Keep,
                }
            })
        })?;
        if done {
            draft.rebuild_all(&why);
        }
    }
    Ok(())
}

/// LVM makes no use of a devices file that is not there, and looks at every disk.
fn devices_file(draft: &mut Draft<'_>, finding: &Finding) -> Result<(), FsError> {
    let why = Reason::new(
        finding.rule,
        "Without the devices file LVM looks at every disk, whatever hardware calls it; \
         `vgimportdevices -a` makes it anew.",
    );
    let mut paths: Vec<&str> = finding
        .evidence
        .iter()
        .filter_map(|own| own.file.as_deref())
        .collect();
    paths.dedup();
    for path in paths {
        draft.remove(path, &why)?;
        // dracut copies it.
        draft.rebuild_all(&why);
    }
    Ok(())
}

/// Filters are taken out by a `#` before each of their lines.
fn filter(draft: &mut Draft<'_>, finding: &Finding) -> Result<(), FsError> {
    let why = Reason::new(
        finding.rule,
        "The filter is taken out: LVM looks at every disk.",
    );
    for proof in &finding.evidence {
        let (Some(path), Some(number)) = (&proof.file, proof.line) else {
            continue;
        };
        let mut open = false;
        let done = draft.edit(path, &why, |bytes| {
            lines::edit(bytes, |own, text| {
                let own_line = own == number || open;
                if !own_line || text.trim_start().starts_with('#') {
                    return Line::Keep;
                }
                open = !text.contains(']') && (open || text.contains('['));
                Line::Text(commented(text))
            })
        })?;
        if done {
            draft.rebuild_all(&why);
        }
    }
    Ok(())
}

/// The line as a comment, with its indentation.
pub(crate) fn commented(text: &str) -> String {
    let body = text.trim_start();
    let indentation = text.strip_suffix(body).unwrap_or_default();
    format!("{indentation}# {body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_values() {
        let text = "a=/dev/sda1 b,/dev/vdb2;c \"/dev/x\"";
        let found: Vec<_> = words(text).map(|(at, end)| &text[at..end]).collect();
        assert_eq!(found, ["/dev/sda1", "/dev/vdb2", "/dev/x"]);
        assert!(is_file_system("ext4 ") && !is_file_system("raw "));
        assert_eq!(commented("\tfilter = 1"), "\t# filter = 1");
    }
}

//! fstab and crypttab: disks are named by what is on them.

use detente_volume::FsError;

use super::draft::{Ask, Draft, Reason};
use super::edit::fields;
use super::edit::lines::{self, Line};
use super::stable_name::{content, stable_name};
use crate::check::{By, Finding};
use crate::facts::Generator;

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.fstab.device-name",
    "linux.fstab.device-name-optional",
    "linux.fstab.device-order",
    "linux.fstab.hardware-path",
    "linux.multipath.mount-name",
    "linux.crypttab.device-name",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        for proof in &finding.evidence {
            let (Some(path), Some(old)) = (&proof.file, &proof.value) else {
                continue;
            };
            let fits = is_of_kind(ask, path, proof.line, old);
            let Some(new) = stable_name(ask.facts, old).filter(|_| fits) else {
                let why = format!(
                    "the image does not tell what {old} means: no such volume is here, it holds \
                     something else, or several disks could be meant"
                );
                draft.leave(finding.rule, By::Hand, why);
                continue;
            };
            let field = usize::from(finding.rule == "linux.crypttab.device-name");
            let why = Reason::new(
                finding.rule,
                format!(
                    "{old} becomes {}, which holds on every hardware.",
                    new.tag()
                ),
            );
            let done = draft.edit(path, &why, |bytes| named(bytes, field, old, &new.tag()))?;
            if done && is_in_initramfs(ask, finding) {
                draft.rebuild_all(&why);
            }
        }
    }
    Ok(())
}

/// Whether the volume that a name means holds what the line says: if not, another disk is meant,
/// which is not here.
fn is_of_kind(ask: Ask<'_>, path: &str, line: Option<u32>, name: &str) -> bool {
    let content = content(ask.facts, name).unwrap_or_default();
    if path.ends_with("crypttab") {
        return content == "luks";
    }
    let mut lines = ask.facts.fstab.iter();
    let Some(mount) = lines.find(|own| own.line == line) else {
        return false;
    };
    let extended = ["ext2", "ext3", "ext4"];
    match mount.kind.as_str() {
        "auto" => true,
        "vfat" | "msdos" => matches!(content, "fat" | "vfat"),
        kind if extended.contains(&kind) => extended.contains(&content),
        kind => kind.split(',').any(|kind| kind == content),
    }
}

/// The file with another name in a field, wherever the old one stands there.
fn named(bytes: &[u8], field: usize, old: &str, new: &str) -> Vec<u8> {
    lines::edit(bytes, |_, line| {
        if line.trim_start().starts_with('#') {
            return Line::Keep;
        }
        let all = fields::fields(line);
        let own = all.get(field).and_then(|own| line.get(own.clone()));
        if own != Some(old) {
            return Line::Keep;
        }
        fields::replace(line, field, new).map_or(Line::Keep, Line::Text)
    })
}

/// dracut and initramfs-tools copy crypttab, in an initramfs for one machine fstab too.
fn is_in_initramfs(ask: Ask<'_>, finding: &Finding) -> bool {
    let mut contents = ask
        .facts
        .initramfs_images
        .iter()
        .filter_map(|own| own.contents.as_ref());
    finding.rule == "linux.crypttab.device-name"
        && contents.any(|own| {
            matches!(
                own.generator,
                Generator::Dracut | Generator::InitramfsTools | Generator::Mkinitcpio
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_otherwise_and_nothing_else_changes() {
        let old = "# /dev/vda1 was the root\n/dev/vda1  /      ext4 defaults 0 1 # /dev/vda1\n\
                   /dev/vda10 /x ext4\n\t/dev/vda1\t/y\text4\n";
        let new = named(old.as_bytes(), 0, "/dev/vda1", "UUID=1234");
        assert_eq!(
            String::from_utf8(new).unwrap(),
            "# /dev/vda1 was the root\nUUID=1234  /      ext4 defaults 0 1 # /dev/vda1\n\
             /dev/vda10 /x ext4\n\tUUID=1234\t/y\text4\n"
        );
        let old = b"root /dev/sda3 none luks\n";
        let new = named(old, 1, "/dev/sda3", "UUID=5");
        assert_eq!(new, b"root UUID=5 none luks\n");
    }
}

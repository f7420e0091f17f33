//! Configuration that names storage, or depends on what the machine is like.

mod boot_defaults;
mod device_names;
mod kdump;
mod lvm;
mod multipath;
mod sysctl;
mod tables;

use detente_volume::FsError;

use crate::facts::{CryptMapping, Setting, StorageConfig};
use crate::files::Files;
use crate::settings::arguments::Arguments;
use crate::settings::ini::Ini;
use crate::settings::{drop_ins, lines, shell, udev};

/// What is resumed from.
const RESUME: [&str; 3] = ["resume", "resume_offset", "noresume"];
const HUGE_PAGES: [&str; 3] = ["hugepages", "hugepagesz", "default_hugepagesz"];

/// The configuration of storage.
pub(crate) fn gather(files: Files<'_>, arguments: &Arguments) -> Result<StorageConfig, FsError> {
    let (mut hugepages, sysctl) = sysctl::gather(files)?;
    hugepages.extend(arguments.named(&HUGE_PAGES));
    let fstab = tables::fstab(files)?;
    let mut found = StorageConfig {
        device_names: Vec::new(),
        kdump: kdump::gather(files, arguments)?,
        lvm: lvm::gather(files)?,
        crypttab: tables::crypttab(files)?,
        mdadm: tables::mdadm(files)?,
        multipath: multipath::gather(files)?,
        iscsi: iscsi(files)?,
        swap: swap(files, &fstab)?,
        resume: resume(files, arguments)?,
        hugepages,
        sysctl,
        boot_defaults: boot_defaults::gather(files)?,
        udev: rules(files)?,
    };
    found.device_names = names(&found, &fstab, arguments);
    found.device_names.extend(device_names::device_map(files)?);
    Ok(found)
}

/// Every device that is named as it is only on this machine.
fn names(found: &StorageConfig, fstab: &[Setting], arguments: &Arguments) -> Vec<Setting> {
    let mut all = Vec::new();
    let mut add = |what: &str, own: &Setting| all.extend(device_names::of(what, own));
    fstab.iter().for_each(|own| add("fstab", own));
    for own in &found.crypttab {
        add("crypttab", &device_of(own));
    }
    found.mdadm.iter().for_each(|own| add("mdadm", own));
    found.lvm.filters.iter().for_each(|own| add("lvm", own));
    found.resume.iter().for_each(|own| add("resume", own));
    found.boot_defaults.iter().for_each(|own| add("grub", own));
    if let Some(kdump) = &found.kdump {
        kdump.settings.iter().for_each(|own| add("kdump", own));
    }
    let arguments = arguments.all().iter();
    arguments
        .filter(|own| own.name != "resume")
        .for_each(|own| add("kernel-argument", own));
    all
}

fn device_of(own: &CryptMapping) -> Setting {
    Setting::new(&own.name, &own.device, own.at.clone())
}

/// The initiator's name, and the targets that were discovered.
fn iscsi(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let mut all = Vec::new();
    for (path, keys) in [
        ("/etc/iscsi/initiatorname.iscsi", ["InitiatorName", ""]),
        ("/etc/iscsi/iscsid.conf", ["node.startup", "iscsid.startup"]),
    ] {
        let text = files.text(path)?.unwrap_or_default();
        for (number, line) in lines(&text, &['#']) {
            if let Some((key, value)) = line.split_once('=')
                && keys.contains(&key.trim())
            {
                let at = crate::facts::Evidence::line(path, number);
                all.push(Setting::new(key.trim(), value.trim(), at));
            }
        }
    }
    for folder in ["/etc/iscsi/nodes", "/var/lib/iscsi/nodes"] {
        for target in files.list(folder)?.into_iter().take(256) {
            let at = crate::facts::Evidence::path(format!("{folder}/{target}"));
            all.push(Setting::new("node", target, at));
        }
    }
    Ok(all)
}

/// What fstab, units and zram's generator swap to.
fn swap(files: Files<'_>, fstab: &[Setting]) -> Result<Vec<Setting>, FsError> {
    let is_swap = |own: &&Setting| own.name == "swap";
    let mut all: Vec<Setting> = fstab.iter().filter(is_swap).cloned().collect();
    for path in drop_ins::folder(files, "/etc/systemd/system", ".swap")? {
        let unit = Ini::systemd(&path, &files.text(&path)?.unwrap_or_default());
        let what = unit.last("Swap", "What");
        all.extend(what.map(|own| Setting::new("unit", &own.value, own.at.clone())));
    }
    for path in [
        "/etc/systemd/zram-generator.conf",
        "/usr/lib/systemd/zram-generator.conf",
    ] {
        let file = Ini::systemd(path, &files.text(path)?.unwrap_or_default());
        for section in file
            .sections
            .iter()
            .filter(|own| own.name.starts_with("zram"))
        {
            let at = section
                .entries
                .first()
                .map_or_else(|| crate::facts::Evidence::path(path), |own| own.at.clone());
            all.push(Setting::new("zram", &section.name, at));
        }
    }
    Ok(all)
}

fn resume(files: Files<'_>, arguments: &Arguments) -> Result<Vec<Setting>, FsError> {
    let mut all = arguments.named(&RESUME);
    let folder = "/etc/initramfs-tools/conf.d";
    let mut paths = vec!["/etc/initramfs-tools/initramfs.conf".to_owned()];
    paths.extend(drop_ins::folder(files, folder, "")?);
    for path in paths {
        let settings = shell::parse(&path, &files.text(&path)?.unwrap_or_default());
        all.extend(settings.into_iter().filter(|own| own.name == "RESUME"));
    }
    Ok(all)
}

/// The guest's own rules of udev that are about block devices.
fn rules(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let mut all = Vec::new();
    for path in drop_ins::folder(files, "/etc/udev/rules.d", ".rules")? {
        let text = files.text(&path)?.unwrap_or_default();
        for rule in udev::parse(&path, &text) {
            let is_disk = rule.compared("SUBSYSTEM") == Some("block")
                || rule
                    .compared("KERNEL")
                    .is_some_and(device_names::is_disk_pattern)
                || rule.compared("SUBSYSTEM") == Some("scsi");
            if is_disk && all.len() < 1024 {
                all.push(Setting::new("udev", rule.text, rule.at));
            }
        }
    }
    Ok(all)
}

pub(crate) fn exercise(text: &str) {
    tables::exercise(text);
    lvm::exercise(text);
    multipath::exercise(text);
    kdump::exercise(text);
    sysctl::exercise(text);
    device_names::exercise(text);
}

#[cfg(test)]
mod tests;

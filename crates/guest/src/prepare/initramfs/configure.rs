//! The configuration of the programs that make initramfs files names the drivers of every world.

use std::collections::BTreeSet;

use detente_volume::FsError;

use super::generators;
use crate::facts::{Builder, BuilderSetting, DriverState, Facts, Generator};
use crate::files::Files;
use crate::modules::module_name;
use crate::prepare::draft::{Ask, Draft, Reason};
use crate::prepare::edit::{lines, shell};
use crate::prepare::guest_tree::has_program;

/// Ours. \[dracut.conf(5)\] It is read after those of lower numbers, and `+=` adds to what they say.
const DRACUT: &str = "/etc/dracut.conf.d/90-detente.conf";
/// \[initramfs-tools(7)\] A module a line.
const INITRAMFS_TOOLS: &str = "/etc/initramfs-tools/modules";
const MKINITCPIO: &str = "/etc/mkinitcpio.conf";
const MKINITFS: &str = "/etc/mkinitfs/mkinitfs.conf";
/// A feature of ours: files of modules, as patterns below the folder of a kernel.
const FEATURE: &str = "/etc/mkinitfs/features.d/detente.modules";
const SUSE: &str = "/etc/sysconfig/kernel";
/// A list of all modules of a kernel is a tenth of that.
const MAX_DEPENDENCIES_BYTES: u64 = 16 << 20;

/// Names the drivers for every initramfs to come, with each program that is in use.
pub(super) fn all(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    let mut used = generators(ask.facts);
    if used.iter().all(|own| *own == Generator::Unknown) {
        // Damaged ones do not say.
        used = installed(ask)?;
    }
    for generator in used {
        match generator {
            Generator::Dracut => dracut(ask, draft, wanted, why)?,
            Generator::InitramfsTools => initramfs_tools(ask, draft, wanted, why)?,
            Generator::Mkinitcpio => mkinitcpio(ask, draft, wanted, why)?,
            Generator::Mkinitfs => mkinitfs(ask, draft, wanted, why)?,
            Generator::SuseMkinitrd => suse(ask, draft, wanted, why)?,
            // Its drivers are named when it is called.
            Generator::Mkinitrd | Generator::Booster | Generator::Unknown => {}
        }
    }
    Ok(())
}

fn installed(ask: Ask<'_>) -> Result<Vec<Generator>, FsError> {
    let known = [
        ("update-initramfs", Generator::InitramfsTools),
        ("dracut", Generator::Dracut),
        ("mkinitcpio", Generator::Mkinitcpio),
        ("mkinitfs", Generator::Mkinitfs),
    ];
    for (program, generator) in known {
        if has_program(ask.files, program)? {
            return Ok(vec![generator]);
        }
    }
    Ok(Vec::new())
}

/// The drivers that no setting names yet.
fn unnamed(facts: &Facts, wanted: &[String], builder: Builder, names: &[&str]) -> Vec<String> {
    let settings = &facts.module_settings.builders;
    let says = |own: &BuilderSetting, module: &String| {
        own.builder == builder
            && names.contains(&own.name.as_str())
            && own
                .values
                .iter()
                .any(|value| value.replace('-', "_") == *module)
    };
    let is_new = |module: &&String| !settings.iter().any(|own| says(own, module));
    wanted.iter().filter(is_new).cloned().collect()
}

fn dracut(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    omitted(ask, draft, wanted, why)?;
    let names = ["add_drivers", "force_drivers"];
    if unnamed(ask.facts, wanted, Builder::Dracut, &names).is_empty() {
        return Ok(());
    }
    let modules = wanted.join(" ");
    // The blanks inside the quotes part the names from those of other files.
    let text = format!(
        "# Written by `detente prepare`: drivers of every machine that this guest is to run on.\n\
         add_drivers+=\" {modules} \"\n"
    );
    draft.write(DRACUT, text.into_bytes(), why)
}

/// Takes the drivers of the asked hardware, and what they need, out of `omit_drivers`.
fn omitted(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    let hardware = ask.profiles().iter().flat_map(|own| own.disk_modules());
    let mut needed: BTreeSet<String> = hardware.map(|own| (*own).to_owned()).collect();
    needed.extend(wanted.iter().cloned());
    for kernel in &ask.facts.kernels {
        if let Some(folder) = &kernel.modules_folder {
            let more = dependencies(ask.files, folder, &needed)?;
            needed.extend(more);
        }
    }
    let proofs = ask
        .of("linux.initramfs.driver-omitted")
        .flat_map(|own| &own.evidence);
    for path in proofs.filter_map(|own| own.file.as_deref()) {
        // A file of the same name in /etc hides what a package brings.
        let own = match path.strip_prefix("/usr/lib/dracut/") {
            Some(rest) => format!("/etc/{rest}"),
            None => path.to_owned(),
        };
        let old = match draft.bytes(&own)? {
            Some(bytes) => bytes,
            None => draft.bytes(path)?.unwrap_or_default(),
        };
        let new = shell::edit(&old, |own, value| {
            let kept = |word: &&str| !needed.contains(&word.replace('-', "_"));
            let words: Vec<&str> = value.split_whitespace().filter(kept).collect();
            let fewer = words.len() < value.split_whitespace().count();
            (own.name == "omit_drivers" && fewer).then(|| format!(" {} ", words.join(" ")))
        });
        if new != old {
            draft.write(&own, new, why)?;
        }
    }
    Ok(())
}

/// \[modules.dep(5)\] What modules need, directly or not: each line has all of it.
fn dependencies(
    files: Files<'_>,
    folder: &str,
    of: &BTreeSet<String>,
) -> Result<Vec<String>, FsError> {
    let bytes = files.read(&format!("{folder}/modules.dep"), MAX_DEPENDENCIES_BYTES)?;
    let bytes = bytes.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let own = lines.filter(|(path, _)| module_name(path).is_some_and(|name| of.contains(&name)));
    let needs = own.flat_map(|(_, needs)| needs.split_whitespace());
    Ok(needs.filter_map(module_name).collect())
}

fn initramfs_tools(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    let new = unnamed(ask.facts, wanted, Builder::InitramfsTools, &["modules"]);
    if new.is_empty() {
        return Ok(());
    }
    let old = draft.bytes(INITRAMFS_TOOLS)?.unwrap_or_default();
    let head =
        "# Added by `detente prepare`: drivers of every machine that this guest is to run on.";
    let mut more = vec![head.to_owned()];
    more.extend(new);
    draft.write(INITRAMFS_TOOLS, lines::append(&old, &more), why)
}

fn mkinitcpio(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    let new = unnamed(ask.facts, wanted, Builder::Mkinitcpio, &["MODULES"]).join(" ");
    if new.is_empty() {
        return Ok(());
    }
    let mut found = false;
    let done = draft.edit(MKINITCPIO, why, |bytes| {
        shell::edit(bytes, |own, value| {
            found |= own.name == "MODULES";
            (own.name == "MODULES").then(|| added(value, &new))
        })
    })?;
    if !done && !found {
        let old = draft.bytes(MKINITCPIO)?.unwrap_or_default();
        let line = format!("MODULES=({new})");
        draft.write(MKINITCPIO, lines::append(&old, &[line]), why)?;
    }
    Ok(())
}

fn added(value: &str, new: &str) -> String {
    match value.trim_end() {
        "" => new.to_owned(),
        old => format!("{old} {new}"),
    }
}

/// Alpine: a feature of ours with the files of the modules, beside those that are configured.
fn mkinitfs(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    let files: Vec<String> = wanted
        .iter()
        .filter_map(|own| pattern(ask.facts, own))
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    draft.write(FEATURE, lines::append(b"", &files), why)?;
    draft.edit(MKINITFS, why, |bytes| {
        shell::edit(bytes, |own, value| {
            let is_there = value.split_whitespace().any(|word| word == "detente");
            (own.name == "features" && !is_there).then(|| added(value, "detente"))
        })
    })?;
    Ok(())
}

/// `kernel/drivers/hv/hv_vmbus.ko*`: whatever it is compressed by.
fn pattern(facts: &Facts, module: &str) -> Option<String> {
    facts
        .kernels
        .iter()
        .find_map(|kernel| match kernel.driver(module) {
            DriverState::Module { path, .. } => {
                let (stem, _) = path.split_once(".ko")?;
                Some(format!("{stem}.ko*"))
            }
            DriverState::Builtin { .. } | DriverState::Missing { .. } | DriverState::Unknown => {
                None
            }
        })
}

fn suse(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    let new = unnamed(
        ask.facts,
        wanted,
        Builder::SuseMkinitrd,
        &["INITRD_MODULES"],
    )
    .join(" ");
    if new.is_empty() {
        return Ok(());
    }
    draft.edit(SUSE, why, |bytes| {
        shell::edit(bytes, |own, value| {
            (own.name == "INITRD_MODULES").then(|| added(value, &new))
        })
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    #[test]
    fn what_a_driver_needs_is_needed_too() {
        let list = "kernel/drivers/virtio/virtio_pci.ko.xz: kernel/a/virtio-pci-modern-dev.ko.xz \
                    kernel/a/virtio.ko.xz\nkernel/x/other.ko: kernel/x/more.ko\n\
                    kernel/x/virtio_blk.ko:\n";
        let fs = Memory::new().file("/usr/lib/modules/6/modules.dep", list);
        let of = ["virtio_pci", "virtio_blk"].map(str::to_owned).into();
        let found = dependencies(fs.files(), "/usr/lib/modules/6", &of).unwrap();
        assert_eq!(found, ["virtio_pci_modern_dev", "virtio"]);
        assert!(dependencies(fs.files(), "/none", &of).unwrap().is_empty());
    }
}

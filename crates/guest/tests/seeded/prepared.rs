//! Plans are carried out on the seeded guests: the finding is gone, or the plan says why it stays.
//!
//! Files are written and removed as a step says. Of the guest's own programs only what their manuals
//! promise is done: an initramfs builder puts in what was there and what its configuration names,
//! systemctl makes and takes links. Whether the real ones do so is shown by booting guests.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use detente_guest::check::{By, Profile, Readiness, check};
use detente_guest::prepare::{Change, FileState, KnownMac, Options, Plan, Tool, plan};
use detente_guest::{Guest, inspect};

use crate::machine::Machine;
use crate::seed::Seed;
use crate::shapes::DRIVERS;
use crate::{judge, schema, seeds};

/// Rules of which the seed's fault cannot be mended, and a part of the reason that the plan gives.
const LEFT: &[(&str, &str)] = &[
    // The disk that is named is not in the image.
    ("linux.fstab.device-name", "no such volume is here"),
    ("linux.fstab.device-name-optional", "no such volume is here"),
    ("linux.fstab.device-order", "no such volume is here"),
    ("linux.fstab.hardware-path", "no such volume is here"),
    ("linux.multipath.mount-name", "no such volume is here"),
    ("linux.crypttab.device-name", "no such volume is here"),
    (
        "linux.boot.resume-device-name",
        "or the disk has no identity",
    ),
    ("linux.kdump.device-name", "several could be meant"),
    // The address of a second card, or of one that nothing else speaks of.
    ("linux.network.interface-name-of-one", "--mac ens4="),
    ("linux.network.port-name", "--mac enp1s0="),
    ("linux.arguments.interface-name", "--mac ens3="),
    // These images have no package database.
    ("linux.agents.hyperv-missing", "no package manager"),
    ("linux.agents.qemu-missing", "no package manager"),
    // No line of chrony's serves both worlds.
    // These images have no loader but the one that was taken away.
    (
        "linux.firmware.fallback-leads-nowhere",
        "no loader of the distribution's own",
    ),
    // The partition table is no file.
    ("linux.firmware.no-active-partition", "sfdisk"),
];

macro_rules! mended {
    ($($name:ident: $seeds:path;)*) => {$(
        #[test]
        fn $name() {
            all_are_mended(stringify!($name), $seeds);
        }
    )*};
}

mended! {
    prepare_mends_initramfs_files: seeds::initramfs::SEEDS;
    prepare_mends_refused_drivers: seeds::refused::SEEDS;
    prepare_mends_names_of_disks: seeds::disks::SEEDS;
    prepare_mends_lvm: seeds::volumes::SEEDS;
    prepare_mends_the_network: seeds::network::SEEDS;
    prepare_mends_the_firmware: seeds::firmware::SEEDS;
    prepare_mends_arguments_and_consoles: seeds::arguments::SEEDS;
    prepare_mends_agents_or_says_why_not: seeds::services::SEEDS;
}

fn all_are_mended(test: &str, seeds: &[Seed]) {
    if !judge::can_make(test) {
        return;
    }
    let mut wrong = String::new();
    for seed in seeds {
        let by = detente_guest::check::rule(seed.rule).map(|rule| rule.by);
        if by != Some(By::Prepare) {
            continue;
        }
        let mut machine = (seed.base)();
        (seed.change)(&mut machine);
        if let Err(error) = is_mended(seed.rule, machine) {
            writeln!(wrong, "{}: {error}", seed.rule).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn is_mended(rule: &str, mut machine: Machine) -> Result<(), String> {
    with_tools(&mut machine);
    let (plan, after) = prepared(&mut machine, &options())?;
    let found = after.findings.iter().find(|own| own.rule == rule);
    let why = LEFT
        .iter()
        .find(|(own, _)| *own == rule)
        .map(|(_, why)| *why);
    match (found, why) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err("it is mended after all".to_owned()),
        (Some(found), None) => Err(format!("still there: {:?}\n{plan:#?}", found.evidence)),
        (Some(_), Some(why)) => {
            let said = plan
                .left
                .iter()
                .any(|own| own.rule == rule && own.why.contains(why));
            let left = &plan.left;
            said.then_some(())
                .ok_or_else(|| format!("not said why: {left:#?}"))
        }
    }
}

/// For all hardware; the machine's one card is known.
pub(crate) fn options() -> Options {
    Options {
        profiles: Profile::ALL.to_vec(),
        macs: vec![KnownMac {
            name: None,
            mac: "52:54:00:12:34:56".parse().unwrap(),
        }],
        packages: Vec::new(),
    }
}

/// Plans, carries the plan out, and looks again.
pub(crate) fn prepared(
    machine: &mut Machine,
    options: &Options,
) -> Result<(Plan, Readiness), String> {
    let (plan, mut changed) = {
        let place = tempfile::tempdir().unwrap();
        let guest = looked_at(machine, place.path())?;
        let readiness = check(guest.facts(), &options.profiles);
        let plan = plan(&guest, &readiness, options).map_err(|error| format!("{error:?}"))?;
        fits_schema(&plan);
        let mut changed = machine.clone();
        for step in &plan.steps {
            carry_out(&guest, &step.change, &mut changed);
        }
        (plan, changed)
    };
    std::mem::swap(machine, &mut changed);
    let place = tempfile::tempdir().unwrap();
    let guest = looked_at(machine, place.path())?;
    let readiness = check(guest.facts(), &options.profiles);
    Ok((plan, readiness))
}

fn looked_at(machine: &Machine, place: &std::path::Path) -> Result<Guest, String> {
    let options = detente_guest::Options {
        initramfs_contents: true,
        packages: false,
    };
    inspect(&machine.disks(place), options).map_err(|error| format!("not inspected: {error}"))
}

/// The programs that plans call; the trees have none.
pub(crate) fn with_tools(machine: &mut Machine) {
    let builder = match machine.initramfs[0].as_str() {
        path if path.contains("initrd.img") => "update-initramfs",
        path if path.contains("arch") => "mkinitcpio",
        path if path.contains("-lts") => "mkinitfs",
        _ => "dracut",
    };
    for name in [
        builder,
        "grub-mkconfig",
        "kdumpctl",
        "systemctl",
        "rc-update",
        "restorecon",
    ] {
        machine.put(&format!("usr/sbin/{name}"), "#!");
    }
}

fn carry_out(guest: &Guest, change: &Change, machine: &mut Machine) {
    match change {
        Change::Write {
            path,
            content,
            before,
            ..
        } => {
            let is_there = guest.tree().metadata(path).is_ok();
            assert_eq!(matches!(before, FileState::File(_)), is_there, "{path}");
            let bytes = guest.content(content).unwrap();
            match path.strip_prefix("/boot/efi/") {
                Some(path) => machine.on_esp(|esp| esp.file(path, &bytes)),
                None => machine.put(path.trim_start_matches('/'), bytes),
            }
        }
        Change::Remove { path, .. } => machine.remove(path.trim_start_matches('/')),
        Change::Run { tool, .. } => run(guest, tool, machine),
    }
}

fn run(guest: &Guest, tool: &Tool, machine: &mut Machine) {
    match tool {
        Tool::Dracut { kernel, .. }
        | Tool::UpdateInitramfs { kernel }
        | Tool::NewInitramfs { kernel }
        | Tool::Mkinitcpio { kernel, .. }
        | Tool::Mkinitfs { kernel, .. } => build(guest, kernel, machine),
        Tool::Kdump => {
            let paths = guest.facts().initramfs_images.iter();
            let dumps = paths.filter(|own| own.place.path.contains("kdump"));
            let paths: Vec<String> = dumps.map(|own| own.place.path.clone()).collect();
            for path in paths {
                let bytes = (machine.maker)(machine.releases[0], &configured(machine));
                machine.put(path.trim_start_matches('/'), bytes);
            }
        }
        Tool::GrubMkconfig { .. } => menu(machine),
        Tool::Relabel { .. } => (),
        Tool::EnableUnit { unit } => {
            let target = format!("/usr/lib/systemd/system/{unit}");
            let link = format!("etc/systemd/system/multi-user.target.wants/{unit}");
            machine.root = std::mem::take(&mut machine.root).link(&link, &target);
        }
        Tool::UnmaskUnit { unit } => machine.remove(&format!("etc/systemd/system/{unit}")),
        // What is in packages is theirs.
        Tool::InstallPackages { .. } => (),
        other => panic!("no seed needs {other:?}"),
    }
}

/// The drivers that the builder's configuration names.
fn configured(machine: &Machine) -> Vec<&'static str> {
    let files = [
        "etc/dracut.conf.d/90-detente.conf",
        "etc/dracut.conf.d/both.conf",
        "etc/initramfs-tools/modules",
        "etc/mkinitcpio.conf",
        "etc/mkinitfs/features.d/detente.modules",
    ];
    let texts: String = files
        .iter()
        .filter(|path| machine.root.has(path))
        .map(|path| machine.root.text(path))
        .collect();
    let words: BTreeSet<&str> = texts
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    DRIVERS
        .iter()
        .filter(|own| words.contains(*own))
        .copied()
        .collect()
}

/// What was there, and what is named.
fn build(guest: &Guest, kernel: &str, machine: &mut Machine) {
    let Some(index) = machine.releases.iter().position(|own| *own == kernel) else {
        panic!("no kernel {kernel}");
    };
    let path = machine.initramfs[index].clone();
    let images = guest.facts().initramfs_images.iter();
    let mut old = images.filter(|own| own.place.path.trim_start_matches('/') == path);
    let old = old.next().and_then(|own| own.contents.as_ref());
    let mut modules = configured(machine);
    let held = |own: &&&str| old.is_some_and(|old| old.holds(own));
    modules.extend(DRIVERS.iter().filter(held));
    let bytes = (machine.maker)(machine.releases[index], &modules);
    machine.put(&path, bytes);
}

/// \[grub-mkconfig(8)\] An entry loads the initramfs that is there for its kernel.
fn menu(machine: &mut Machine) {
    let (menu, image) = (machine.menu, machine.initramfs[0].clone());
    let text = machine.root.text(menu);
    let starts = |line: &&str| line.starts_with("\tlinux") && line.contains(machine.releases[0]);
    let kernel = text.lines().find(starts).unwrap();
    let with = format!("{kernel}\n\tinitrd /{image}");
    machine.replace(menu, kernel, &with);
}

/// Every plan is what the committed schema says, and comes back from its JSON.
fn fits_schema(plan: &Plan) {
    let schema = include_str!("../../../../docs/schemas/prepare-plan-1.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let value = serde_json::to_value(plan).unwrap();
    assert_eq!(schema::misfit(&schema, &schema, &value, "plan"), None);
    assert_eq!(serde_json::from_value::<Plan>(value).unwrap(), *plan);
}

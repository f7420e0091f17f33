//! Kernel arguments: what meant other hardware is taken out, disks are named by what is on them,
//! consoles are there for both worlds. Every entry is changed, and what new ones are made from.

use detente_volume::FsError;

use super::command_lines::{Use, change};
use super::draft::{Ask, Draft, Reason};
use super::edit::arguments::{self, Argument, Fate};
use super::edit::shell;
use super::stable_name::{content, is_unstable, partition_name, stable_name};
use crate::check::{By, Finding};
use crate::facts::EntryKind;

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.arguments.acpi-off",
    "linux.arguments.nopv",
    "linux.arguments.clocksource",
    "linux.arguments.tsc",
    "linux.arguments.apic",
    "linux.arguments.prefer-emulated-disk",
    "linux.arguments.storage-driver-refused",
    "linux.arguments.network-driver-refused",
    "linux.console.serial-only",
    "linux.console.foreign-device",
    "linux.console.no-serial",
    "linux.boot.root-device-name",
    "linux.boot.root-device-name-in-other-entry",
    "linux.boot.fips-device-name",
    "linux.boot.resume-device-name",
    "linux.multipath.root-name",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        let done = match finding.rule {
            "linux.arguments.acpi-off"
            | "linux.arguments.nopv"
            | "linux.arguments.clocksource"
            | "linux.arguments.tsc"
            | "linux.arguments.apic"
            | "linux.arguments.prefer-emulated-disk" => take_out(ask, draft, finding)?,
            "linux.arguments.storage-driver-refused" | "linux.arguments.network-driver-refused" => {
                allow(ask, draft, finding)?
            }
            "linux.console.serial-only" => {
                let why = Reason::new(finding.rule, "console=tty0 is put before the serial port.");
                change(ask, draft, &why, &with_screen)?
            }
            "linux.console.foreign-device" => {
                let why = "What KVM alone has as a console becomes a serial port and the screen.";
                change(ask, draft, &Reason::new(finding.rule, why), &without_hvc)?
            }
            "linux.console.no-serial" => {
                let why = "A serial port is a console as well; the screen stays the last one.";
                change(ask, draft, &Reason::new(finding.rule, why), &with_serial)?
            }
            _ => by_content(ask, draft, finding)?,
        };
        if !done {
            draft.leave(
                finding.rule,
                By::Hand,
                "the command line is in no file that the running guest could change (a unified \
                 kernel image, a volume that is not mounted), or the disk has no identity",
            );
        }
    }
    Ok(())
}

/// Takes the arguments that were found out.
fn take_out(ask: Ask<'_>, draft: &mut Draft<'_>, finding: &Finding) -> Result<bool, FsError> {
    let found: Vec<(String, String)> = finding.evidence.iter().filter_map(pair).collect();
    let words: Vec<String> = found
        .iter()
        .map(|(name, value)| match value.as_str() {
            "" => name.clone(),
            value => format!("{name}={value}"),
        })
        .collect();
    let why = Reason::new(
        finding.rule,
        format!("{} is taken out: {}.", words.join(", "), finding.title),
    );
    change(ask, draft, &why, &|line, _| {
        arguments::edit(line, |own| {
            let value = own.value.clone().unwrap_or_default();
            if !found.contains(&(own.name.clone(), value)) {
                return Fate::Keep;
            }
            match own.name.as_str() {
                "pci" => without(own, &["noacpi", "nomsi"]),
                _ => Fate::Gone,
            }
        })
    })
}

fn pair(proof: &crate::check::Proof) -> Option<(String, String)> {
    Some((proof.key.clone()?, proof.value.clone().unwrap_or_default()))
}

/// The argument without some words of its list.
fn without(own: &Argument, words: &[&str]) -> Fate {
    let list = own.value.as_deref().unwrap_or_default().split(',');
    let is_kept = |word: &&str| !words.contains(&word.trim().replace('-', "_").as_str());
    let kept: Vec<&str> = list.filter(is_kept).collect();
    match kept.is_empty() {
        true => Fate::Gone,
        false => Fate::Text(format!("{}={}", own.name, kept.join(","))),
    }
}

/// Takes drivers out of lists of those that are not to be loaded.
fn allow(ask: Ask<'_>, draft: &mut Draft<'_>, finding: &Finding) -> Result<bool, FsError> {
    let names: Vec<&str> = finding
        .evidence
        .iter()
        .filter_map(|own| own.key.as_deref())
        .collect();
    let profiles = ask.profiles().iter();
    let needed: Vec<&str> = profiles
        .flat_map(|own| own.disk_modules().iter().chain(own.network_modules()))
        .copied()
        .collect();
    let why = Reason::new(
        finding.rule,
        format!(
            "Drivers that the hardware needs are taken out of {}.",
            names.join(", ")
        ),
    );
    change(ask, draft, &why, &|line, _| {
        arguments::edit(line, |own| {
            let list = own.value.as_deref().unwrap_or_default();
            let refuses = list
                .split(',')
                .any(|word| needed.contains(&word.trim().replace('-', "_").as_str()));
            match names.contains(&own.name.as_str()) && refuses {
                true => without(own, &needed),
                false => Fate::Keep,
            }
        })
    })
}

fn device(own: &Argument) -> &str {
    match own.name.as_str() {
        "console" => own
            .value
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .next()
            .unwrap_or_default(),
        _ => "",
    }
}

fn is_console(own: &Argument) -> bool {
    !device(own).is_empty()
}

fn has(line: &str, wanted: impl Fn(&str) -> bool) -> bool {
    arguments::arguments(line)
        .iter()
        .any(|own| wanted(device(own)))
}

/// The screen before serial ports.
fn with_screen(line: &str, _: Use) -> String {
    let serial = has(line, |own| own.starts_with("ttyS"));
    if !serial
        || has(line, |own| {
            own.starts_with("tty") && !own.starts_with("ttyS")
        })
    {
        return line.to_owned();
    }
    arguments::insert(line, "console=tty0", is_console)
}

/// A serial port before the screen.
fn with_serial(line: &str, own: Use) -> String {
    if has(line, |own| {
        own.starts_with("ttyS") || own.starts_with("hvc")
    }) {
        return line.to_owned();
    }
    let is_screen = |own: &Argument| device(own).starts_with("tty");
    let has_screen = has(line, |own| own.starts_with("tty"));
    match (own, has_screen) {
        (_, true) => arguments::insert(line, "console=ttyS0,115200", is_screen),
        (Use::Entry | Use::Default, false) => {
            arguments::insert(line, "console=ttyS0,115200 console=tty0", is_screen)
        }
        (Use::Part, false) => line.to_owned(),
    }
}

/// `hvc0` becomes a serial port, with the screen behind it.
fn without_hvc(line: &str, _: Use) -> String {
    let is_foreign = |own: &str| own.starts_with("hvc") || own.starts_with("xvc");
    if !has(line, is_foreign) {
        return line.to_owned();
    }
    let mut serial = has(line, |own| own.starts_with("ttyS"));
    let mut new = arguments::edit(line, |own| {
        if !is_foreign(device(own)) {
            return Fate::Keep;
        }
        if serial {
            return Fate::Gone;
        }
        serial = true;
        Fate::Text("console=ttyS0,115200".to_owned())
    });
    if !has(&new, |own| {
        own.starts_with("tty") && !own.starts_with("ttyS")
    }) {
        new = arguments::insert(&new, "console=tty0", |_| false);
    }
    new
}

/// Names disks by what is on them.
fn by_content(ask: Ask<'_>, draft: &mut Draft<'_>, finding: &Finding) -> Result<bool, FsError> {
    let facts = ask.facts;
    // The kernel by itself knows partitions, and no file systems.
    let alone =
        facts.boot.entries.iter().any(
            |own| matches!(&own.kind, EntryKind::Linux { initramfs, .. } if initramfs.is_empty()),
        );
    // What is resumed from is swapped to: anything else is another disk, which is not here.
    let resumes = finding.rule == "linux.boot.resume-device-name";
    let stable = |name: &str| match alone {
        _ if resumes && content(facts, name) != Some("swap") => None,
        true => partition_name(facts, name),
        false => stable_name(facts, name),
    };
    let names: &[&str] = match finding.rule {
        "linux.boot.fips-device-name" => &["boot"],
        "linux.boot.resume-device-name" => &["resume"],
        _ => &["root"],
    };
    let shown = finding
        .evidence
        .iter()
        .filter_map(|own| own.value.as_deref());
    let shown: Vec<String> = shown
        .filter_map(|old| Some(format!("{old} becomes {}", stable(device_of(old))?.tag())))
        .collect();
    let why = Reason::new(finding.rule, format!("{}.", shown.join(", ")));
    let renamed = |own: &Argument| {
        let value = own.value.as_deref().unwrap_or_default();
        match names.contains(&own.name.as_str()) && is_unstable(value) {
            true => stable(value).map(|new| format!("{}={}", own.name, new.tag())),
            false => None,
        }
    };
    let mut done = change(ask, draft, &why, &|line, _| {
        arguments::edit(line, |own| renamed(own).map_or(Fate::Keep, Fate::Text))
    })?;
    match finding.rule {
        "linux.boot.resume-device-name" => done |= resume_files(ask, draft, finding, &why)?,
        "linux.boot.root-device-name" | "linux.boot.root-device-name-in-other-entry" => {
            by_grub(draft, &why)?;
        }
        _ => {}
    }
    if done && is_inside(ask) {
        draft.rebuild_all(&why);
    }
    Ok(done)
}

/// `/dev/sda2` of `RESUME=/dev/sda2`.
fn device_of(value: &str) -> &str {
    value
        .find("/dev/")
        .and_then(|at| value.get(at..))
        .unwrap_or(value)
}

/// What initramfs-tools resume from.
fn resume_files(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    finding: &Finding,
    why: &Reason,
) -> Result<bool, FsError> {
    let mut any = false;
    for path in finding
        .evidence
        .iter()
        .filter_map(|own| own.file.as_deref())
    {
        if !path.starts_with("/etc/initramfs-tools/") {
            continue;
        }
        let changed = draft.edit(path, why, |bytes| {
            shell::edit(bytes, |own, value| {
                let swaps = content(ask.facts, value) == Some("swap");
                let wanted = own.name == "RESUME" && is_unstable(value) && swaps;
                let new = stable_name(ask.facts, value).filter(|_| wanted)?;
                Some(new.tag())
            })
        })?;
        if changed {
            draft.rebuild_all(why);
        }
        any |= changed;
    }
    Ok(any)
}

/// A GRUB that is told to name the root by its device does so in the next menu again.
fn by_grub(draft: &mut Draft<'_>, why: &Reason) -> Result<bool, FsError> {
    draft.edit("/etc/default/grub", why, |bytes| {
        shell::edit(bytes, |own, value| {
            let told = own.name == "GRUB_DISABLE_LINUX_UUID" && value == "true";
            told.then(|| "false".to_owned())
        })
    })
}

/// Whether a host-only initramfs has the old name in it.
fn is_inside(ask: Ask<'_>) -> bool {
    let images = ask.facts.initramfs_images.iter();
    let mut lines = images
        .filter_map(|image| image.contents.as_ref())
        .flat_map(|contents| &contents.command_lines);
    lines.any(|line| {
        line.text
            .split_whitespace()
            .any(|word| is_unstable(device_of(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consoles_for_both_worlds() {
        let check = |f: fn(&str, Use) -> String, line: &str, expect: &str| {
            assert_eq!(f(line, Use::Entry), expect, "{line}");
        };
        check(
            with_screen,
            "ro console=ttyS0,115200 quiet",
            "ro console=tty0 console=ttyS0,115200 quiet",
        );
        check(
            with_screen,
            "console=ttyS0 console=tty1",
            "console=ttyS0 console=tty1",
        );
        check(
            with_serial,
            "ro console=tty0",
            "ro console=ttyS0,115200 console=tty0",
        );
        check(
            with_serial,
            "ro quiet",
            "ro quiet console=ttyS0,115200 console=tty0",
        );
        check(with_serial, "ro console=hvc0", "ro console=hvc0");
        check(
            without_hvc,
            "ro console=hvc0",
            "ro console=ttyS0,115200 console=tty0",
        );
        check(
            without_hvc,
            "ro console=tty0 console=ttyS0 console=hvc0",
            "ro console=tty0 console=ttyS0",
        );
    }
}

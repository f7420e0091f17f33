//! systemd-boot: `loader.conf`, entries of the Boot Loader Specification, unified kernel images.

use super::bls::{self, BlsEntry, menu_order};
use super::model::{Candidate, FileRef, Found, LinuxStart, Start};
use super::uki;
use crate::error::{BootProblem, InspectError};
use crate::facts::{DefaultReason, Loader, Place, VolumeId};
use crate::volumes::{Held, Volumes};

/// A longer `loader.conf` is not read.
const MAX_CONF_BYTES: u64 = 64 * 1024;

/// Finds systemd-boot on an ESP.
pub(super) fn find(volumes: &Volumes) -> Result<Option<Found>, InspectError> {
    let mut homes: Vec<VolumeId> = Vec::new();
    let mut config = None;
    for esp in volumes.readable().filter(|held| held.is_esp()) {
        if !volumes.list(esp.id, "/EFI/systemd")?.is_empty()
            || volumes.kind(esp.id, "/loader/loader.conf")?.is_some()
            || !volumes.list(esp.id, "/loader/entries")?.is_empty()
        {
            homes.push(esp.id);
            config.get_or_insert(Place {
                volume: esp.id,
                path: "/loader/loader.conf".to_owned(),
            });
        }
    }
    let Some(config) = config else {
        return Ok(None);
    };
    // The specification: entries stand on the ESP and on XBOOTLDR.
    homes.extend(
        volumes
            .readable()
            .filter(|held| held.is_xbootldr())
            .map(|held: &Held| held.id),
    );
    let mut entries = Vec::new();
    for &home in &homes {
        read_entries(volumes, home, &mut entries)?;
    }
    entries.sort_by(|(_, left, _), (_, right, _)| menu_order(left, right));
    let conf = volumes
        .text(config.volume, &config.path, MAX_CONF_BYTES)?
        .unwrap_or_default();
    let default = default(&conf, &entries);
    let problem = entries.is_empty().then(|| BootProblem::NoEntries {
        config: config.clone(),
    });
    let entries = entries
        .into_iter()
        .map(|(_, bls, start)| candidate(bls, start))
        .collect();
    let notes = Vec::new();
    let loader = Loader::SystemdBoot;
    Ok(Some(Found {
        loader,
        config: Some(config),
        entries,
        default,
        problem,
        notes,
    }))
}

/// File name, fields to sort by, what it starts.
type Read = (String, BlsEntry, Start);

fn read_entries(
    volumes: &Volumes,
    home: VolumeId,
    entries: &mut Vec<Read>,
) -> Result<(), InspectError> {
    for name in volumes
        .list(home, "/loader/entries")?
        .into_iter()
        .take(bls::MAX_ENTRIES)
    {
        let path = format!("/loader/entries/{name}");
        let text = if name.ends_with(".conf") {
            volumes.text(home, &path, bls::MAX_BYTES)?
        } else {
            None
        };
        let Some(text) = text else { continue };
        let bls = bls::parse(&name, &text);
        let ours = bls.architecture.as_deref().is_none_or(|name| name == "x64");
        if let Some(start) = start(volumes, home, &bls)?
            && ours
        {
            entries.push((name, bls, start));
        }
    }
    for (name, uki) in uki::list(volumes, home)? {
        let (id, tries_left) = bls::identity(&name);
        let release = uki.start.release.clone().unwrap_or_default();
        let bls = BlsEntry {
            id,
            tries_left,
            title: uki.title,
            version: if uki.version.is_empty() {
                release
            } else {
                uki.version
            },
            sort_key: uki.sort_key,
            ..BlsEntry::default()
        };
        entries.push((name, bls, Start::Uki(uki.start)));
    }
    Ok(())
}

fn start(volumes: &Volumes, home: VolumeId, bls: &BlsEntry) -> Result<Option<Start>, InspectError> {
    let file = |path: &str| FileRef {
        spelled: path.to_owned(),
        device: home.to_string(),
        place: Some(Place {
            volume: home,
            path: path.to_owned(),
        }),
    };
    if let Some(kernel) = &bls.linux {
        return Ok(Some(Start::Linux(LinuxStart {
            kernel: file(kernel),
            initramfs: bls.initrd.iter().map(|path| file(path)).collect(),
            command_line: bls.options.clone(),
            boot_image: None,
        })));
    }
    let Some(image) = &bls.efi else {
        return Ok(None);
    };
    let place = Place {
        volume: home,
        path: image.clone(),
    };
    Ok(Some(match uki::read(volumes, &place)? {
        Some(mut uki) => {
            if !bls.options.is_empty() {
                bls.options.clone_into(&mut uki.start.command_line);
            }
            Start::Uki(uki.start)
        }
        None => Start::Other(format!("efi {image}")),
    }))
}

fn candidate(bls: BlsEntry, start: Start) -> Candidate {
    let title = if bls.title.is_empty() {
        bls.id.clone()
    } else {
        bls.title
    };
    Candidate {
        id: bls.id,
        title,
        start,
    }
}

/// `default` of loader.conf, a pattern over entry ids; else what sorts first.
fn default(conf: &str, entries: &[Read]) -> Option<(usize, DefaultReason)> {
    let value = conf
        .lines()
        .filter_map(|line| line.trim().split_once([' ', '\t']));
    let value = value
        .filter(|(key, _)| *key == "default")
        .map(|(_, value)| value.trim())
        .next_back();
    if let Some(value) = value {
        let matches = |(name, bls, _): &Read| {
            let pattern = value.strip_suffix(".conf").unwrap_or(value);
            glob(value, name) || glob(pattern, &bls.id) || glob(value, &bls.id)
        };
        if let Some(index) = entries.iter().position(matches) {
            return Some((
                index,
                DefaultReason::Pattern {
                    value: value.to_owned(),
                },
            ));
        }
    }
    // `@saved` and EFI variables are kept by the firmware, not on the disk.
    (!entries.is_empty()).then_some((0, DefaultReason::SortsFirst))
}

/// Matches `*` and `?`, without regard to case, in time linear in pattern times text.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    // `reach[i]`: the pattern so far matches the first `i` characters.
    let mut reach = vec![false; text.len().saturating_add(1)];
    if let Some(start) = reach.first_mut() {
        *start = true;
    }
    for &symbol in &pattern {
        let mut next = vec![false; reach.len()];
        let mut seen = false;
        for (index, slot) in next.iter_mut().enumerate() {
            let before = index.checked_sub(1);
            let step = before
                .and_then(|at| reach.get(at))
                .copied()
                .unwrap_or(false);
            let same = before
                .and_then(|at| text.get(at))
                .is_some_and(|&c| c == symbol);
            seen |= reach.get(index).copied().unwrap_or(false);
            *slot = match symbol {
                '*' => seen,
                '?' => step,
                _ => step && same,
            };
        }
        reach = next;
    }
    reach.last().copied().unwrap_or(false)
}

/// For the exerciser.
pub(super) fn exercise(text: &str) {
    let entry = bls::parse(text.lines().next().unwrap_or_default(), text);
    let other = bls::parse("other+0.conf", text);
    menu_order(&entry, &other);
    let start = || Start::Other(String::new());
    let entries = [
        ("a.conf".to_owned(), entry, start()),
        ("b.conf".to_owned(), other, start()),
    ];
    default(text.get(..4096).unwrap_or(text), &entries);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_a_shell_does() {
        for (pattern, text, expect) in [
            ("debian-*", "debian-6.1.0-28-amd64", true),
            ("debian-*", "fedora-6.1", false),
            ("*.conf", "a.conf", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("ARCH", "arch", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), expect, "{pattern} on {text}");
        }
    }

    #[test]
    fn the_default_is_the_pattern_then_the_order() {
        let entries: Vec<Read> = ["new.conf", "old.conf"]
            .map(|name| {
                (
                    name.to_owned(),
                    bls::parse(name, ""),
                    Start::Other(String::new()),
                )
            })
            .into();
        let index = |conf: &str| default(conf, &entries).map(|(index, _)| index);
        assert_eq!(index("timeout 3\ndefault old*\n"), Some(1));
        assert_eq!(index("default old.conf\n"), Some(1));
        assert_eq!(index("default @saved\n"), Some(0));
        assert_eq!(index(""), Some(0));
        assert_eq!(default("", &[]), None);
    }
}

//! GRUB before version 1 (0.97): RHEL 6 and before, SLES 11, old cloud images. Its menu is a list
//! of titles with commands. Source: "GNU GRUB Manual 0.97", 3 and 13.

use super::model::{Candidate, FileRef, Found, LinuxStart, Start};
use crate::error::{BootProblem, InspectError};
use crate::facts::{DefaultReason, Loader, Place, VolumeId};
use crate::settings::lines;
use crate::volumes::{Held, Volumes};

/// A longer menu is none.
const MAX_BYTES: u64 = 256 * 1024;
/// More entries than anybody scrolls through.
const MAX_ENTRIES: usize = 128;
/// More files than an entry loads.
const MAX_FILES: usize = 16;

/// Red Hat's name first: its `menu.lst` is a link to it.
const PATHS: [&str; 4] = [
    "/boot/grub/grub.conf",
    "/boot/grub/menu.lst",
    "/grub/grub.conf",
    "/grub/menu.lst",
];

/// Finds its menu on any volume, or in a vendor's folder of an EFI system partition.
pub(super) fn find(volumes: &Volumes) -> Result<Option<Found>, InspectError> {
    for held in volumes.readable() {
        let mut paths: Vec<String> = PATHS.map(str::to_owned).to_vec();
        if held.is_esp() {
            let vendors = volumes.list(held.id, "/EFI")?;
            paths.extend(vendors.iter().map(|name| format!("/EFI/{name}/grub.conf")));
        }
        for path in paths {
            if let Some(text) = volumes.text(held.id, &path, MAX_BYTES)? {
                let config = Place {
                    volume: held.id,
                    path,
                };
                return read(volumes, held, config, &text).map(Some);
            }
        }
    }
    Ok(None)
}

fn read(volumes: &Volumes, held: &Held, config: Place, text: &str) -> Result<Found, InspectError> {
    let menu = parse(text);
    let mut saved = None;
    if menu.default.as_deref() == Some("saved") {
        let folder = config
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let kept = volumes.text(held.id, &format!("{folder}/default"), MAX_BYTES)?;
        saved = kept.and_then(|text| text.lines().next().map(|line| line.trim().to_owned()));
    }
    let default = default(&menu, saved);
    let place = |device: &str, path: &str| place(volumes, held.id, device, path);
    let entries: Vec<Candidate> = menu
        .entries
        .iter()
        .map(|entry| entry.start(&place))
        .collect();
    let problem = entries.is_empty().then(|| BootProblem::NoEntries {
        config: config.clone(),
    });
    Ok(Found {
        loader: Loader::GrubLegacy,
        config: Some(config),
        entries,
        default,
        problem,
        notes: Vec::new(),
    })
}

/// `default`: a number from 0, or `saved`; `fallback` counts only where that does not boot.
fn default(menu: &Menu, saved: Option<String>) -> Option<(usize, DefaultReason)> {
    let last = menu.entries.len().checked_sub(1)?;
    let Some(set) = menu.default.clone() else {
        return Some((0, DefaultReason::First));
    };
    let value = saved.clone().unwrap_or_else(|| set.clone());
    match value.parse::<usize>() {
        Ok(index) if index <= last && saved.is_some() => {
            Some((index, DefaultReason::SavedEntry { value }))
        }
        Ok(index) if index <= last => Some((index, DefaultReason::Configured { value })),
        // What was never saved is 0.
        _ if set == "saved" && saved.is_none() => Some((0, DefaultReason::First)),
        _ => Some((0, DefaultReason::NoSuchEntry { value })),
    }
}

/// `(hd0,1)` counts disks and partitions from 0; `UUID=…` stands for Debian's command `uuid`.
fn place(volumes: &Volumes, own: VolumeId, device: &str, path: &str) -> Option<Place> {
    let volume = if device.is_empty() {
        Some(own)
    } else if let Some(uuid) = device.strip_prefix("UUID=") {
        let has = |held: &&Held| {
            held.uuid()
                .is_some_and(|own| own.eq_ignore_ascii_case(uuid))
        };
        volumes.held.iter().find(has).map(|held| held.id)
    } else {
        let numbers = device.strip_prefix("(hd")?.strip_suffix(')')?;
        let (disk, partition) = match numbers.split_once(',') {
            Some((disk, partition)) => (disk, partition.parse::<u32>().ok()?.checked_add(1)?),
            None => (numbers, 0),
        };
        let id = VolumeId::new(disk.parse().ok()?, partition);
        volumes.get(id).map(|held| held.id)
    };
    Some(Place {
        volume: volume?,
        path: path.to_owned(),
    })
}

#[derive(Default)]
struct Menu {
    default: Option<String>,
    entries: Vec<Entry>,
}

/// The commands below a title.
#[derive(Default)]
struct Entry {
    title: String,
    /// Spelled as in the file; empty where the menu itself is.
    root: String,
    kernel: Option<String>,
    arguments: String,
    files: Vec<String>,
    other: Option<String>,
}

fn parse(text: &str) -> Menu {
    let mut menu = Menu::default();
    let mut above = Entry::default();
    for (_, line) in lines(text, &['#']) {
        let end = line.find(|c: char| c.is_whitespace() || c == '=');
        let (command, rest) = line
            .split_at_checked(end.unwrap_or(line.len()))
            .unwrap_or((line, ""));
        let rest = rest
            .trim_start_matches(|c: char| c.is_whitespace() || c == '=')
            .trim();
        match command {
            "title" => {
                if menu.entries.len() >= MAX_ENTRIES {
                    break;
                }
                menu.entries.push(Entry {
                    title: rest.to_owned(),
                    root: above.root.clone(),
                    ..Entry::default()
                });
            }
            "default" if menu.entries.is_empty() => menu.default = Some(rest.to_owned()),
            command => menu
                .entries
                .last_mut()
                .unwrap_or(&mut above)
                .command(command, rest),
        }
    }
    menu
}

impl Entry {
    fn command(&mut self, command: &str, rest: &str) {
        let (word, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        match command {
            "root" | "rootnoverify" => word.clone_into(&mut self.root),
            "uuid" => self.root = format!("UUID={word}"),
            "kernel" => {
                // Options come first: `--type=linux`, `--no-mem-option`.
                let mut rest = rest;
                while rest.starts_with("--") {
                    let (_, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                    rest = behind.trim_start();
                }
                let (path, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                self.kernel = Some(path.to_owned());
                arguments.trim().clone_into(&mut self.arguments);
            }
            // A multiboot kernel, Xen, gets the Linux kernel as its first module.
            "module" => {
                let _ = self
                    .other
                    .get_or_insert_with(|| format!("module {word} {more}"));
            }
            "initrd" => {
                let left = MAX_FILES.saturating_sub(self.files.len());
                let words = rest.split_whitespace().map(str::to_owned);
                self.files.extend(words.take(left));
            }
            "chainloader" | "configfile" => self.other = Some(format!("{command} {rest}")),
            _ => {}
        }
    }

    fn start(&self, place: &impl Fn(&str, &str) -> Option<Place>) -> Candidate {
        let file = |spelled: &str| {
            // A device before the path counts more than `root`.
            let (device, path) = match spelled.find(')') {
                Some(end) if spelled.starts_with('(') => {
                    let behind = end.saturating_add(1);
                    spelled.split_at_checked(behind).unwrap_or(("", spelled))
                }
                _ => (self.root.as_str(), spelled),
            };
            FileRef {
                spelled: spelled.to_owned(),
                device: device.to_owned(),
                place: place(device, path),
            }
        };
        let start = match (&self.kernel, &self.other) {
            (Some(kernel), None) => Start::Linux(LinuxStart {
                kernel: file(kernel),
                initramfs: self.files.iter().map(|path| file(path)).collect(),
                command_line: self.arguments.clone(),
                boot_image: None,
            }),
            (_, Some(other)) => Start::Other(other.clone()),
            (None, None) => Start::Other(String::new()),
        };
        Candidate {
            id: self.title.clone(),
            title: self.title.clone(),
            start,
        }
    }
}

/// For the exerciser.
pub(super) fn exercise(text: &str) {
    let menu = parse(text);
    default(&menu, None);
    for entry in &menu.entries {
        entry.start(&|_, _| None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::machine::Machine;

    /// As anaconda wrote it on RHEL 6, with a separate /boot.
    const RHEL: &str = "# grub.conf generated by anaconda\n#boot=/dev/vda\ndefault=1\ntimeout=5\n\
        splashimage=(hd0,0)/grub/splash.xpm.gz\nhiddenmenu\n\
        title Red Hat Enterprise Linux (2.6.32-754.el6.x86_64)\n\troot (hd0,0)\n\
        \tkernel /vmlinuz-2.6.32-754.el6.x86_64 ro root=/dev/mapper/vg-root rhgb quiet\n\
        \tinitrd /initramfs-2.6.32-754.el6.x86_64.img\n\
        title Old\n\troot (hd0,0)\n\tkernel --no-mem-option (hd0,0)/vmlinuz-old ro root=/dev/sda2\n\
        \tinitrd /initrd-old\n\
        title Xen\n\troot (hd0,0)\n\tkernel /xen.gz\n\tmodule /vmlinuz-xen ro\n\tmodule /initrd-xen\n\
        title Windows\n\trootnoverify (hd0,1)\n\tchainloader +1\n";

    fn found(files: &[(&str, &[u8])]) -> Found {
        let volumes = Machine::new().ext4("R", files).volumes();
        find(&volumes).unwrap().unwrap()
    }

    #[test]
    fn a_menu_of_rhel_6() {
        let found = found(&[("/grub/grub.conf", RHEL.as_bytes())]);
        let value = "1".to_owned();
        assert_eq!(
            found.default,
            Some((1, DefaultReason::Configured { value }))
        );
        let Start::Linux(linux) = &found.entries[0].start else {
            panic!("{:?}", found.entries[0]);
        };
        let path = |file: &FileRef| file.place.clone().unwrap().path;
        assert_eq!(path(&linux.kernel), "/vmlinuz-2.6.32-754.el6.x86_64");
        assert_eq!(linux.command_line, "ro root=/dev/mapper/vg-root rhgb quiet");
        assert_eq!(
            path(&linux.initramfs[0]),
            "/initramfs-2.6.32-754.el6.x86_64.img"
        );
        let Start::Linux(old) = &found.entries[1].start else {
            panic!("{:?}", found.entries[1]);
        };
        assert_eq!(path(&old.kernel), "/vmlinuz-old");
        let other = |index: usize| match &found.entries[index].start {
            Start::Other(what) => what.clone(),
            start => panic!("{start:?}"),
        };
        assert_eq!(
            (other(2), other(3)),
            (
                "module /vmlinuz-xen ro".to_owned(),
                "chainloader +1".to_owned()
            )
        );
    }

    #[test]
    fn defaults_that_are_saved_missing_or_wrong() {
        let menu = |first: &str| format!("{first}\ntitle a\nkernel /a\ntitle b\nkernel /b\n");
        let check = |first: &str, kept: Option<&[u8]>, expect: (usize, DefaultReason)| {
            let text = menu(first);
            let mut files = vec![("/boot/grub/menu.lst", text.as_bytes())];
            files.extend(kept.map(|kept| ("/boot/grub/default", kept)));
            assert_eq!(found(&files).default, Some(expect), "{first}");
        };
        let one = || "1".to_owned();
        check("", None, (0, DefaultReason::First));
        check(
            "default 1",
            None,
            (1, DefaultReason::Configured { value: one() }),
        );
        check(
            "default saved",
            Some(b"1\n#\n"),
            (1, DefaultReason::SavedEntry { value: one() }),
        );
        check("default saved", None, (0, DefaultReason::First));
        let value = "7".to_owned();
        check("default=7", None, (0, DefaultReason::NoSuchEntry { value }));
    }
}

//! syslinux and its relatives (extlinux, isolinux): Alpine, small images. Sources: the SYSLINUX
//! wiki, "Config" and "Menu"; what it passes to the kernel: its `ldlinux/kernel.c`.

use super::model::{Candidate, FileRef, Found, LinuxStart, Start};
use crate::error::{BootProblem, InspectError};
use crate::facts::{DefaultReason, Loader, Place};
use crate::settings::lines;
use crate::volumes::Volumes;

/// A longer file is none of these.
const MAX_BYTES: u64 = 256 * 1024;
const MAX_LABELS: usize = 128;
/// Files that include each other end here.
const MAX_INCLUDES: usize = 16;

/// Where it looks, as extlinux and then as syslinux.
const PATHS: [&str; 12] = [
    "/boot/extlinux/extlinux.conf",
    "/extlinux/extlinux.conf",
    "/boot/extlinux.conf",
    "/extlinux.conf",
    "/boot/syslinux/extlinux.conf",
    "/boot/syslinux/syslinux.cfg",
    "/syslinux/syslinux.cfg",
    "/syslinux.cfg",
    "/EFI/syslinux/syslinux.cfg",
    "/EFI/BOOT/syslinux.cfg",
    "/boot/isolinux/isolinux.cfg",
    "/isolinux/isolinux.cfg",
];

/// Finds its configuration on any volume.
pub(super) fn find(volumes: &Volumes) -> Result<Option<Found>, InspectError> {
    for held in volumes.readable() {
        for path in PATHS {
            let Some(text) = volumes.text(held.id, path, MAX_BYTES)? else {
                continue;
            };
            let config = Place {
                volume: held.id,
                path: path.to_owned(),
            };
            let mut menu = Menu::default();
            let mut left = MAX_INCLUDES;
            read(volumes, &config, &text, &mut menu, &mut left)?;
            return Ok(Some(menu.found(config)));
        }
    }
    Ok(None)
}

fn read(
    volumes: &Volumes,
    config: &Place,
    text: &str,
    menu: &mut Menu,
    left: &mut usize,
) -> Result<(), InspectError> {
    for (_, line) in lines(text, &['#']) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let keyword = word.to_ascii_lowercase();
        let included = match keyword.as_str() {
            "include" => Some(rest),
            "menu" => rest
                .split_once(char::is_whitespace)
                .filter(|(word, _)| word.eq_ignore_ascii_case("include"))
                .map(|(_, path)| path.trim()),
            _ => None,
        };
        let Some(path) = included else {
            menu.line(&keyword, rest);
            continue;
        };
        let path = absolute(
            &config.path,
            path.split_whitespace().next().unwrap_or_default(),
        );
        if *left > 0
            && let Some(text) = volumes.text(config.volume, &path, MAX_BYTES)?
        {
            *left = left.saturating_sub(1);
            read(volumes, config, &text, menu, left)?;
        }
    }
    Ok(())
}

/// A path as seen from the folder of the configuration.
fn absolute(config: &str, path: &str) -> String {
    let folder = config.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[derive(Default)]
struct Menu {
    default: Option<String>,
    append: String,
    labels: Vec<Label>,
}

#[derive(Default)]
struct Label {
    name: String,
    title: Option<String>,
    kernel: Option<String>,
    other: Option<String>,
    initrd: Option<String>,
    append: Option<String>,
    is_default: bool,
}

impl Menu {
    fn line(&mut self, keyword: &str, rest: &str) {
        let room = self.labels.len() < MAX_LABELS;
        match (keyword, self.labels.last_mut()) {
            ("default", None) => self.default = Some(rest.to_owned()),
            // What happens when nobody chooses counts more than what ENTER means.
            ("ontimeout", _) => self.default = Some(rest.to_owned()),
            ("append", None) => rest.clone_into(&mut self.append),
            ("label", _) if room => self.labels.push(Label {
                name: rest.to_owned(),
                ..Label::default()
            }),
            (keyword, Some(label)) => label.line(keyword, rest),
            (_, None) => {}
        }
    }

    fn found(self, config: Place) -> Found {
        let default = self.chosen();
        let candidate = |label: &Label| label.candidate(&config, &self.append);
        let entries: Vec<Candidate> = self.labels.iter().map(candidate).collect();
        let problem = entries.is_empty().then(|| BootProblem::NoEntries {
            config: config.clone(),
        });
        Found {
            loader: Loader::Syslinux,
            config: Some(config),
            entries,
            default,
            problem,
            notes: Vec::new(),
        }
    }

    /// `DEFAULT`; where that starts a menu, its `MENU DEFAULT`, else the first label.
    fn chosen(&self) -> Option<(usize, DefaultReason)> {
        if self.labels.is_empty() {
            return None;
        }
        let value = self.default.clone().unwrap_or_default();
        let named = |label: &Label| label.name.eq_ignore_ascii_case(&value);
        let configured = |value| DefaultReason::Configured { value };
        if let Some(index) = self.labels.iter().position(named) {
            return Some((index, configured(value)));
        }
        if let Some(index) = self.labels.iter().position(|label| label.is_default) {
            return Some((index, configured("MENU DEFAULT".to_owned())));
        }
        // `menu.c32` and its relatives are programs, no labels.
        let is_program = value
            .split_whitespace()
            .next()
            .is_none_or(|word| word.contains('.'));
        Some(if is_program {
            (0, DefaultReason::First)
        } else {
            (0, DefaultReason::NoSuchEntry { value })
        })
    }
}

impl Label {
    fn line(&mut self, keyword: &str, rest: &str) {
        let is_module = |path: &str| {
            let end = path
                .rsplit_once('.')
                .map(|(_, end)| end.to_ascii_lowercase());
            end.is_some_and(|end| {
                matches!(end.as_str(), "c32" | "com" | "bs" | "0" | "bin" | "bss")
            })
        };
        match keyword {
            "kernel" if is_module(rest) => self.other = Some(format!("kernel {rest}")),
            "kernel" | "linux" => self.kernel = Some(rest.to_owned()),
            "initrd" => self.initrd = Some(rest.to_owned()),
            "append" => self.append = Some(rest.to_owned()),
            "com32" | "boot" | "bss" | "pxe" | "fdimage" | "comboot" | "localboot" | "config" => {
                self.other = Some(format!("{keyword} {rest}"));
            }
            "menu" => {
                let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                match word.to_ascii_lowercase().as_str() {
                    // `^` marks the key that chooses the entry.
                    "label" => self.title = Some(rest.trim().replace('^', "")),
                    "default" => self.is_default = true,
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn candidate(&self, config: &Place, global: &str) -> Candidate {
        let title = self.title.clone().unwrap_or_else(|| self.name.clone());
        let start = match (&self.kernel, &self.other) {
            (_, Some(other)) => Start::Other(other.clone()),
            (Some(kernel), None) => self.linux(config, kernel, global),
            // A label without a command names the kernel itself.
            (None, None) => self.linux(config, &self.name, global),
        };
        Candidate {
            id: self.name.clone(),
            title,
            start,
        }
    }

    fn linux(&self, config: &Place, kernel: &str, global: &str) -> Start {
        let append = match self.append.as_deref() {
            Some("-") => "",
            Some(own) => own,
            None => global,
        };
        let in_append = append
            .split_whitespace()
            .filter_map(|word| word.strip_prefix("initrd="))
            .next_back();
        let initrd = self.initrd.as_deref().or(in_append).unwrap_or_default();
        let mut command_line = append.to_owned();
        if let Some(own) = &self.initrd {
            command_line = format!("{command_line} initrd={own}").trim().to_owned();
        }
        let file = |spelled: &str| FileRef {
            spelled: spelled.to_owned(),
            device: config.volume.to_string(),
            place: Some(Place {
                volume: config.volume,
                path: absolute(&config.path, spelled),
            }),
        };
        Start::Linux(LinuxStart {
            kernel: file(kernel),
            initramfs: initrd
                .split(',')
                .filter(|path| !path.is_empty())
                .take(MAX_INCLUDES)
                .map(file)
                .collect(),
            command_line,
            boot_image: Some(kernel.to_owned()),
        })
    }
}

/// For the exerciser.
pub(super) fn exercise(text: &str) {
    let config = Place {
        volume: crate::facts::VolumeId::new(0, 1),
        path: "/boot/extlinux.conf".to_owned(),
    };
    let mut menu = Menu::default();
    // The only error is one of reading, and there is nothing to read.
    let _ = read(&Volumes::default(), &config, text, &mut menu, &mut 4);
    menu.found(config);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::machine::Machine;

    /// As Alpine's update-extlinux writes it.
    const ALPINE: &str = "# Generated by update-extlinux 6.04\nDEFAULT menu.c32\nPROMPT 0\n\
        MENU TITLE Alpine/Linux Boot Menu\nMENU HIDDEN\nMENU AUTOBOOT Alpine in # seconds.\nTIMEOUT 10\n\
        LABEL virt\n  MENU LABEL Linux ^virt\n  LINUX vmlinuz-virt\n  INITRD initramfs-virt\n\
        \x20 APPEND root=UUID=1 modules=sd-mod,usb-storage,ext4 quiet rootfstype=ext4\n\
        LABEL lts\n  MENU DEFAULT\n  MENU LABEL Linux lts\n  LINUX ../vmlinuz-lts\n\
        \x20 APPEND initrd=/ucode.img,initramfs-lts root=UUID=1\nMENU SEPARATOR\n\
        LABEL hd\n  COM32 chain.c32\n";

    fn found(text: &str) -> Found {
        let files: &[(&str, &[u8])] = &[
            ("/boot/extlinux.conf", text.as_bytes()),
            ("/boot/more.cfg", b"label more\n kernel k\n append -\n"),
        ];
        let volumes = Machine::new().ext4("R", files).volumes();
        find(&volumes).unwrap().unwrap()
    }

    fn linux(found: &Found, index: usize) -> (String, Vec<String>, String) {
        let Start::Linux(linux) = &found.entries[index].start else {
            panic!("{:?}", found.entries[index]);
        };
        let path = |file: &FileRef| file.place.clone().unwrap().path;
        let files = linux.initramfs.iter().map(path).collect();
        (path(&linux.kernel), files, linux.command_line.clone())
    }

    #[test]
    fn a_menu_of_alpine() {
        let found = found(ALPINE);
        let value = "MENU DEFAULT".to_owned();
        assert_eq!(
            found.default,
            Some((1, DefaultReason::Configured { value }))
        );
        assert_eq!(found.entries[0].title, "Linux virt");
        let (kernel, files, line) = linux(&found, 0);
        assert_eq!(kernel, "/boot/vmlinuz-virt");
        assert_eq!(files, ["/boot/initramfs-virt"]);
        // /proc/cmdline of such a system ends with the initrd.
        assert!(
            line.ends_with("rootfstype=ext4 initrd=initramfs-virt"),
            "{line}"
        );
        let (kernel, files, _) = linux(&found, 1);
        assert_eq!(kernel, "/vmlinuz-lts");
        assert_eq!(files, ["/ucode.img", "/boot/initramfs-lts"]);
        assert_eq!(
            found.entries[2].start,
            Start::Other("com32 chain.c32".to_owned())
        );
    }

    #[test]
    fn defaults_includes_and_global_arguments() {
        let found = found(
            "default two\nappend global\nlabel one\nkernel a\nlabel two\nlinux b\ninclude more.cfg\n",
        );
        let value = "two".to_owned();
        assert_eq!(
            found.default,
            Some((1, DefaultReason::Configured { value }))
        );
        assert_eq!(linux(&found, 0).2, "global");
        assert_eq!(
            linux(&found, 2),
            ("/boot/k".to_owned(), Vec::new(), String::new())
        );
        let text = "default none\nlabel one\nkernel a\n";
        let value = "none".to_owned();
        assert_eq!(
            self::found(text).default,
            Some((0, DefaultReason::NoSuchEntry { value }))
        );
        let text = "label one\nkernel a\nontimeout one\n";
        let value = "one".to_owned();
        assert_eq!(
            self::found(text).default,
            Some((0, DefaultReason::Configured { value }))
        );
    }
}

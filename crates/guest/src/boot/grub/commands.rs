//! The commands that make a menu. All others succeed and do nothing, or fail, as noted.

use super::interpreter::{Body, FILE_COST, Interpreter, Item, Stop};
use super::parser::{Script, parse};
use super::{bls_entries, device, grubenv};
use crate::boot::model::FileRef;
use crate::facts::Place;

/// A longer script is not read; what grub-mkconfig writes has some 10 KiB.
pub(super) const MAX_SCRIPT_BYTES: u64 = 1024 * 1024;
/// More items than any menu shows.
const MAX_ITEMS: usize = 256;

impl Interpreter<'_> {
    /// Runs one command.
    pub(super) fn command(&mut self, words: &[String], block: Option<&Script>) -> Result<(), Stop> {
        let Some((name, arguments)) = words.split_first() else {
            return Ok(());
        };
        if let Some(body) = self.functions.get(name).cloned() {
            return self.call(&body, arguments.to_vec());
        }
        // A command that says nothing else succeeds.
        self.ok = true;
        match name.as_str() {
            "set" | "export" => self.assign(arguments),
            "unset" => {
                for name in arguments {
                    self.variables.remove(name);
                }
            }
            "[" | "test" => self.ok = self.test(arguments)?,
            "!" => {
                self.command(arguments, None)?;
                self.ok = !self.ok;
            }
            "false" | "keystatus" | "sleep" | "loadfont" | "background_image" | "regexp"
            | "cryptomount" | "authenticate" | "cpuid" => {
                // What needs a screen, a keyboard or a person is taken as not there.
                self.ok = false;
            }
            "search" | "search.fs_uuid" | "search.fs_label" | "search.file" => {
                self.search(name, arguments)?;
            }
            "probe" => self.probe(arguments),
            "load_env" => self.load_env(arguments)?,
            "source" | "." | "configfile" | "normal" => self.source(name, arguments)?,
            "menuentry" | "submenu" => self.item(name, arguments, block)?,
            "blscfg" | "bls_import" => self.bls(arguments)?,
            "linux" | "linux16" | "linuxefi" => self.kernel(arguments),
            "initrd" | "initrd16" | "initrdefi" => {
                let files = arguments
                    .iter()
                    .filter(|argument| !argument.starts_with("--"));
                let files: Vec<FileRef> = files.map(|path| self.file(path)).collect();
                // A further `initrd` replaces the first.
                self.loaded.initramfs = files;
            }
            "chainloader" | "multiboot" | "multiboot2" | "xen_hypervisor" | "kfreebsd"
            | "ntldr" | "exit" | "halt" | "reboot" | "fwsetup" => {
                self.loaded.other.get_or_insert_with(|| words.join(" "));
            }
            "break" => return Err(Stop::Break),
            "continue" => return Err(Stop::Continue),
            "return" => {
                self.ok = arguments.first().is_none_or(|code| code == "0");
                return Err(Stop::Return);
            }
            name => match name.split_once('=') {
                Some((name, value)) if is_name(name) => self.set(name, value.to_owned()),
                _ => {}
            },
        }
        Ok(())
    }

    fn assign(&mut self, arguments: &[String]) {
        for argument in arguments {
            if let Some((name, value)) = argument.split_once('=') {
                self.set(name, value.to_owned());
            }
        }
    }

    /// A path as commands take it: `(hd0,gpt1)/vmlinuz`, or on the device in `$root`.
    pub(super) fn file(&self, spelled: &str) -> FileRef {
        let (device, path) = match spelled
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
        {
            Some((device, path)) => (device, path),
            None => (self.variable("root"), spelled),
        };
        let volume = device::find(self.volumes, device);
        FileRef {
            spelled: spelled.to_owned(),
            device: device.to_owned(),
            place: volume.map(|volume| Place {
                volume,
                path: path.to_owned(),
            }),
        }
    }

    /// `load_env [-f FILE] [NAME…]`.
    fn load_env(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let (mut file, mut names) = (format!("{}/grubenv", self.variable("prefix")), Vec::new());
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "-f" | "--file" => file = rest.next().cloned().unwrap_or_default(),
                other => match other.strip_prefix("--file=") {
                    Some(path) => path.clone_into(&mut file),
                    None if other.starts_with('-') => {}
                    None => names.push(other),
                },
            }
        }
        self.charge(FILE_COST)?;
        let Some(place) = self.file(&file).place else {
            self.ok = false;
            return Ok(());
        };
        let text = self
            .volumes
            .text(place.volume, &place.path, grubenv::MAX_BYTES)?;
        self.ok = text.is_some();
        let text = text.unwrap_or_default();
        self.charge(text.len())?;
        for (name, value) in grubenv::parse(&text) {
            if names.is_empty() || names.contains(&name.as_str()) {
                self.environment.insert(name.clone(), value.clone());
                self.set(&name, value);
            }
        }
        Ok(())
    }

    /// `source FILE` runs it here; `configfile FILE` lets it make the menu.
    fn source(&mut self, name: &str, arguments: &[String]) -> Result<(), Stop> {
        let default = format!("{}/grub.cfg", self.variable("prefix"));
        let path = arguments.first().cloned().unwrap_or(default);
        self.charge(FILE_COST)?;
        let place = self.file(&path).place;
        let text = match &place {
            Some(place) => self
                .volumes
                .text(place.volume, &place.path, MAX_SCRIPT_BYTES)?,
            None => None,
        };
        self.ok = text.is_some();
        let Some(text) = text else { return Ok(()) };
        self.charge(text.len())?;
        let (script, error) = parse(&text);
        if let Some(error) = error {
            self.notes.push(format!("{path}: {error}"));
        }
        if matches!(name, "configfile" | "normal") {
            self.menu.clear();
            self.config = place;
        }
        self.nested(|shell| shell.run(&script))
    }

    /// `menuentry TITLE [--class C] [--id ID] [ARGUMENT…] { … }`.
    fn item(
        &mut self,
        name: &str,
        arguments: &[String],
        block: Option<&Script>,
    ) -> Result<(), Stop> {
        let Some(block) = block.cloned() else {
            return Ok(());
        };
        let (mut id, mut positional) = (None, Vec::new());
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--id" => id = rest.next().cloned(),
                "--class" | "-c" | "--users" | "-u" | "--hotkey" | "-h" | "--source" => {
                    rest.next();
                }
                other => match other.strip_prefix("--id=") {
                    Some(value) => id = Some(value.to_owned()),
                    None if other.starts_with("--") => {}
                    None => positional.push(other.to_owned()),
                },
            }
        }
        let title = positional.first().cloned().unwrap_or_default();
        let body = match name {
            "submenu" => Body::Submenu(block, positional),
            _ => Body::Entry(block, positional),
        };
        self.add(Item { id, title, body })
    }

    /// `blscfg`: entries of the Boot Loader Specification, from `$blsdir` or where they belong.
    fn bls(&mut self, arguments: &[String]) -> Result<(), Stop> {
        self.charge(FILE_COST)?;
        let root = Some(self.variable("boot")).filter(|boot| !boot.is_empty());
        let root = root.unwrap_or_else(|| self.variable("root")).to_owned();
        let set = self.variable("blsdir").to_owned();
        let set = if set.is_empty() {
            arguments.first().cloned()
        } else {
            Some(set)
        };
        let folders = set.into_iter().chain([
            "/loader/entries".to_owned(),
            "/boot/loader/entries".to_owned(),
        ]);
        for folder in folders {
            let spelled = if folder.starts_with('(') {
                folder
            } else {
                format!("({root}){folder}")
            };
            let Some(place) = self.file(&spelled).place else {
                continue;
            };
            let entries = bls_entries(self.volumes, &place)?;
            if entries.is_empty() {
                continue;
            }
            self.charge(entries.len().saturating_mul(FILE_COST))?;
            let device = self.file(&spelled).device;
            for entry in entries {
                let (id, title) = (Some(entry.id.clone()), entry.title.clone());
                self.add(Item {
                    id,
                    title,
                    body: Body::Bls(Box::new(entry), device.clone()),
                })?;
            }
            return Ok(());
        }
        self.ok = false;
        Ok(())
    }

    fn add(&mut self, item: Item) -> Result<(), Stop> {
        if self.menu.len() >= MAX_ITEMS {
            return Err(Stop::Exhausted("its menu has too many entries"));
        }
        self.menu.push(item);
        Ok(())
    }

    fn kernel(&mut self, arguments: &[String]) {
        let Some((path, arguments)) = arguments.split_first() else {
            self.ok = false;
            return;
        };
        self.loaded.kernel = Some(self.file(path));
        self.loaded.arguments = arguments.to_vec();
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

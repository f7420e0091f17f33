//! GRUB 2: finds its configuration, runs it, and says which entry it would start.

mod commands;
mod condition;
mod device;
mod grubenv;
mod interpreter;
mod lexer;
mod menu;
mod parser;
#[cfg(test)]
mod tests;

use crate::boot::bls::{self, BlsEntry};
use crate::boot::model::Found;
use crate::boot::version_order::compare;
use crate::error::{BootProblem, InspectError};
use crate::facts::{Loader, Place, VolumeId};
use crate::volumes::{Held, Volumes};
use commands::MAX_SCRIPT_BYTES;
use interpreter::{Interpreter, Stop};
use parser::parse;

/// Where grub-install puts the configuration, on / or on a /boot of its own.
const FOLDERS: [&str; 4] = ["/boot/grub", "/boot/grub2", "/grub", "/grub2"];

/// Finds GRUB: by what is on the ESP, as UEFI does, else on any volume.
pub(super) fn find(volumes: &Volumes) -> Result<Option<Found>, InspectError> {
    let efi = volumes.held.iter().any(Held::is_esp);
    let mut notes = Vec::new();
    for esp in volumes.readable().filter(|held| held.is_esp()) {
        for vendor in volumes.list(esp.id, "/EFI")? {
            let folder = format!("/EFI/{vendor}");
            let Some(found) = start(volumes, esp.id, &folder, efi)? else {
                continue;
            };
            if found.entries.is_empty() {
                notes.push(format!("{folder}/grub.cfg on {} leads to no menu", esp.id));
                continue;
            }
            return Ok(Some(found));
        }
    }
    let mut empty = None;
    for held in volumes.readable().filter(|held| !held.is_esp()) {
        for folder in folders(held) {
            let Some(mut found) = start(volumes, held.id, &folder, efi)? else {
                continue;
            };
            found.notes.splice(0..0, notes.iter().cloned());
            if !found.entries.is_empty() {
                return Ok(Some(found));
            }
            empty.get_or_insert(found);
        }
    }
    Ok(empty)
}

/// [`FOLDERS`], and the same in each subvolume of a btrfs that a system may be in.
fn folders(held: &Held) -> Vec<String> {
    let subvolumes = held.subvolumes.iter().flat_map(|own| &own.all);
    let subvolumes = subvolumes.filter(|own| !own.path.is_empty() && !own.path.contains('/'));
    let below = subvolumes.take(16).map(|own| format!("/{}", own.path));
    let all = std::iter::once(String::new()).chain(below);
    all.flat_map(|below| FOLDERS.map(|folder| format!("{below}{folder}")))
        .collect()
}

/// Runs the configuration in `folder`, if there is one.
fn start(
    volumes: &Volumes,
    volume: VolumeId,
    folder: &str,
    efi: bool,
) -> Result<Option<Found>, InspectError> {
    let config = Place {
        volume,
        path: format!("{folder}/grub.cfg"),
    };
    let Some(text) = volumes.text(volume, &config.path, MAX_SCRIPT_BYTES)? else {
        return Ok(None);
    };
    let device = device::name(volumes, volume);
    let mut shell = Interpreter::new(volumes, efi);
    shell.set("prefix", format!("({device}){folder}"));
    shell.set("config_directory", format!("({device}){folder}"));
    shell.set("config_file", format!("({device}){}", config.path));
    shell.set("cmdpath", format!("({device}){folder}"));
    shell.set("root", device);
    shell.config = Some(config);
    evaluate(shell, &text).map(Some)
}

/// Runs a script and reads the menu that it made.
fn evaluate(mut shell: Interpreter<'_>, text: &str) -> Result<Found, InspectError> {
    let (script, syntax) = parse(text);
    let mut rule = syntax.map(|error| error.to_string());
    let stopped = shell.run(&script).map(|()| None);
    let mut stop = |result: Result<Option<menu::Menu>, Stop>| match result {
        Ok(menu) => Ok(menu),
        Err(Stop::Break | Stop::Continue | Stop::Return) => Ok(None),
        Err(Stop::Exhausted(why)) => {
            rule = Some(why.to_owned());
            Ok(None)
        }
        Err(Stop::Read(error)) => Err(*error),
    };
    stop(stopped)?;
    let menu = stop(menu::read(&mut shell).map(Some))?.unwrap_or_default();
    let default = menu.preset(&shell);
    let config = shell.config.take();
    let problem = config
        .clone()
        .and_then(|config| match (rule, menu.entries.is_empty()) {
            // What comes before an error still counts, unless nothing does.
            (Some(rule), true) => Some(BootProblem::BrokenConfig { config, rule }),
            (Some(rule), false) => {
                shell
                    .notes
                    .push(format!("{config} is not read to its end: {rule}"));
                None
            }
            (None, true) => Some(BootProblem::NoEntries { config }),
            (None, false) => None,
        });
    let notes = shell.notes;
    Ok(Found {
        loader: Loader::Grub2,
        config,
        entries: menu.entries,
        default,
        problem,
        notes,
    })
}

/// The entries in a folder, as Fedora's `blscfg` sorts them: by file name, newest first.
fn bls_entries(volumes: &Volumes, folder: &Place) -> Result<Vec<BlsEntry>, InspectError> {
    let mut entries = Vec::new();
    let names = volumes.list(folder.volume, &folder.path)?;
    for name in names
        .iter()
        .filter(|name| name.ends_with(".conf"))
        .take(bls::MAX_ENTRIES)
    {
        let path = format!("{}/{name}", folder.path.trim_end_matches('/'));
        if let Some(text) = volumes.text(folder.volume, &path, bls::MAX_BYTES)? {
            let mut entry = bls::parse(name, &text);
            if entry.title.is_empty() {
                entry.title = entry.id.clone();
            }
            entries.push(entry);
        }
    }
    entries.retain(|entry| entry.linux.is_some());
    entries.sort_by(|left, right| compare(&right.id, &left.id));
    Ok(entries)
}

/// For the exerciser: a script and an environment block without a machine around them.
pub(super) fn exercise(text: &str) {
    let volumes = Volumes::default();
    // The only error that can come up is one of reading, and there is nothing to read.
    let _ = evaluate(Interpreter::new(&volumes, true), text);
    grubenv::parse(text);
}
